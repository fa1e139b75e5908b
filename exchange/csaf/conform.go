package csaf

import (
	"slices"
	"strconv"
)

// conform asks of a value, and of all below it, what the tables say, and notes on the
// way what the rules will ask for.
func (c *checker) conform(n *node, v *value) {
	if n.kind != v.kind {
		c.unfit(n, "%s instead of %s", kinds[n.kind], v)
		return
	}
	switch v.kind {
	case array:
		c.conformList(n, v)
	case object:
		c.conformObject(n, v.object)
	case text:
		c.conformText(n, v)
	case number:
		if score, err := strconv.ParseFloat(n.text, 64); err != nil || score < 0 || score > 10 {
			c.unfit(n, "%s is no score from 0 to 10", shown(n.text))
		}
	case null, boolean:
	}
}

func (c *checker) conformText(n *node, v *value) {
	switch v.word {
	case "pid":
		c.productRefs = append(c.productRefs, n)
	case "gid":
		c.groupRefs = append(c.groupRefs, n)
	case "lang":
		c.langs = append(c.langs, n)
	case "date":
		c.dates = append(c.dates, n)
	case "uri":
		c.urls = append(c.urls, n)
	case "version":
		c.versions = append(c.versions, n)
	}
	if v.choices != nil {
		if !slices.Contains(v.choices, n.text) {
			c.unfit(n, "%s is not %s", shown(n.text), v)
		}
		return
	}
	if !v.form(n.text, c.version) {
		c.unfit(n, "%s is not %s", shown(n.text), v)
	}
}

func (c *checker) conformList(n *node, v *value) {
	if len(n.kids) < v.least {
		c.unfit(n, "%d items, and there must be %d", len(n.kids), v.least)
	}
	if v.unique {
		c.distinct(n)
	}
	for i := range n.kids {
		c.conform(&n.kids[i], v.item)
	}
}

// distinct finds the items of a set that are there already.
func (c *checker) distinct(n *node) {
	// few is how many texts are compared with each other; a set is faster for more.
	const few = 16
	if len(n.kids) < 2 {
		return
	}
	scalar := func(k *node) bool { return k.kind == text }
	if len(n.kids) <= few && !slices.ContainsFunc(n.kids, func(k node) bool { return !scalar(&k) }) {
		for i := range n.kids {
			for j := range i {
				if n.kids[i].text == n.kids[j].text {
					c.unfit(&n.kids[i], "%s is there twice", shown(n.kids[i].text))
				}
			}
		}
		return
	}
	seen := make(map[string]bool, len(n.kids))
	for i := range n.kids {
		key := n.kids[i].key()
		if seen[key] {
			c.unfit(&n.kids[i], "an item that is there twice")
		}
		seen[key] = true
	}
}

func (c *checker) conformObject(n *node, s *shape) {
	if s == nil { // whatever an extension says
		if len(n.kids) == 0 {
			c.unfit(n, "nothing in it")
		}
		return
	}
	c.met(n, s)
	if len(n.kids) < s.some {
		c.unfit(n, "%d names in it, and there must be %d", len(n.kids), s.some)
	}
	if s.most > 0 && len(n.kids) > s.most {
		c.unfit(n, "%d names in it, and there may be %d", len(n.kids), s.most)
	}
	for _, name := range s.required {
		if n.get(name) == nil {
			c.unfit(n, "%s is missing", name)
		}
	}
	for i := range n.kids {
		kid := &n.kids[i]
		f := s.fields[kid.name]
		if f == nil {
			c.unknown = append(c.unknown, kid)
			if s.closed {
				c.unfit(kid, "the standard has no %s here", shown(kid.name))
			}
			continue
		}
		c.conform(kid, &f.value)
	}
}

// met notes an object that rules ask for.
func (c *checker) met(n *node, s *shape) {
	switch s.name {
	case "product":
		c.products = append(c.products, n)
	case "branch":
		c.branches = append(c.branches, n)
	case "helper":
		c.helpers = append(c.helpers, n)
	case "filehash":
		c.hashes = append(c.hashes, n)
	case "hash":
		c.files = append(c.files, n)
	case "extension":
		c.extensions = append(c.extensions, n)
	case "cvss2", "cvss3", "cvss4":
		c.cvss = append(c.cvss, n)
	case "ssvc":
		c.ssvc = append(c.ssvc, n)
	case "note":
		c.notes = append(c.notes, n)
	}
}

// unfit reports what the schema does not allow, under the number of the test that asks
// for that part of it, too.
func (c *checker) unfit(n *node, format string, args ...any) {
	c.say(Schema, n, format, args...)
	for outer := n; outer != nil; outer = outer.parent {
		switch outer.name {
		case "cvss_v2", "cvss_v3", "cvss_v4":
			c.say("6.1.8", n, format, args...)
			return
		case "ssvc_v2":
			c.say("6.1.46", n, format, args...)
			return
		case "x_extensions":
			if c.version == V21 {
				c.say("6.1.60.1", n, format, args...)
			}
			return
		}
	}
}
