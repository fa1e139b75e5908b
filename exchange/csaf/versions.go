package csaf

import (
	"cmp"
	"strings"
)

// The numbers of documents (version_t): whole numbers, or Semantic Versioning 2.0.0.

// withoutBuild strips build metadata.
func withoutBuild(v string) string {
	v, _, _ = strings.Cut(v, "+")
	return v
}

// core strips build metadata and the pre-release part.
func core(v string) string {
	v, _, _ = strings.Cut(withoutBuild(v), "-")
	return v
}

func preRelease(v string) bool { return strings.Contains(withoutBuild(v), "-") }

// major is the whole number, or the first part of the version, without its zeros.
func major(v string) string {
	v, _, _ = strings.Cut(core(v), ".")
	return v
}

// unreleased reports 0 and 0.y.z.
func unreleased(v string) bool { return major(v) == "0" }

// compareNumbers orders decimal numbers of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// compareVersions is the precedence of SemVer §11; a whole number stands for n.0.0
// (CSAF 2.1 §6.1.14).
func compareVersions(a, b string) int {
	parts := func(v string) [3]string {
		var three [3]string
		copy(three[:], strings.SplitN(core(v), ".", 3))
		return three
	}
	as, bs := parts(a), parts(b)
	for i := range as {
		if c := compareNumbers(as[i], bs[i]); c != 0 {
			return c
		}
	}
	_, aPre, aHas := strings.Cut(withoutBuild(a), "-")
	_, bPre, bHas := strings.Cut(withoutBuild(b), "-")
	switch {
	case !aHas && !bHas:
		return 0
	case !aHas:
		return 1
	case !bHas:
		return -1
	}
	return comparePre(strings.Split(aPre, "."), strings.Split(bPre, "."))
}

func comparePre(a, b []string) int {
	for i := range min(len(a), len(b)) {
		var c int
		switch an, bn := digits(a[i]), digits(b[i]); {
		case an && bn:
			c = compareNumbers(a[i], b[i])
		case an:
			c = -1
		case bn:
			c = 1
		default:
			c = strings.Compare(a[i], b[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}
