package csaf

import "strings"

// privateTag reports a language tag with a subtag that is for private use (BCP 47, and the
// ranges of ISO 639, 15924 and 3166).
func privateTag(tag string) bool {
	between := func(s, from, to string) bool { return len(s) == len(from) && s >= from && s <= to }
	for i, part := range strings.Split(strings.ToLower(tag), "-") {
		switch {
		case part == "x":
			return true
		case i == 0:
			if between(part, "qaa", "qtz") {
				return true
			}
		case len(part) == 1:
			return false // an extension follows
		case between(part, "qaaa", "qabx"), part == "aa", part == "zz", between(part, "qm", "qz"), between(part, "xa", "xz"):
			return true
		}
	}
	return false
}

// privateLanguage is §6.2.14.
func privateLanguage(c *checker) {
	for _, n := range c.langs {
		if privateTag(n.text) {
			c.fail(n, "the language %s is for private use", shown(n.text))
		}
	}
}

// defaultLanguage is §6.2.15.
func defaultLanguage(c *checker) {
	for _, n := range c.langs {
		if strings.EqualFold(n.text, "i-default") {
			c.fail(n, "i-default says no language")
		}
	}
}

// missingLanguage is §6.2.12.
func missingLanguage(c *checker) {
	switch lang := c.document.get("lang"); {
	case lang == nil:
		c.fail(c.document, "the document does not say its language")
	case lang.str() == "":
		c.fail(lang, "the document's language is empty")
	}
}
