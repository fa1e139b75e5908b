package csaf

import (
	"cmp"
	"slices"
	"strings"
)

// Ranges of versions in the notation of VERS, and "vls", which is VERS without its
// scheme (CSAF 2.1 §3.1.2.3.2).

// versTypes are the types of VERS that are registered, and recognised here. Versions are
// compared the same way in all of them, by numbers and letters; what an ecosystem orders
// in another way may be judged wrongly where ranges overlap.
var versTypes = strings.Fields("all alpine alpm apache apk cargo composer conan cpan cran datetime deb ebuild gem generic gentoo github golang hex intdot lexicographic maven mattermost mozilla nginx none npm nuget openssl pypi rpm semver")

// constraint is a comparator with a version.
type constraint struct{ op, version string }

type versionRange struct {
	kind        string // the type of VERS; empty for vls
	constraints []constraint
}

// readRange reads a range; a reason says why it is none.
func readRange(s string) (r versionRange, reason string) {
	if strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' }) {
		return r, "white space is in it"
	}
	rest := s
	if looksLikeVERS(s) {
		r.kind, rest, _ = strings.Cut(strings.TrimPrefix(s, "vers:"), "/")
		if r.kind != strings.ToLower(r.kind) {
			return r, "the type is not in lower case"
		}
		if r.kind == "all" && rest != "*" {
			return r, "all versions are written vers:all/*"
		}
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(rest, "|") {
		var c constraint
		for _, op := range []string{"!=", "<=", ">=", "<", ">", "="} {
			if strings.HasPrefix(part, op) {
				c.op = op
				break
			}
		}
		c.version = strings.TrimPrefix(part, c.op)
		switch {
		case c.version == "", strings.ContainsAny(c.version, "<>=!|"):
			return r, "a constraint is no comparator with a version"
		case c.version == "*" && rest != "*":
			return r, "a star stands with other constraints"
		case seen[c.version]:
			return r, "a version is there twice"
		}
		seen[c.version] = true
		r.constraints = append(r.constraints, c)
	}
	return r, ""
}

// point is a version, or a place directly before or after it.
type point struct {
	version string
	side    int
}

func (p point) compare(version string) int {
	return cmp.Or(compareAny(p.version, version), p.side)
}

// contains is VERS's algorithm of whether a version is in a range.
func (r *versionRange) contains(p point) bool {
	var bounds []constraint
	for _, c := range r.constraints {
		switch c.op {
		case "":
			if c.version == "*" || p.compare(c.version) == 0 {
				return true
			}
		case "=":
			if p.compare(c.version) == 0 {
				return true
			}
		case "!=":
			if p.compare(c.version) == 0 {
				return false
			}
		default:
			bounds = append(bounds, c)
		}
	}
	slices.SortStableFunc(bounds, func(a, b constraint) int { return compareAny(a.version, b.version) })
	fits := func(c constraint) bool {
		order := p.compare(c.version)
		return order == 0 && len(c.op) == 2 || order < 0 && c.op[0] == '<' || order > 0 && c.op[0] == '>'
	}
	for i, c := range bounds {
		lower := c.op[0] == '>'
		switch {
		case lower && i+1 < len(bounds) && bounds[i+1].op[0] == '<':
			if fits(c) && fits(bounds[i+1]) {
				return true
			}
		case lower, i == 0:
			if fits(c) {
				return true
			}
		}
	}
	return false
}

// overlaps asks the bounds of both ranges, and the places beside them: where the order is
// dense, ranges that meet at all meet there.
func (r *versionRange) overlaps(other *versionRange) bool {
	const most = 64 // bounds of one range
	for _, c := range slices.Concat(r.constraints[:min(most, len(r.constraints))], other.constraints[:min(most, len(other.constraints))]) {
		for side := -1; side <= 1; side++ {
			if p := (point{c.version, side}); r.contains(p) && other.contains(p) {
				return true
			}
		}
	}
	return false
}

// compareAny orders versions of any kind: runs of digits by their number, all else by
// the letters; a version that goes on after a hyphen is a pre-release.
func compareAny(a, b string) int {
	for a != "" && b != "" {
		x, y := run(a), run(b)
		c := strings.Compare(x, y)
		if isDigit(x[0]) && isDigit(y[0]) {
			c = compareNumbers(x, y)
		}
		if c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	switch {
	case a == b:
		return 0
	case a == "":
		return -compareAny(b, a)
	case a[0] == '-':
		return -1
	}
	return 1
}

// run is the digits, or what is no digit, that a version starts with.
func run(s string) string {
	i := 1
	for i < len(s) && isDigit(s[i]) == isDigit(s[0]) {
		i++
	}
	return s[:i]
}

func (c *checker) ranges(visit func(name *node, r versionRange, reason string)) {
	for _, b := range c.branches {
		if b.sub("category") == "product_version_range" {
			r, reason := readRange(b.sub("name"))
			visit(b.get("name"), r, reason)
		}
	}
}

// wrongRange is §6.1.50.
func wrongRange(c *checker) {
	c.ranges(func(n *node, _ versionRange, reason string) {
		if reason != "" {
			c.fail(n, "%s is no range of versions: %s", shown(n.str()), reason)
		}
	})
}

// singleVersion is §6.1.59.
func singleVersion(c *checker) {
	c.ranges(func(n *node, r versionRange, reason string) {
		if reason == "" && len(r.constraints) == 1 && strings.Trim(r.constraints[0].op, "=") == "" && r.constraints[0].version != "*" {
			c.fail(n, "%s is one version", shown(n.str()))
		}
	})
}

// openRange is §6.2.49.
func openRange(c *checker) {
	c.ranges(func(n *node, r versionRange, reason string) {
		last := ""
		for _, one := range r.constraints {
			if one.op != "!=" {
				last = one.op
			}
		}
		if reason == "" && strings.HasPrefix(last, ">") {
			c.fail(n, "%s has no end", shown(n.str()))
		}
	})
}

// unknownVERS is §6.2.51.
func unknownVERS(c *checker) {
	c.ranges(func(n *node, r versionRange, _ string) {
		if r.kind != "" && !slices.Contains(versTypes, r.kind) {
			c.fail(n, "the type %s of VERS is not registered, and not supported here", shown(r.kind))
		}
	})
}

// siblings visits each range with each later branch beside it that overlaps, and the
// products of both, empty where branches follow. Kind says what the other is: "vers",
// "vls" or "version".
func (c *checker) siblings(visit func(other *node, kind, a, b string)) {
	const most = 500 // branches beside each other; their pairs are compared
	seen := map[*node]bool{}
	for _, b := range c.branches {
		if seen[b.parent] {
			continue
		}
		seen[b.parent] = true
		list := each(b.parent)
		list = list[:min(most, len(list))]
		for i, one := range list {
			if one.sub("category") != "product_version_range" {
				continue
			}
			r, reason := readRange(one.sub("name"))
			if reason != "" {
				continue
			}
			for j, other := range list {
				kind := ""
				switch category := other.sub("category"); {
				case category == "product_version":
					if r.contains(point{version: other.sub("name")}) {
						kind = "version"
					}
				case category == "product_version_range" && j > i:
					if o, reason := readRange(other.sub("name")); reason == "" && r.overlaps(&o) {
						kind = "vls"
						if o.kind != "" {
							kind = "vers"
						}
					}
				}
				if kind != "" {
					visit(other.get("name"), kind, one.at("product", "product_id").str(), other.at("product", "product_id").str())
				}
			}
		}
	}
}

// overlapping fails ranges that overlap with what is of a kind, where a function says so
// of a vulnerability and both products.
func (c *checker) overlapping(kind string, bad func(v *vulnerability, a, b string) bool) {
	c.siblings(func(other *node, found, a, b string) {
		if found != kind || a == "" || b == "" {
			return
		}
		for i := range c.vulnerabilities {
			if bad(&c.vulnerabilities[i], a, b) {
				c.fail(other, "it overlaps with the range of the product %s", shown(a))
				return
			}
		}
	})
}

func contradict(v *vulnerability, a, b string) bool {
	for _, x := range v.status[a] {
		for _, y := range v.status[b] {
			if x != y && x != recommended && y != recommended {
				return true
			}
		}
	}
	return false
}

func agree(v *vulnerability, a, b string) bool {
	return slices.ContainsFunc(v.status[a], func(g string) bool { return slices.Contains(v.status[b], g) })
}

// The overlaps of products in contradicting groups are §6.2.50.1 to 6.2.50.3, those in
// the same group §6.3.19.1 to 6.3.19.3, and those of branches §6.3.19.4 and 6.3.19.5.
func contradictingVERS(c *checker)    { c.overlapping("vers", contradict) }
func contradictingVLS(c *checker)     { c.overlapping("vls", contradict) }
func contradictingVersion(c *checker) { c.overlapping("version", contradict) }
func overlappingVERS(c *checker)      { c.overlapping("vers", agree) }
func overlappingVLS(c *checker)       { c.overlapping("vls", agree) }
func overlappingVersion(c *checker)   { c.overlapping("version", agree) }

func (c *checker) overlappingBranch(version bool) {
	c.siblings(func(other *node, kind, _, _ string) {
		if (kind == "version") == version && other.parent.get("branches") != nil {
			c.fail(other, "it overlaps with a range beside it")
		}
	})
}

func overlappingRangeBranch(c *checker)   { c.overlappingBranch(false) }
func overlappingVersionBranch(c *checker) { c.overlappingBranch(true) }
