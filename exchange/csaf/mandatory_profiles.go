package csaf

import (
	"slices"
	"strings"
	"unicode"
)

// Profiles: §6.1.26 and 6.1.27.

// The profiles by the category of a document (§4).
const (
	profileIncident      = "csaf_security_incident_response"
	profileInformational = "csaf_informational_advisory"
	profileAdvisory      = "csaf_security_advisory"
	profileVEX           = "csaf_vex"
	profileDeprecated    = "csaf_deprecated_security_advisory"
	profileWithdrawn     = "csaf_withdrawn"
	profileSuperseded    = "csaf_superseded"
)

var (
	profilesOf20 = []string{profileIncident, profileInformational, profileAdvisory, profileVEX}
	profilesOf21 = append(slices.Clone(profilesOf20), profileDeprecated, profileWithdrawn, profileSuperseded)
)

// prohibitedCategory is §6.1.26.
func prohibitedCategory(c *checker) {
	profiles := profilesOf20
	if c.version == V21 {
		profiles = profilesOf21
	}
	if c.category == "csaf_base" || slices.Contains(profiles, c.category) {
		return
	}
	n := c.document.get("category")
	if strings.HasPrefix(strings.ToLower(c.category), "csaf_") {
		c.fail(n, "%s starts with the reserved csaf_", shown(c.category))
		return
	}
	name := bare(c.category)
	for _, profile := range profiles {
		if value := bare(profile); name == value || "csaf"+name == value {
			c.fail(n, "%s is another way to write %s", shown(c.category), profile)
		}
	}
}

// bare is a name in lower case without white space, and all that looks like a dash or
// underscore.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		const combiningLowLine, combiningDoubleLowLine, minus = '\u0332', '\u0333', '\u2212'
		if unicode.In(r, unicode.Pd, unicode.Pc, unicode.White_Space, unicode.Cf) ||
			r == combiningLowLine || r == combiningDoubleLowLine || r == minus {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

func (c *checker) hasNote(categories ...string) bool {
	return slices.ContainsFunc(each(c.document.get("notes")), func(n *node) bool {
		return slices.Contains(categories, n.sub("category"))
	})
}

// profileNotes is §6.1.27.1.
func profileNotes(c *checker) {
	if c.profile(profileInformational, profileIncident) && !c.hasNote("description", "details", "general", "summary") {
		c.fail(c.document, "no note is a description, details, general or summary")
	}
}

// profileReferences is §6.1.27.2. External is what a reference is that does not say.
func profileReferences(c *checker) {
	if !c.profile(profileInformational, profileIncident) {
		return
	}
	for _, n := range each(c.document.get("references")) {
		if category := n.sub("category"); category == "external" || category == "" {
			return
		}
	}
	c.fail(c.document, "no reference is external")
}

// profileNoVulnerabilities is §6.1.27.3.
func profileNoVulnerabilities(c *checker) {
	if n := c.root.get("vulnerabilities"); n != nil && c.profile(profileInformational, profileWithdrawn, profileSuperseded) {
		c.fail(n, "a document of the category %s has no vulnerabilities", c.category)
	}
}

// profileTree is §6.1.27.4.
func profileTree(c *checker) {
	if c.profile(profileAdvisory, profileVEX, profileDeprecated) && c.root.get("product_tree") == nil {
		c.fail(c.root, "there is no product tree")
	}
}

// eachVulnerability fails those of the profiles' documents that a function refuses.
func (c *checker) eachVulnerability(good func(*vulnerability) bool, reason string, profiles ...string) {
	if !c.profile(profiles...) {
		return
	}
	for i := range c.vulnerabilities {
		if v := &c.vulnerabilities[i]; !good(v) {
			c.fail(v.node, "%s", reason)
		}
	}
}

// profileVulnerabilityNotes is §6.1.27.5.
func profileVulnerabilityNotes(c *checker) {
	c.eachVulnerability(func(v *vulnerability) bool { return v.get("notes") != nil },
		"the vulnerability has no notes", profileAdvisory, profileVEX, profileDeprecated)
}

// profileStatus is §6.1.27.6.
func profileStatus(c *checker) {
	c.eachVulnerability(func(v *vulnerability) bool { return v.get("product_status") != nil },
		"the vulnerability has no product_status", profileAdvisory, profileDeprecated)
}

// profileVEXStatus is §6.1.27.7.
func profileVEXStatus(c *checker) {
	c.eachVulnerability(func(v *vulnerability) bool {
		status := v.get("product_status")
		return slices.ContainsFunc([]string{"fixed", "known_affected", "known_not_affected", "under_investigation"},
			func(name string) bool { return status.get(name) != nil })
	}, "no product is fixed, known_affected, known_not_affected or under_investigation", profileVEX)
}

// profileID is §6.1.27.8.
func profileID(c *checker) {
	if !c.profile(profileVEX) {
		return
	}
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		ids := each(v.get("ids"))
		if v.get("cve") != nil {
			continue
		}
		if len(ids) == 0 {
			c.fail(v.node, "the vulnerability has neither cve nor ids")
			continue
		}
		named := map[string]bool{}
		whole := false
		for _, n := range ids {
			whole = whole || n.get("product_ids") == nil && n.get("group_ids") == nil
			for _, id := range c.named(n) {
				named[id] = true
			}
		}
		for _, id := range sortedKeys(v.status) {
			if !whole && !named[id] {
				c.fail(v.get("ids"), "no identifier is for the product %s", shown(id))
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// covered fails the products of a state that none of some items names.
func (c *checker) covered(v *vulnerability, state, reason string, items []*node) {
	named := map[string]bool{}
	for _, n := range items {
		for _, id := range c.named(n) {
			named[id] = true
		}
	}
	for _, n := range v.listed(state) {
		if !named[n.str()] {
			c.fail(n, reason, shown(n.str()))
		}
	}
}

// profileImpact is §6.1.27.9.
func profileImpact(c *checker) {
	if !c.profile(profileVEX) {
		return
	}
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		items := each(v.get("flags"))
		for _, n := range each(v.get("threats")) {
			if n.sub("category") == "impact" {
				items = append(items, n)
			}
		}
		c.covered(v, "known_not_affected", "nothing says why the product %s is not affected", items)
	}
}

// profileAction is §6.1.27.10.
func profileAction(c *checker) {
	if !c.profile(profileVEX) {
		return
	}
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		c.covered(v, "known_affected", "nothing says what to do about the affected product %s", each(v.get("remediations")))
	}
}

// profileVulnerabilities is §6.1.27.11.
func profileVulnerabilities(c *checker) {
	if c.profile(profileAdvisory, profileVEX, profileDeprecated) && c.root.get("vulnerabilities") == nil {
		c.fail(c.root, "there are no vulnerabilities")
	}
}
