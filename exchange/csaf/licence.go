package csaf

import (
	"slices"
	"strings"
	"sync"

	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
)

// Licences: §6.1.54, 6.1.55, 6.2.43 to 6.2.46 and 6.3.17. Of the ScanCode LicenseDB no
// list is built in: what has its prefix counts as listed.

// spdx is the SPDX list: licences and exceptions, and those that are deprecated.
var spdx = sync.OnceValues(func() (listed, deprecated map[string]bool) {
	listed, deprecated = map[string]bool{}, map[string]bool{}
	for _, id := range slices.Concat(spdxlicenses.GetLicenses(), spdxlicenses.GetExceptions()) {
		listed[id] = true
	}
	for _, id := range spdxlicenses.GetDeprecated() {
		listed[id], deprecated[id] = true, true
	}
	return listed, deprecated
})

// licences are the identifiers in an expression; false where it is none (SPDX 3.0.1
// annex B, without DocumentRef).
func licences(s string) (ids []string, ok bool) {
	tokens := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(s))
	const most = 256
	if len(tokens) > most {
		return nil, false
	}
	var expression func() bool
	take := func(words ...string) bool {
		if len(tokens) > 0 && slices.Contains(words, tokens[0]) {
			tokens = tokens[1:]
			return true
		}
		return false
	}
	id := func(plus bool) bool {
		if len(tokens) == 0 || slices.Contains([]string{"AND", "OR", "WITH", "(", ")"}, tokens[0]) {
			return false
		}
		name := tokens[0]
		lower := strings.ToLower(name)
		reference := strings.HasPrefix(name, "LicenseRef-") || strings.HasPrefix(name, "AdditionRef-")
		if !reference && (strings.HasPrefix(lower, "licenseref-") || strings.HasPrefix(lower, "additionref-")) || strings.HasPrefix(lower, "documentref-") {
			return false
		}
		if plus && !reference {
			name = strings.TrimSuffix(name, "+")
		}
		tokens = tokens[1:]
		ids = append(ids, name)
		return name != "" && all(name, isAlnum, is("-."))
	}
	term := func() bool {
		if take("(") {
			return expression() && take(")")
		}
		return id(true) && (!take("WITH") || id(false))
	}
	expression = func() bool {
		for {
			if !term() {
				return false
			}
			if !take("AND", "OR", "and", "or") {
				return true
			}
		}
	}
	return ids, expression() && len(tokens) == 0
}

const scancode = "LicenseRef-scancode-"

// foreign reports an identifier that neither SPDX nor ScanCode lists.
func foreign(id string) bool {
	listed, _ := spdx()
	return !listed[id] && !strings.HasPrefix(id, scancode)
}

// wrongLicence is §6.1.54.
func wrongLicence(c *checker) {
	if n := c.document.get("license_expression"); n != nil {
		if _, ok := licences(n.str()); !ok {
			c.fail(n, "%s is no expression of SPDX", shown(n.str()))
		}
	}
}

// ownLicence reports an expression that refers to a licence of nobody's list.
func (c *checker) ownLicence() bool {
	ids, ok := licences(c.document.sub("license_expression"))
	return ok && slices.ContainsFunc(ids, func(id string) bool { return foreign(id) && strings.Contains(id, "Ref-") })
}

// licenceText is §6.1.55.
func licenceText(c *checker) {
	if c.english() && c.ownLicence() {
		c.oneNote(terms["en"].licence, "legal_disclaimer")
	}
}

// missingLicence is §6.2.43.
func missingLicence(c *checker) {
	switch n := c.document.get("license_expression"); {
	case n == nil:
		c.fail(c.document, "the document has no license_expression")
	case n.str() == "":
		c.fail(n, "the license_expression is empty")
	}
}

func (c *checker) eachLicence(visit func(n *node, id string)) {
	n := c.document.get("license_expression")
	if ids, ok := licences(n.str()); ok {
		for _, id := range ids {
			visit(n, id)
		}
	}
}

// deprecatedLicence is §6.2.44.
func deprecatedLicence(c *checker) {
	_, deprecated := spdx()
	c.eachLicence(func(n *node, id string) {
		if deprecated[id] {
			c.fail(n, "the licence %s is deprecated", id)
		}
		c.notAsked(id)
	})
}

// unknownLicence is §6.2.45.
func unknownLicence(c *checker) {
	c.eachLicence(func(n *node, id string) {
		if foreign(id) && !strings.HasPrefix(id, "LicenseRef-") && !strings.HasPrefix(id, "AdditionRef-") {
			c.fail(n, "SPDX lists no licence %s", id)
		}
		c.notAsked(id)
	})
}

func (c *checker) notAsked(id string) {
	if strings.HasPrefix(id, scancode) {
		c.skip("no list of the ScanCode LicenseDB is built in: %s was not looked up", id)
	}
}

// translatedLicenceText is §6.2.46.
func translatedLicenceText(c *checker) {
	if c.ownLicence() {
		c.translated("", func(l string) { c.oneNote(terms[l].licence, "legal_disclaimer") })
	}
}

// unregisteredLicence is §6.3.17.
func unregisteredLicence(c *checker) {
	c.eachLicence(func(n *node, id string) {
		if foreign(id) {
			c.fail(n, "neither SPDX nor ScanCode lists %s", id)
		}
	})
}
