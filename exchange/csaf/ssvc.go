package csaf

import "strings"

// isNamespace is the form of a namespace of SSVC decision points: a base, registered or
// a private one that starts with x_ and a reversed domain with a fragment, and after
// slashes a language and extensions.
func isNamespace(s string) bool {
	const shortest, longest = 3, 1000
	if len(s) < shortest || len(s) > longest {
		return false
	}
	base, rest, _ := strings.Cut(s, "/")
	name, fragment, has := strings.Cut(base, "#")
	private, isPrivate := strings.CutPrefix(name, "x_")
	if isPrivate && (!has || !strings.Contains(private, ".")) || has && fragment == "" {
		return false
	}
	if !isPrivate && (name == "" || !isLower(name[0])) {
		return false
	}
	return all(private, isLower, isDigit, is(".-")) && all(fragment, isLower, isDigit, is(".-")) && all(rest, isAlnum, is("/.#$-"))
}
