package csaf

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Informative tests that both versions have: §6.3.1 to 6.3.11.

// onlyCVSS2 is §6.3.1.
func onlyCVSS2(c *checker) {
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		metrics := v.metrics()
		better := map[string]bool{}
		for _, m := range metrics {
			if m.content.get("cvss_v3") == nil && m.content.get("cvss_v4") == nil {
				continue
			}
			for _, id := range texts(m.get("products")) {
				better[id] = true
			}
		}
		for _, m := range metrics {
			n := m.content.get("cvss_v2")
			if n == nil {
				continue
			}
			for _, id := range texts(m.get("products")) {
				if !better[id] {
					c.fail(n, "CVSS 2.0 is the only score of the product %s", shown(id))
				}
			}
		}
	}
}

// oldCVSS3 is §6.3.2.
func oldCVSS3(c *checker) {
	for _, n := range c.cvss {
		if n.name == "cvss_v3" && (n.sub("version") == "3.0" || strings.HasPrefix(n.sub("vectorString"), "CVSS:3.0/")) {
			c.fail(n, "CVSS 3.0 is used; 3.1 is better defined")
		}
	}
}

// missingCVE is §6.3.3.
func missingCVE(c *checker) {
	for i := range c.vulnerabilities {
		if v := c.vulnerabilities[i]; v.get("cve") == nil {
			c.fail(v.node, "the vulnerability has no CVE number")
		}
	}
}

// missingCWE is §6.3.4.
func missingCWE(c *checker) {
	for i := range c.vulnerabilities {
		if v := c.vulnerabilities[i]; v.get("cwe") == nil && v.get("cwes") == nil {
			c.fail(v.node, "the vulnerability has no weakness (CWE)")
		}
	}
}

// shortHash is §6.3.5.
func shortHash(c *checker) {
	const short = 64 // digits: those of SHA-256
	for _, h := range c.hashes {
		if n := h.get("value"); n != nil && len(n.str()) < short {
			c.fail(n, "a hash of %d digits is short", len(n.str()))
		}
	}
}

// resolve is §6.3.6 and §6.3.7: whether addresses answer.
func (c *checker) resolve(ctx context.Context) error {
	answers := map[string]bool{}
	for _, n := range c.urls {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("ask whether addresses answer: %w", err)
		}
		url := n.text
		if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
			continue
		}
		good, asked := answers[url]
		if !asked {
			good = c.Resolves(ctx, url)
			answers[url] = good
		}
		c.test = "6.3.6"
		if n.name == "url" && n.parent.sub("category") == "self" {
			c.test = "6.3.7"
		}
		if !good {
			c.fail(n, "%s does not answer", shown(url))
		}
	}
	return nil
}

// spelling is §6.3.8, grammar §6.3.16: both need a dictionary of the document's language.
func spelling(c *checker) {
	if c.document.get("lang") != nil {
		c.skip("no dictionary is built in")
	}
}

func grammar(c *checker) {
	if c.document.get("lang") != nil {
		c.skip("no grammar is built in")
	}
}

// branchCategories is §6.3.9.
func branchCategories(c *checker) {
	for _, p := range c.products {
		if p.name != "product" || p.parent.get("category") == nil {
			continue
		}
		wanted := []string{"product_version", "product_name", "vendor"}
		for n := p.parent; n != nil && len(wanted) > 0; n = n.parent {
			if n.kind == object && n.sub("category") == wanted[0] {
				wanted = wanted[1:]
			}
		}
		if len(wanted) > 0 {
			slices.Reverse(wanted)
			c.fail(p, "above the product %s there is no %s, in the order of vendor, product_name, product_version", shown(p.sub("product_id")), strings.Join(wanted, ", "))
		}
	}
}

// rangeUsed is §6.3.10.
func rangeUsed(c *checker) {
	for _, b := range c.branches {
		if b.sub("category") == "product_version_range" {
			c.fail(b.get("category"), "a range of versions is used; single versions are easier to match")
		}
	}
}

// versionWithV is §6.3.11.
func versionWithV(c *checker) {
	for _, b := range c.branches {
		if name := b.sub("name"); b.sub("category") == "product_version" && len(name) > 1 && (name[0] == 'v' || name[0] == 'V') && isDigit(name[1]) {
			c.fail(b.get("name"), "%s starts with a v", shown(name))
		}
	}
}
