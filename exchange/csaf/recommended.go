package csaf

import (
	"regexp"
	"slices"
	"strings"

	"tocsin/exchange/cvss"
)

// Optional tests of 2.0, recommended ones of 2.1, as far as both have them: §6.2.1 to
// 6.2.20.

// unusedProduct is §6.2.1.
func unusedProduct(c *checker) {
	if c.profile(profileInformational) {
		return
	}
	used := make(map[string]bool, len(c.productRefs))
	for _, ref := range c.productRefs {
		used[ref.text] = true
	}
	for _, p := range c.products {
		if id := p.get("product_id"); id != nil && !used[id.str()] {
			c.fail(id, "the product %s is never used", shown(id.str()))
		}
	}
}

// missingRemediation is §6.2.2.
func missingRemediation(c *checker) {
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		for _, state := range []string{"first_affected", "known_affected", "last_affected", "under_investigation"} {
			c.covered(v, state, "there is no remediation for the product %s", each(v.get("remediations")))
		}
	}
}

// missingScore is §6.2.3.
func missingScore(c *checker) {
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		judged := map[string]bool{}
		for _, m := range v.metrics() {
			for _, id := range texts(m.get("products")) {
				judged[id] = true
			}
		}
		for _, n := range v.listed("first_affected", "known_affected", "last_affected") {
			if !judged[n.str()] {
				c.fail(n, "the affected product %s is not judged", shown(n.str()))
			}
		}
	}
}

// buildInHistory is §6.2.4.
func buildInHistory(c *checker) {
	for _, r := range c.history {
		if strings.Contains(r.number, "+") {
			c.fail(r.get("number"), "the revision %s has build metadata", shown(r.number))
		}
	}
}

// olderInitialRelease is §6.2.5.
func olderInitialRelease(c *checker) {
	n := c.document.at("tracking", "initial_release_date")
	if at, ok := instant(n.str()); ok && len(c.history) > 0 && at.Before(c.history[0].at) {
		c.fail(n, "the initial release is older than the oldest revision")
	}
}

// olderCurrentRelease is §6.2.6.
func olderCurrentRelease(c *checker) {
	n := c.document.at("tracking", "current_release_date")
	newest, known := c.newest()
	if at, ok := instant(n.str()); ok && known && at.Before(newest) {
		c.fail(n, "the current release is older than the newest revision")
	}
}

// undatedInvolvement is §6.2.7.
func undatedInvolvement(c *checker) {
	for i := range c.vulnerabilities {
		for _, n := range each(c.vulnerabilities[i].get("involvements")) {
			if n.get("date") == nil {
				c.fail(n, "the involvement has no date")
			}
		}
	}
}

// only fails the files that have no hash but those of one algorithm.
func (c *checker) only(algorithm string) {
	for _, f := range c.files {
		hashes := each(f.get("file_hashes"))
		if len(hashes) > 0 && !slices.ContainsFunc(hashes, func(h *node) bool { return h.sub("algorithm") != algorithm }) {
			c.fail(f, "the only hash is of %s", algorithm)
		}
	}
}

// onlyMD5 is §6.2.8.
func onlyMD5(c *checker) { c.only("md5") }

// onlySHA1 is §6.2.9.
func onlySHA1(c *checker) { c.only("sha1") }

// missingTLP is §6.2.10.
func missingTLP(c *checker) {
	if c.tlp() == "" {
		c.fail(c.document, "the document has no TLP label")
	}
}

var notInName = regexp.MustCompile(`[^+\-a-z0-9]+`)

// FileName is the name of the file of the document with an id (§5.1).
func FileName(trackingID string) string {
	return notInName.ReplaceAllString(strings.ToLower(trackingID), "_") + ".json"
}

// canonical is the URL at which the document is at home.
func (c *checker) canonical() string {
	name := FileName(c.document.at("tracking", "id").str())
	for _, n := range each(c.document.get("references")) {
		if url := n.sub("url"); n.sub("category") == "self" && strings.HasPrefix(url, "https://") && strings.HasSuffix(url, "/"+name) {
			return url
		}
	}
	return ""
}

// missingCanonical is §6.2.11.
func missingCanonical(c *checker) {
	if c.canonical() == "" {
		c.fail(c.document, "no reference to itself is an https URL that ends in /%s", FileName(c.document.at("tracking", "id").str()))
	}
}

// unsortedNames is §6.2.13.
func unsortedNames(c *checker) {
	c.root.walk(func(n *node) {
		if n.kind != object {
			return
		}
		for i := 1; i < len(n.kids); i++ {
			if n.kids[i].name < n.kids[i-1].name {
				c.fail(&n.kids[i], "the name comes before %s by the alphabet", shown(n.kids[i-1].name))
			}
		}
	})
}

// missingHelper is §6.2.16.
func missingHelper(c *checker) {
	for _, p := range c.products {
		if p.get("product_identification_helper") == nil {
			c.fail(p, "nothing helps to identify the product %s", shown(p.sub("product_id")))
		}
	}
}

// cveAsID is §6.2.17.
func cveAsID(c *checker) {
	for i := range c.vulnerabilities {
		for _, n := range each(c.vulnerabilities[i].get("ids")) {
			if isCVE(n.sub("text")) {
				c.fail(n.get("text"), "%s is a CVE and belongs under cve", n.sub("text"))
			}
		}
	}
}

// rangeWithoutVERS is §6.2.18.
func rangeWithoutVERS(c *checker) {
	for _, b := range c.branches {
		if b.sub("category") == "product_version_range" && !looksLikeVERS(b.sub("name")) {
			c.fail(b.get("name"), "%s is not written in VERS: see whether it can be, or the versions listed", shown(b.sub("name")))
		}
	}
}

// looksLikeVERS is "vers:" with a type and what follows it.
func looksLikeVERS(s string) bool {
	rest, found := strings.CutPrefix(s, "vers:")
	kind, constraints, slash := strings.Cut(rest, "/")
	return found && slash && constraints != "" && kind != "" && isAlpha(kind[0]) && all(kind, isAlnum, is(".-+"))
}

// scoreOfFixed is §6.2.19.
func scoreOfFixed(c *checker) {
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		fixed := map[string]bool{}
		for _, n := range v.listed("first_fixed", "fixed") {
			fixed[n.str()] = true
		}
		if len(fixed) == 0 {
			continue
		}
		for _, m := range v.metrics() {
			for _, score := range m.scored() {
				if harmless(score) {
					continue
				}
				for _, id := range each(m.get("products")) {
					if fixed[id.str()] {
						c.fail(id, "the product %s is fixed, and its score is not 0", shown(id.str()))
					}
				}
			}
		}
	}
}

// harmlessBy are the properties that bring a score to 0, by the object's name.
var harmlessBy = map[string][]string{
	"cvss_v2": {"targetDistribution=NONE"},
	"cvss_v3": {"modifiedConfidentialityImpact=NONE", "modifiedIntegrityImpact=NONE", "modifiedAvailabilityImpact=NONE"},
	"cvss_v4": {
		"modifiedVulnConfidentialityImpact=NONE", "modifiedVulnIntegrityImpact=NONE", "modifiedVulnAvailabilityImpact=NONE",
		"modifiedSubConfidentialityImpact=NEGLIGIBLE", "modifiedSubIntegrityImpact=NEGLIGIBLE", "modifiedSubAvailabilityImpact=NEGLIGIBLE",
	},
}

func harmless(n *node) bool {
	if score := n.get("environmentalScore"); score != nil && isZero(score) {
		return true
	}
	if n.name == "cvss_v4" && isZero(n.get("baseScore")) {
		return true
	}
	if v, err := cvss.Parse(n.sub("vectorString")); err == nil && v.Environmental() == 0 {
		return true
	}
	return !slices.ContainsFunc(harmlessBy[n.name], func(pair string) bool {
		name, word, _ := strings.Cut(pair, "=")
		return n.sub(name) != word
	})
}

func isZero(n *node) bool {
	return n != nil && n.kind == number && strings.Trim(n.text, "0.-") == ""
}

// additionalNames is §6.2.20.
func additionalNames(c *checker) {
	for _, n := range c.unknown {
		c.fail(n, "the standard has no %s here", shown(n.name))
	}
}
