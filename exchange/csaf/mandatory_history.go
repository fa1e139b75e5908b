package csaf

import "strings"

// The revision history and the document's own version: §6.1.14 to 6.1.22, 6.1.30.

// unsortedHistory is §6.1.14.
func unsortedHistory(c *checker) {
	for i := 1; i < len(c.history); i++ {
		if a, b := c.history[i-1], c.history[i]; compareVersions(a.number, b.number) > 0 {
			c.fail(b.get("number"), "%s is dated after %s", shown(b.number), shown(a.number))
		}
	}
}

// missingSourceLanguage is §6.1.15.
func missingSourceLanguage(c *checker) {
	if c.document.at("publisher", "category").str() != "translator" {
		return
	}
	switch source := c.document.get("source_lang"); {
	case source == nil:
		c.fail(c.document, "a translator's document has no source_lang")
	case source.str() == "":
		c.fail(source, "a translator's document has an empty source_lang")
	}
}

// otherVersion is §6.1.16.
func otherVersion(c *checker) {
	version := c.document.at("tracking", "version")
	if version == nil || len(c.history) == 0 {
		return
	}
	strip := withoutBuild
	if c.status() == "draft" {
		strip = core
	}
	if last := c.history[len(c.history)-1].number; strip(last) != strip(version.str()) {
		c.fail(version, "the version is %s, and that of the last revision is %s", shown(version.str()), shown(last))
	}
}

// unreleasedVersion is §6.1.17.
func unreleasedVersion(c *checker) {
	version := c.document.at("tracking", "version")
	if version != nil && c.status() != "draft" && (unreleased(version.str()) || preRelease(version.str())) {
		c.fail(c.document.at("tracking", "status"), "the version is %s, and the status is not draft", shown(version.str()))
	}
}

// unreleasedRevision is §6.1.18.
func unreleasedRevision(c *checker) {
	if !c.released() {
		return
	}
	for _, r := range c.history {
		if unreleased(r.number) {
			c.fail(r.get("number"), "the revision %s is a draft, and the document is not", shown(r.number))
		}
	}
}

// preReleaseRevision is §6.1.19.
func preReleaseRevision(c *checker) {
	for _, r := range c.history {
		if preRelease(r.number) {
			c.fail(r.get("number"), "the revision %s is a pre-release", shown(r.number))
		}
	}
}

// preReleaseVersion is §6.1.20.
func preReleaseVersion(c *checker) {
	if version := c.document.at("tracking", "version"); c.released() && preRelease(version.str()) {
		c.fail(version, "the version %s is a pre-release, and the document is released", shown(version.str()))
	}
}

// missingRevision is §6.1.21.
func missingRevision(c *checker) {
	for i, r := range c.history {
		number := major(r.number)
		if i == 0 {
			if number != "0" && number != "1" {
				c.fail(r.get("number"), "the first revision is %s, neither 0 nor 1", shown(r.number))
			}
			continue
		}
		before := major(c.history[i-1].number)
		if compareNumbers(number, before) > 0 && compareNumbers(number, plusOne(before)) != 0 {
			where := "missing in the history sorted by date"
			if !c.hasMajor(plusOne(before)) {
				where = "not there at all"
			}
			c.fail(r.get("number"), "the revision between %s and %s is %s", shown(c.history[i-1].number), shown(r.number), where)
		}
	}
}

func (c *checker) hasMajor(number string) bool {
	for _, r := range c.history {
		if compareNumbers(major(r.number), number) == 0 {
			return true
		}
	}
	return false
}

// plusOne adds one to a decimal number of any length.
func plusOne(number string) string {
	out := []byte(number)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] < '9' {
			out[i]++
			return string(out)
		}
		out[i] = '0'
	}
	return "1" + string(out)
}

// repeatedRevision is §6.1.22.
func repeatedRevision(c *checker) {
	seen := make(map[string]bool, len(c.history))
	for _, r := range c.history {
		if seen[r.number] {
			c.fail(r.get("number"), "the revision %s is there twice", shown(r.number))
		}
		seen[r.number] = true
	}
}

// mixedVersions is §6.1.30.
func mixedVersions(c *checker) {
	if len(c.versions) == 0 {
		return
	}
	first := strings.Contains(c.versions[0].text, ".")
	for _, n := range c.versions[1:] {
		if strings.Contains(n.text, ".") != first {
			c.fail(n, "whole numbers and semantic versions are mixed: %s and %s", shown(c.versions[0].text), shown(n.text))
			return
		}
	}
}
