package csaf

import (
	"slices"
	"strings"
)

// Profiles that 2.1 brought, and those it asks more of: §6.1.27.12 to 6.1.27.19.

// profileAffected is §6.1.27.12.
func profileAffected(c *checker) {
	c.eachVulnerability(func(v *vulnerability) bool { return v.at("product_status", "known_affected") != nil },
		"no product is known_affected", profileAdvisory)
}

// lineages finds what versions of a product have in common: the branches above it, but
// for those of versions. A product path has that of its beginning, with what it is
// installed on; what is installed with something has that of the path that leads there,
// and so has what was installed. A product that stands alone has none.
func (c *checker) lineages() func(id string) []string {
	paths := map[string][]*node{}
	for _, n := range each(c.root.at("product_tree", "product_paths")) {
		own := n.at("full_product_name", "product_id").str()
		paths[own] = append(paths[own], n)
		for _, sub := range each(n.get("subpaths")) {
			if sub.sub("category") == "installed_with" {
				added := sub.sub("next_product_reference")
				paths[added] = append(paths[added], n)
			}
		}
	}
	return func(id string) []string {
		var all []string
		if line := c.lineage(id); line != "" {
			all = append(all, line)
		}
		for _, n := range paths[id] {
			line := []string{c.lineage(n.sub("beginning_product_reference"))}
			for _, sub := range each(n.get("subpaths")) {
				if sub.sub("category") == "installed_with" {
					break
				}
				line = append(line, sub.sub("category")+"="+sub.sub("next_product_reference"))
			}
			all = append(all, strings.Join(line, "\n"))
		}
		return all
	}
}

// lineage is the branches above a product.
func (c *checker) lineage(id string) string {
	p := c.byID[id]
	if p == nil || p.name != "product" {
		return ""
	}
	var parts []string
	for n := p.parent; n != nil; n = n.parent {
		if category := n.sub("category"); n.kind == object && category != "" && !strings.HasPrefix(category, "product_version") {
			parts = append(parts, category+"="+n.sub("name"))
		}
	}
	return strings.Join(parts, "\n")
}

// counterpart fails the products of states that have no other version in other states.
func (c *checker) counterpart(v *vulnerability, lineage func(string) []string, states, others []string, reason string, skip func(string) bool) {
	opposite := v.listed(others...)
	for _, n := range v.listed(states...) {
		own := lineage(n.str())
		if skip(n.str()) {
			continue
		}
		if !slices.ContainsFunc(opposite, func(o *node) bool {
			theirs := lineage(o.str())
			return own == nil || theirs == nil || slices.ContainsFunc(own, func(l string) bool { return slices.Contains(theirs, l) })
		}) {
			c.fail(n, reason, shown(n.str()))
		}
	}
}

var (
	affectedStates = []string{"first_affected", "known_affected", "last_affected"}
	fixedStates    = []string{"first_fixed", "fixed"}
)

// fixedWithoutAffected is §6.1.27.13.
func fixedWithoutAffected(c *checker) {
	if !c.profile(profileAdvisory) {
		return
	}
	lineage := c.lineages()
	for i := range c.vulnerabilities {
		c.counterpart(&c.vulnerabilities[i], lineage, fixedStates, affectedStates,
			"no affected version of the fixed product %s is listed", func(string) bool { return false })
	}
}

// affectedWithoutFixed is §6.2.39.1.
func affectedWithoutFixed(c *checker) {
	if !c.profile(profileAdvisory) {
		return
	}
	lineage := c.lineages()
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		without, with := map[string]bool{}, map[string]bool{}
		for _, n := range each(v.get("remediations")) {
			for _, id := range c.named(n) {
				switch n.sub("category") {
				case "fix_planned", "no_fix_planned", "none_available":
					without[id] = true
				case "vendor_fix":
					with[id] = true
				}
			}
		}
		c.counterpart(v, lineage, affectedStates, fixedStates, "no fixed version of the affected product %s is listed",
			func(id string) bool { return without[id] && !with[id] })
	}
}

// endedNotes is §6.1.27.14.
func endedNotes(c *checker) {
	if c.profile(profileWithdrawn, profileSuperseded) && !c.hasNote("description") {
		c.fail(c.document, "no note is a description")
	}
}

// endedTree is §6.1.27.15.
func endedTree(c *checker) {
	if n := c.root.get("product_tree"); n != nil && c.profile(profileWithdrawn, profileSuperseded) {
		c.fail(n, "a document of the category %s has no product tree", c.category)
	}
}

// endedHistory is §6.1.27.16.
func endedHistory(c *checker) {
	if c.profile(profileWithdrawn, profileSuperseded) && len(c.history) < 2 {
		c.fail(c.document.at("tracking", "revision_history"), "what ended a document is its second revision at least")
	}
}

// oneNote fails a document that has not exactly one note of a title, in a category.
func (c *checker) oneNote(title, category string) {
	var found []*node
	for _, n := range each(c.document.get("notes")) {
		if n.sub("title") == title {
			found = append(found, n)
		}
	}
	switch {
	case len(found) != 1:
		c.fail(c.document, "%d notes have the title %s; one must", len(found), shown(title))
	case found[0].sub("category") != category:
		c.fail(found[0].get("category"), "the category of the note %s is not %s", shown(title), category)
	}
}

// The titles and summaries that have a meaning, by language; "en" is used for documents
// that do not say theirs.
var terms = map[string]struct{ withdrawal, supersession, superseding, licence, product string }{
	"en": {"Reasoning for Withdrawal", "Reasoning for Supersession", "Superseding Document", "License", "Product Description"},
	"de": {"Begründung für die Zurückziehung", "Begründung für die Ersetzung", "Ersetzendes Dokument", "Lizenz", "Produktbeschreibung"},
}

// withdrawal is §6.1.27.17.
func withdrawal(c *checker) {
	if c.profile(profileWithdrawn) && c.english() {
		c.oneNote(terms["en"].withdrawal, "description")
	}
}

// supersession is §6.1.27.18.
func supersession(c *checker) {
	if c.profile(profileSuperseded) && c.english() {
		c.oneNote(terms["en"].supersession, "description")
	}
}

func (c *checker) superseding(start string) {
	for _, n := range each(c.document.get("references")) {
		if strings.HasPrefix(n.sub("summary"), start) && n.sub("category") == "external" {
			return
		}
	}
	c.fail(c.document, "no external reference has a summary that starts with %s", shown(start))
}

// supersedingDocument is §6.1.27.19.
func supersedingDocument(c *checker) {
	if c.profile(profileSuperseded) && c.english() {
		c.superseding(terms["en"].superseding)
	}
}

// translated runs a test for documents in another language than English.
func (c *checker) translated(profile string, check func(language string)) {
	if (profile != "" && !c.profile(profile)) || c.english() {
		return
	}
	primary, _, _ := strings.Cut(strings.ToLower(c.document.sub("lang")), "-")
	if _, ok := terms[primary]; !ok {
		c.skip("the standard's terms are not known in the language %s", shown(primary))
		return
	}
	check(primary)
}

// translatedWithdrawal is §6.2.39.2.
func translatedWithdrawal(c *checker) {
	c.translated(profileWithdrawn, func(l string) { c.oneNote(terms[l].withdrawal, "description") })
}

// translatedSupersession is §6.2.39.3.
func translatedSupersession(c *checker) {
	c.translated(profileSuperseded, func(l string) { c.oneNote(terms[l].supersession, "description") })
}

// translatedSuperseding is §6.2.39.4.
func translatedSuperseding(c *checker) {
	c.translated(profileSuperseded, func(l string) { c.superseding(terms[l].superseding) })
}

// endedExtension is §6.2.39.5 (numbered 6.2.39.4.1 in the draft's text).
func endedExtension(c *checker) {
	if c.profile(profileWithdrawn, profileSuperseded) {
		for _, n := range c.extensions {
			c.fail(n, "a document of the category %s has no extensions", c.category)
		}
	}
}

// descriptionWithoutProduct is §6.2.40.
func descriptionWithoutProduct(c *checker) {
	check := func(l string) {
		for _, n := range each(c.document.get("notes")) {
			if n.sub("category") == "description" && strings.HasPrefix(n.sub("title"), terms[l].product) && n.get("product_ids") == nil && n.get("group_ids") == nil {
				c.fail(n, "the description says of no product that it is its")
			}
		}
	}
	if c.english() {
		check("en")
		return
	}
	c.translated("", check)
}
