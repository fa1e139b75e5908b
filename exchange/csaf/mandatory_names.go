package csaf

import (
	"errors"
	"strings"

	"github.com/package-url/packageurl-go"
	"golang.org/x/text/language"
)

// Names that others define: weaknesses, languages, packages (§6.1.11 to 6.1.13), and
// what may be named once only (§6.1.23 to 6.1.25).

// unknownWeakness is §6.1.11. 2.0 does not say of which release a weakness is: any will
// do.
func unknownWeakness(c *checker) {
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		if n := v.get("cwe"); n != nil {
			c.weakness(n)
		}
		for _, n := range each(v.get("cwes")) {
			c.weakness(n)
		}
	}
}

func (c *checker) weakness(n *node) {
	id, name, release := n.sub("id"), n.sub("name"), n.sub("version")
	if !isCWE(id) {
		return
	}
	if c.version == V20 {
		if !weaknesses().named(id, name) {
			c.fail(n, "no release of CWE has the weakness %s with the name %s", id, shown(name))
		}
		return
	}
	if !weaknesses().has(release) {
		c.fail(n, "the release %s of CWE is not known", shown(release))
		return
	}
	entry, ok := weaknesses().at(id, release)
	switch {
	case !ok:
		c.fail(n, "CWE %s has no weakness %s", release, id)
	case entry.name != name:
		c.fail(n.get("name"), "the name of %s in CWE %s is %s", id, release, shown(entry.name))
	}
}

// unknownLanguage is §6.1.12.
func unknownLanguage(c *checker) {
	for _, n := range c.langs {
		if strings.EqualFold(n.text, "i-default") || strings.EqualFold(n.text, "i-mingo") || privateTag(n.text) {
			continue
		}
		var unknown language.ValueError
		if _, err := language.Parse(n.text); errors.As(err, &unknown) || err != nil && isLanguage(n.text) {
			c.fail(n, "the language %s is not registered", shown(n.text))
		}
	}
}

// wrongPURL is §6.1.13.
func wrongPURL(c *checker) {
	for _, h := range c.helpers {
		for _, n := range purls(h) {
			if err := checkPURL(n.str()); err != nil {
				c.fail(n, "%v", err)
			}
		}
	}
}

// purls are the package URLs of a helper, of either version.
func purls(h *node) []*node {
	if n := h.get("purl"); n != nil {
		return []*node{n}
	}
	return each(h.get("purls"))
}

// checkPURL asks what the library does not: a canonical prefix, and a name.
func checkPURL(s string) error {
	p, err := packageurl.FromString(s)
	if err != nil {
		return err
	}
	if strings.HasPrefix(s, "pkg:/") {
		return errors.New("slashes follow the scheme")
	}
	return p.Normalize()
}

// repeatedCVE is §6.1.23.
func repeatedCVE(c *checker) {
	seen := map[string]bool{}
	for i := range c.vulnerabilities {
		n := c.vulnerabilities[i].get("cve")
		if n != nil && seen[n.str()] {
			c.fail(n, "%s has an item of its own already", shown(n.str()))
		}
		seen[n.str()] = true
	}
}

// repeatedInvolvement is §6.1.24. Two without a date are no pair.
func repeatedInvolvement(c *checker) {
	for i := range c.vulnerabilities {
		seen := map[string]bool{}
		for _, n := range each(c.vulnerabilities[i].get("involvements")) {
			at, ok := instant(n.sub("date"))
			if !ok {
				continue
			}
			key := n.sub("party") + at.UTC().String()
			if seen[key] {
				c.fail(n, "%s is involved twice at that date", shown(n.sub("party")))
			}
			seen[key] = true
		}
	}
}

// repeatedHash is §6.1.25.
func repeatedHash(c *checker) {
	for _, f := range c.files {
		seen := map[string]bool{}
		for _, n := range each(f.get("file_hashes")) {
			if algorithm := n.get("algorithm"); algorithm != nil {
				if seen[algorithm.str()] {
					c.fail(algorithm, "%s is used twice for one file", shown(algorithm.str()))
				}
				seen[algorithm.str()] = true
			}
		}
	}
}
