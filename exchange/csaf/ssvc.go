package csaf

import (
	"slices"
	"strings"
	"unicode"
)

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

// base is a namespace without language and extensions.
func base(namespace string) string {
	base, _, _ := strings.Cut(namespace, "/")
	return base
}

// registered namespaces have decision points of their own; reserved ones are for
// examples and tests.
var (
	registered = []string{"basic", "cisa", "cvss", "nist", "ssvc"}
	reserved   = []string{"example", "invalid", "test"}
)

func isReserved(namespace string) bool {
	name, _, _ := strings.Cut(base(namespace), "#")
	return slices.Contains(reserved, name)
}

func isRegistered(namespace string) bool { return slices.Contains(registered, base(namespace)) }

func isExtended(namespace string) bool { return strings.Contains(namespace, "/.") }

// points are the decision points that are built in: namespace and key, version, values in
// their order.
var points = map[string]map[string]string{
	"ssvc A":    {"1.0.0": "N Y", "2.0.0": "N Y"},
	"ssvc E":    {"1.0.0": "N P A", "1.1.0": "N P A"},
	"ssvc EXP":  {"1.0.0": "S C O", "1.0.1": "S C O"},
	"ssvc MI":   {"1.0.0": "N NED MSC MEF MF", "2.0.0": "D MSC MEF MF"},
	"ssvc PSI":  {"2.0.0": "M S", "2.0.1": "M S"},
	"ssvc PVA":  {"1.0.0": "P L A"},
	"ssvc RC":   {"1.0.0": "NC C"},
	"ssvc RP":   {"1.0.0": "Y N"},
	"ssvc SC":   {"1.0.0": "O M"},
	"ssvc SCON": {"1.0.0": "N Y"},
	"ssvc SE":   {"1.0.0": "A U"},
	"ssvc SI":   {"1.0.0": "N M J H C", "2.0.0": "N M R C", "2.0.1": "N M R C"},
	"ssvc TI":   {"1.0.0": "P T"},
	"ssvc VD":   {"1.0.0": "D C"},
	"cvss AC":   {"3.0.0": "H L", "3.0.1": "H L"},
	"cvss E":    {"3.0.1": "U P A X"},
}

func (c *checker) selections(visit func(n *node, namespace string)) {
	for _, s := range c.ssvc {
		for _, n := range each(s.get("selections")) {
			visit(n, n.sub("namespace"))
		}
	}
}

// wrongPoint is §6.1.48. Decision points of other registered namespaces than ssvc that
// are not built in are passed over.
func wrongPoint(c *checker) {
	c.selections(func(n *node, namespace string) {
		if base(namespace) == "invalid" {
			c.fail(n.get("namespace"), "the namespace is reserved for what is invalid")
			return
		}
		if !isRegistered(namespace) || isReserved(namespace) {
			return
		}
		known := points[base(namespace)+" "+n.sub("key")]
		values, ok := known[n.sub("version")]
		switch {
		case known == nil && base(namespace) != "ssvc":
			c.skip("the decision point %s %s is not built in", base(namespace), n.sub("key"))
			return
		case known == nil && !strings.HasPrefix(n.sub("key"), "DT"):
			if len(n.sub("key")) <= 3 || strings.ContainsFunc(n.sub("key"), unicode.IsLower) {
				c.fail(n.get("key"), "there is no decision point %s", shown(n.sub("key")))
				return
			}
			c.skip("the decision point %s is not built in", n.sub("key"))
			return
		case known == nil:
			return
		case !ok:
			c.fail(n.get("version"), "the decision point %s has no version %s", n.sub("key"), shown(n.sub("version")))
			return
		}
		order := strings.Fields(values)
		last := -1
		for _, v := range each(n.get("values")) {
			place := slices.Index(order, v.sub("key"))
			if place < 0 {
				c.fail(v, "%s is no value of %s %s", shown(v.sub("key")), n.sub("key"), n.sub("version"))
			} else if place < last {
				c.fail(v, "the values of %s are not in its order", n.sub("key"))
			}
			last = max(last, place)
		}
	})
}

// unknownBase is §6.2.34.
func unknownBase(c *checker) {
	c.selections(func(n *node, namespace string) {
		if !isRegistered(namespace) && !isReserved(namespace) {
			c.fail(n.get("namespace"), "the namespace %s is not registered", shown(base(namespace)))
		}
	})
}

func (c *checker) unregisteredBase(public bool) {
	if (c.tlp() == "CLEAR") == public {
		unknownBase(c)
	}
}

// unregisteredPublic is §6.2.35, unregisteredShared §6.3.14.
func unregisteredPublic(c *checker) { c.unregisteredBase(true) }
func unregisteredShared(c *checker) { c.unregisteredBase(false) }

func (c *checker) extended(public bool) {
	if (c.tlp() == "CLEAR") != public {
		return
	}
	c.selections(func(n *node, namespace string) {
		if isRegistered(namespace) && isExtended(namespace) {
			c.fail(n.get("namespace"), "the namespace %s is extended", shown(namespace))
		}
	})
}

// extendedPublic is §6.2.36, extendedShared §6.3.15.
func extendedPublic(c *checker) { c.extended(true) }
func extendedShared(c *checker) { c.extended(false) }

// withoutResource is §6.2.37.
func withoutResource(c *checker) {
	for _, s := range c.ssvc {
		for _, n := range each(s.get("selections")) {
			namespace := n.sub("namespace")
			if isReserved(namespace) || isRegistered(namespace) && !isExtended(namespace) {
				continue
			}
			if !slices.ContainsFunc(each(s.get("decision_point_resources")), func(r *node) bool { return strings.Contains(r.sub("summary"), namespace) }) {
				c.fail(n.get("namespace"), "no resource explains the namespace %s", shown(namespace))
			}
		}
	}
}

// oldPoint is §6.3.13. The dates of releases are not built in: the newest known counts.
func oldPoint(c *checker) {
	c.selections(func(n *node, namespace string) {
		version := n.sub("version")
		for newer := range points[base(namespace)+" "+n.sub("key")] {
			if isRegistered(namespace) && isSemver(version) && compareVersions(newer, version) > 0 {
				c.fail(n.get("version"), "the decision point %s has a newer version than %s", n.sub("key"), version)
				return
			}
		}
	})
}
