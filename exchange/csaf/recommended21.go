package csaf

import (
	"slices"
	"strings"
)

// Recommended and informative tests that 2.1 brought: §6.2.21 to 6.2.32, 6.2.38, 6.2.42,
// 6.2.47, 6.2.48, 6.2.52, 6.2.53, and §6.3.12, 6.3.18, 6.3.20, 6.3.22.

// sameTime is §6.2.21.
func sameTime(c *checker) {
	for i := 1; i < len(c.history); i++ {
		if c.history[i].at.Equal(c.history[i-1].at) {
			c.fail(c.history[i].get("date"), "two revisions have the same date")
		}
	}
}

// idInTitle is §6.2.22.
func idInTitle(c *checker) {
	title, id := c.document.get("title"), c.document.at("tracking", "id").str()
	if id != "" && strings.Contains(title.str(), id) {
		c.fail(title, "the title contains the document's id")
	}
}

func (c *checker) eachWeakness(visit func(n *node, w weakness)) {
	for i := range c.vulnerabilities {
		for _, n := range each(c.vulnerabilities[i].get("cwes")) {
			if w, ok := weaknesses().at(n.sub("id"), n.sub("version")); ok {
				visit(n, w)
			}
		}
	}
}

// deprecatedWeakness is §6.2.23.
func deprecatedWeakness(c *checker) {
	c.eachWeakness(func(n *node, w weakness) {
		if w.deprecated {
			c.fail(n, "%s is deprecated", n.sub("id"))
		}
	})
}

// otherCWE is §6.2.24.
func otherCWE(c *checker) {
	newest, known := c.newest()
	if !known {
		return
	}
	latest := weaknesses().latest(newest)
	for i := range c.vulnerabilities {
		for _, n := range each(c.vulnerabilities[i].get("cwes")) {
			if version := n.get("version"); version != nil && version.str() != latest {
				c.fail(version, "the latest release of CWE at the last revision was %s", latest)
			}
		}
	}
}

// unmappable is §6.2.25.
func unmappable(c *checker) {
	c.eachWeakness(func(n *node, w weakness) {
		if w.usage == 'D' || w.usage == 'P' {
			c.fail(n, "%s is not to be used for vulnerabilities", n.sub("id"))
		}
	})
}

// reviewedMapping is §6.2.26.
func reviewedMapping(c *checker) {
	c.eachWeakness(func(n *node, w weakness) {
		if w.usage == 'R' {
			c.fail(n, "%s may be used for vulnerabilities after a review only", n.sub("id"))
		}
	})
}

// maxGroup is §6.2.28, nilGroup §6.2.29, publicGroup §6.2.30.
func maxGroup(c *checker) {
	if id := c.sharing().get("id"); id.str() == maxUUID {
		c.fail(id, "the sharing group is everybody")
	}
}

func nilGroup(c *checker) {
	if id := c.sharing().get("id"); id.str() == nilUUID {
		c.fail(id, "the sharing group is nobody")
	}
}

func publicGroup(c *checker) {
	if n := c.sharing(); n != nil && c.tlp() == "CLEAR" {
		c.fail(n, "a document for everybody names a sharing group")
	}
}

// hardwareAlone is §6.2.31.
func hardwareAlone(c *checker) {
	_, from := c.made()
	used := map[string]bool{}
	for _, refs := range from {
		for _, ref := range refs {
			used[ref.str()] = true
		}
	}
	for _, h := range c.helpers {
		id := h.parent.sub("product_id")
		if (h.get("serial_numbers") != nil || h.get("model_numbers") != nil) && !used[id] {
			c.fail(h, "the product %s has numbers of hardware, and no product path names it", shown(id))
		}
	}
}

// sharedHelper is §6.2.32.
func sharedHelper(c *checker) {
	seen := map[string]string{}
	for _, h := range c.helpers {
		id := h.parent.sub("product_id")
		if h.kind != object {
			continue
		}
		for i := range h.kids {
			kid := &h.kids[i]
			values := []*node{kid}
			if kid.kind == array {
				values = each(kid)
			}
			for _, n := range values {
				key := kid.name + "=" + n.key()
				if first, ok := seen[key]; ok && first != id {
					c.fail(n, "the product %s is identified by the same", shown(first))
				} else {
					seen[key] = id
				}
			}
		}
	}
}

// deprecatedProfile is §6.2.38.
func deprecatedProfile(c *checker) {
	if strings.HasPrefix(c.category, "csaf_deprecated_") {
		c.fail(c.document.get("category"), "the profile %s is deprecated", c.category)
	}
}

// inconsistentHelper is §6.2.42, for CPE names of the 2.3 form: version, update and
// language must be those of the branches, and none that these do not say.
func inconsistentHelper(c *checker) {
	for _, h := range c.helpers {
		cpe := h.sub("cpe")
		if h.parent.name != "product" || !strings.HasPrefix(cpe, "cpe:2.3:") || !isCPE(cpe) {
			continue
		}
		said := map[string]string{}
		for n := h.parent.parent; n != nil; n = n.parent {
			if category := n.sub("category"); n.kind == object && category != "" {
				said[category] = n.sub("name")
			}
		}
		const version, update, language = 3, 4, 6
		parts := splitCPE(strings.TrimPrefix(cpe, "cpe:2.3:"))
		for place, categories := range map[int][]string{
			version: {"product_version", "product_version_range"}, update: {"patch_level", "service_pack"}, language: {"language"},
		} {
			value := strings.ReplaceAll(parts[place], `\`, "")
			name, has := "", false
			for _, category := range categories {
				if s, ok := said[category]; ok {
					name, has = s, true
				}
			}
			switch {
			case value == "*" || value == "-":
				if has && place == version && said["product_version"] != "" && value == "*" {
					c.fail(h.get("cpe"), "the CPE does not say the version %s", shown(name))
				}
			case !has:
				c.fail(h.get("cpe"), "the CPE says %s, which no branch does", shown(value))
			case place == version && said["product_version"] != "" && !strings.EqualFold(value, strings.ReplaceAll(name, " ", "_")):
				c.fail(h.get("cpe"), "the CPE says the version %s, and the branch %s", shown(value), shown(name))
			}
		}
	}
}

// ratedByIssuer is §6.2.47, rated §6.3.18.
func ratedByIssuer(c *checker) {
	canonical := c.canonical()
	for i := range c.vulnerabilities {
		for _, m := range c.vulnerabilities[i].metrics() {
			if n := m.content.get("qualitative_severity_rating"); n != nil && (m.source == "" || m.source == canonical) {
				c.fail(n, "the document's own rating is a word; a score says what it is made of")
			}
		}
	}
}

func rated(c *checker) {
	for i := range c.vulnerabilities {
		for _, m := range c.vulnerabilities[i].metrics() {
			if n := m.content.get("qualitative_severity_rating"); n != nil {
				c.fail(n, "the rating is a word; a score says what it is made of")
			}
		}
	}
}

// openSource is §6.2.48.
func openSource(c *checker) {
	for _, b := range c.branches {
		if b.sub("category") == "vendor" && strings.EqualFold(strings.Join(strings.Fields(b.sub("name")), ""), "opensource") {
			c.fail(b.get("name"), "open source is no vendor")
		}
	}
}

// algorithms are the hash algorithms that the standard lists (§3.1.4.3.2).
var algorithms = strings.Fields("blake2b512 blake2s256 md4 md5 md5-sha1 mdc2 ripemd ripemd160 rmd160 sha1 sha224 sha256 sha3-224 sha3-256 sha3-384 sha3-512 sha384 sha512 sha512-224 sha512-256 shake128 shake256 sm3 whirlpool")

// unknownHash is §6.2.52.
func unknownHash(c *checker) {
	for _, h := range c.hashes {
		if n := h.get("algorithm"); n != nil && !slices.Contains(algorithms, n.str()) {
			c.fail(n, "%s is not in the standard's list, and not supported here", shown(n.str()))
		}
	}
}

// idSystems are the registered systems of identifiers that are built in, and how a text
// of them looks.
var idSystems = map[string]func(string) bool{
	"https://github.com/oasis-tcs/csaf": func(s string) bool {
		number, found := strings.CutPrefix(s, "#")
		return found && isInteger(number) && number != "0"
	},
}

func (c *checker) eachID(visit func(*node)) {
	for i := range c.vulnerabilities {
		for _, n := range each(c.vulnerabilities[i].get("ids")) {
			visit(n)
		}
	}
}

// strangeText is §6.2.53.
func strangeText(c *checker) {
	c.eachID(func(n *node) {
		if fits := idSystems[n.sub("system_name")]; fits != nil && !fits(n.sub("text")) {
			c.fail(n.get("text"), "%s is no identifier of that system", shown(n.sub("text")))
		}
	})
}

// unregisteredSystem is §6.3.20.
func unregisteredSystem(c *checker) {
	c.eachID(func(n *node) {
		if idSystems[n.sub("system_name")] == nil {
			c.fail(n.get("system_name"), "no registered system that is known here is called %s", shown(n.sub("system_name")))
		}
	})
}

// missingCVSS4 is §6.3.12.
func missingCVSS4(c *checker) {
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		scored := map[string]bool{}
		for _, m := range v.metrics() {
			if len(m.scored()) > 0 && m.content.get("cvss_v4") == nil {
				c.fail(m.content, "there is no score of CVSS 4.0")
			}
			for _, id := range texts(m.get("products")) {
				scored[id] = scored[id] || len(m.scored()) > 0
			}
		}
		for _, n := range v.listed(affectedStates...) {
			if !scored[n.str()] {
				c.fail(n, "the affected product %s has no score", shown(n.str()))
			}
		}
	}
}

// nestedPath is §6.3.22.
func nestedPath(c *checker) {
	order, from := c.made()
	for _, id := range order {
		for _, ref := range from[id.str()] {
			if _, is := from[ref.str()]; is {
				c.fail(ref, "the product %s is made of others itself", shown(ref.str()))
			}
		}
	}
}
