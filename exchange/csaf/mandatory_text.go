package csaf

import (
	"slices"
	"strings"
)

// What is said in words or by categories: §6.1.28 and 6.1.31.

// translatedIntoItself is §6.1.28.
func translatedIntoItself(c *checker) {
	source := c.document.get("source_lang")
	if source != nil && source.str() != "" && strings.EqualFold(source.str(), c.document.sub("lang")) {
		c.fail(source, "the document is translated from the language it is in, %s", shown(source.str()))
	}
}

// rangeWords are the words by which a version is told to be a range (§6.1.31).
var rangeWords = []string{"after", "all", "before", "earlier", "later", "prior", "versions"}

// rangeAsVersion is §6.1.31.
func rangeAsVersion(c *checker) {
	for _, b := range c.branches {
		if b.sub("category") != "product_version" {
			continue
		}
		name := strings.ToLower(b.sub("name"))
		if strings.ContainsAny(name, "<>") || slices.ContainsFunc(strings.Fields(name), func(w string) bool { return slices.Contains(rangeWords, w) }) {
			c.fail(b.get("name"), "%s is a range of versions", shown(b.sub("name")))
		}
	}
}
