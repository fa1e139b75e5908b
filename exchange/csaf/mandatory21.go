package csaf

import (
	"slices"
	"strings"
	"time"
)

// Mandatory tests that 2.1 brought: §6.1.34 to 6.1.47, 6.1.49 to 6.1.53, 6.1.56 to
// 6.1.58 and 6.1.61.

// deepBranches is §6.1.34.
func deepBranches(c *checker) {
	const deepest = 30
	for _, p := range c.products {
		depth := 0
		for n := p.parent; n != nil; n = n.parent {
			if n.kind == array && n.name == "branches" {
				depth++
			}
		}
		if depth > deepest {
			c.fail(p, "the product %s lies below %d branches", shown(p.sub("product_id")), depth)
		}
	}
}

// together are the remediations that may stand for one product (table 3 of §3.2.4.14).
var together = map[string][]string{
	"workaround":     {"workaround", "mitigation", "vendor_fix", "fix_planned", "no_fix_planned"},
	"mitigation":     {"workaround", "mitigation", "vendor_fix", "fix_planned", "no_fix_planned"},
	"vendor_fix":     {"workaround", "mitigation", "vendor_fix"},
	"optional_patch": {"optional_patch"},
	"none_available": {"none_available"},
	"fix_planned":    {"workaround", "mitigation", "fix_planned"},
	"no_fix_planned": {"workaround", "mitigation", "no_fix_planned"},
}

// contradictingRemediations is §6.1.35.
func contradictingRemediations(c *checker) {
	for i := range c.vulnerabilities {
		offered := map[string][]string{}
		for _, n := range each(c.vulnerabilities[i].get("remediations")) {
			category := n.sub("category")
			for _, id := range c.named(n) {
				for _, other := range offered[id] {
					if together[category] != nil && !slices.Contains(together[category], other) {
						c.fail(n, "for the product %s, %s contradicts %s", shown(id), category, other)
					}
				}
				if !slices.Contains(offered[id], category) {
					offered[id] = append(offered[id], category)
				}
			}
		}
	}
}

// prohibited and discouraged are the groups of states with which a remediation does not
// go (table 4 of §3.2.4.14).
var (
	prohibited = map[string][]string{
		"workaround": {notAffected, fixed}, "mitigation": {notAffected, fixed}, "vendor_fix": {notAffected, fixed},
		"optional_patch": {affected}, "none_available": {notAffected, fixed}, "fix_planned": {fixed}, "no_fix_planned": {fixed},
	}
	discouraged = map[string][]string{
		"workaround": {investigated, unknownStatus}, "mitigation": {investigated, unknownStatus}, "vendor_fix": {investigated, unknownStatus},
		"optional_patch": {fixed}, "fix_planned": {notAffected, investigated, unknownStatus}, "no_fix_planned": {notAffected},
	}
)

func (c *checker) remediationsAgainst(table map[string][]string) {
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		for _, n := range each(v.get("remediations")) {
			for _, id := range c.named(n) {
				for _, group := range table[n.sub("category")] {
					if v.in(id, group) {
						c.fail(n, "%s does not go with the state of the product %s: %s", n.sub("category"), shown(id), group)
					}
				}
			}
		}
	}
}

// prohibitedRemediation is §6.1.36, discouragedRemediation §6.2.27.
func prohibitedRemediation(c *checker)  { c.remediationsAgainst(prohibited) }
func discouragedRemediation(c *checker) { c.remediationsAgainst(discouraged) }

// wrongDate is §6.1.37, by the rules of §2.3.
func wrongDate(c *checker) {
	for _, n := range c.dates {
		_, ok := instant(n.text)
		if !ok || n.text[10] != 'T' || strings.HasSuffix(n.text, "z") || n.text[17:19] == "60" {
			c.fail(n, "%s is no date and time as RFC 3339 has it, with T and Z in upper case and without leap seconds", shown(n.text))
		}
	}
}

func (c *checker) sharing() *node { return c.document.at("distribution", "sharing_group") }

// maxNotPublic is §6.1.38.
func maxNotPublic(c *checker) {
	if id := c.sharing().get("id"); id.str() == maxUUID && c.tlp() != "CLEAR" {
		c.fail(id, "the group is everybody, and the label is TLP:%s", c.tlp())
	}
}

// publicNotMax is §6.1.39.
func publicNotMax(c *checker) {
	id := c.sharing().get("id")
	if id == nil || c.tlp() != "CLEAR" || id.str() == maxUUID || id.str() == nilUUID && c.status() == "draft" {
		return
	}
	c.fail(id, "the label is TLP:CLEAR, and the group is not everybody")
}

// reservedGroups are the names of the two groups that are none (§3.2.2.5.1).
var reservedGroups = map[string]string{maxUUID: "Public", nilUUID: "No sharing allowed"}

// reservedName is §6.1.40.
func reservedName(c *checker) {
	name := c.sharing().get("name")
	for id, reserved := range reservedGroups {
		if name.str() == reserved && c.sharing().sub("id") != id {
			c.fail(name, "%s is the name of another group", shown(reserved))
		}
	}
}

// missingReservedName is §6.1.41.
func missingReservedName(c *checker) {
	if want, ok := reservedGroups[c.sharing().sub("id")]; ok && c.sharing().sub("name") != want {
		c.fail(c.sharing(), "the name of the group must be %s", shown(want))
	}
}

// differentPURLs is §6.1.42.
func differentPURLs(c *checker) {
	bare := func(s string) string {
		s, fragment, _ := strings.Cut(s, "#")
		s, _, _ = strings.Cut(s, "?")
		return s + "#" + fragment
	}
	for _, h := range c.helpers {
		all := purls(h)
		for i := 1; i < len(all); i++ {
			if bare(all[i].str()) != bare(all[0].str()) {
				c.fail(all[i], "the package URLs differ in more than their qualifiers")
			}
		}
	}
}

// stars fails texts with more than one star that is not escaped.
func (c *checker) stars(list string) {
	for _, h := range c.helpers {
		for _, n := range each(h.get(list)) {
			count, s := 0, n.str()
			for i := 0; i < len(s); i++ {
				switch s[i] {
				case '\\':
					i++
				case '*':
					count++
				}
			}
			if count > 1 {
				c.fail(n, "%s has more than one star", shown(s))
			}
		}
	}
}

// starsInModel is §6.1.43, starsInSerial §6.1.44, starsInSKU §6.1.61.
func starsInModel(c *checker)  { c.stars("model_numbers") }
func starsInSerial(c *checker) { c.stars("serial_numbers") }
func starsInSKU(c *checker)    { c.stars("skus") }

// after fails a date that is after the newest revision of a released document.
func (c *checker) after(n *node) {
	newest, known := c.newest()
	if at, ok := instant(n.str()); ok && known && c.released() && at.After(newest) {
		c.fail(n, "%s is after the newest revision", n.str())
	}
}

// lateDisclosure is §6.1.45.
func lateDisclosure(c *checker) {
	for i := range c.vulnerabilities {
		if c.tlp() == "CLEAR" {
			c.after(c.vulnerabilities[i].get("disclosure_date"))
		}
	}
}

// pastDisclosure is §6.2.33.
func pastDisclosure(c *checker) {
	newest, known := c.newest()
	for i := range c.vulnerabilities {
		n := c.vulnerabilities[i].get("disclosure_date")
		if at, ok := instant(n.str()); ok && known && !at.After(c.Now) && at.After(newest) {
			c.fail(n, "the vulnerability was disclosed after the newest revision")
		}
	}
}

// lateSSVC is §6.1.49.
func lateSSVC(c *checker) {
	for _, n := range c.ssvc {
		c.after(n.get("timestamp"))
	}
}

func (v *vulnerability) epss() (all []*node) {
	for _, m := range v.metrics() {
		if n := m.content.at("epss", "timestamp"); n != nil {
			all = append(all, n)
		}
	}
	return all
}

// lateEPSS is §6.1.51.
func lateEPSS(c *checker) {
	for i := range c.vulnerabilities {
		for _, n := range c.vulnerabilities[i].epss() {
			c.after(n)
		}
	}
}

// oldEPSS is §6.2.41.
func oldEPSS(c *checker) {
	const old = 15 * 24 * time.Hour
	newest, known := c.newest()
	if !known || !c.released() {
		return
	}
	for i := range c.vulnerabilities {
		var youngest time.Time
		var where *node
		for _, n := range c.vulnerabilities[i].epss() {
			if at, ok := instant(n.str()); ok && at.After(youngest) {
				youngest, where = at, n
			}
		}
		if where != nil && newest.Sub(youngest) > old {
			c.fail(where, "the EPSS is more than 15 days older than the newest revision")
		}
	}
}

// lateExploitation is §6.1.52.
func lateExploitation(c *checker) {
	for i := range c.vulnerabilities {
		for _, n := range each(c.vulnerabilities[i].get("first_known_exploitation_dates")) {
			c.after(n.get("date"))
			c.after(n.get("exploitation_date"))
		}
	}
}

// exploitationAfterKnown is §6.1.53.
func exploitationAfterKnown(c *checker) {
	for i := range c.vulnerabilities {
		for _, n := range each(c.vulnerabilities[i].get("first_known_exploitation_dates")) {
			known, ok := instant(n.sub("date"))
			at, okay := instant(n.sub("exploitation_date"))
			if ok && okay && at.After(known) {
				c.fail(n.get("exploitation_date"), "it was exploited after that was known")
			}
		}
	}
}

// scoreAndRating is §6.1.56.
func scoreAndRating(c *checker) {
	type judged struct{ product, source string }
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		scored := map[judged]bool{}
		for _, m := range v.metrics() {
			for _, id := range texts(m.get("products")) {
				if len(m.scored()) > 0 {
					scored[judged{id, m.source}] = true
				}
			}
		}
		for _, m := range v.metrics() {
			n := m.content.get("qualitative_severity_rating")
			for _, id := range texts(m.get("products")) {
				if n != nil && scored[judged{id, m.source}] {
					c.fail(n, "the product %s has a CVSS score of the same source", shown(id))
				}
			}
		}
	}
}

// above are the categories of the branches above a product, from it to the root.
func above(p *node) (all []string) {
	if p.name != "product" {
		return nil
	}
	for n := p.parent; n != nil; n = n.parent {
		if category := n.get("category"); n.kind == object && category != nil {
			all = append(all, category.str())
		}
	}
	return all
}

// stackedCategories is §6.1.57.
func stackedCategories(c *checker) {
	for _, p := range c.products {
		categories := above(p)
		for i, category := range categories {
			if category != "product_family" && slices.Contains(categories[:i], category) {
				c.fail(p, "above the product %s, %s is there twice", shown(p.sub("product_id")), category)
			}
		}
	}
}

// versionAndRange is §6.1.58.
func versionAndRange(c *checker) {
	for _, p := range c.products {
		categories := above(p)
		if slices.Contains(categories, "product_version") && slices.Contains(categories, "product_version_range") {
			c.fail(p, "above the product %s there is a version and a range of versions", shown(p.sub("product_id")))
		}
	}
}

// strangeTarget is §6.1.47.
func strangeTarget(c *checker) {
	tracking := c.document.at("tracking", "id").str()
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		known := []string{v.sub("cve")}
		for _, id := range each(v.get("ids")) {
			known = append(known, id.sub("text"))
		}
		for _, m := range v.metrics() {
			for _, n := range each(m.content.at("ssvc_v2", "target_ids")) {
				if n.str() == tracking && len(c.vulnerabilities) > 1 || !slices.Contains(known, n.str()) {
					c.fail(n, "%s is no identifier of the vulnerability", shown(n.str()))
				}
			}
		}
	}
}
