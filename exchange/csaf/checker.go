package csaf

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// checker is one document under test.
type checker struct {
	Options
	version  Version
	root     *node
	document *node
	report   *Report
	failed   map[string]bool
	test     string // the test that is run

	// What conform met, in the order of the document.
	products, branches, helpers, hashes, files []*node
	productRefs, groupRefs                     []*node
	langs, dates, urls, versions, notes        []*node
	extensions, cvss, ssvc, unknown            []*node

	// What index made of it.
	category        string
	byID            map[string]*node    // full product names
	groups          map[string][]string // members by id
	vulnerabilities []vulnerability
	history         []revision // by date, then number
}

// revision is an item of the revision history.
type revision struct {
	*node
	number string
	at     time.Time
}

// vulnerability is an item of the list of that name, with its products' states.
type vulnerability struct {
	*node
	status map[string][]string // groups of states by product, each once
}

// The groups of product states (CSAF 2.1 §3.2.4.12). Recommended contradicts none.
const (
	affected      = "Affected"
	notAffected   = "Not affected"
	fixed         = "Fixed"
	investigated  = "Under investigation"
	unknownStatus = "Unknown"
	recommended   = "Recommended"
)

var statusGroups = map[string]string{
	"first_affected": affected, "known_affected": affected, "last_affected": affected,
	"known_not_affected": notAffected, "first_fixed": fixed, "fixed": fixed,
	"under_investigation": investigated, "unknown": unknownStatus, "recommended": recommended,
}

func (c *checker) index() {
	c.category = c.document.sub("category")
	c.byID = make(map[string]*node, len(c.products))
	for _, p := range c.products {
		c.byID[p.sub("product_id")] = p
	}
	c.groups = map[string][]string{}
	for _, g := range each(c.root.at("product_tree", "product_groups")) {
		c.groups[g.sub("group_id")] = texts(g.get("product_ids"))
	}
	for _, n := range each(c.root.get("vulnerabilities")) {
		v := vulnerability{node: n, status: map[string][]string{}}
		if status := n.get("product_status"); status != nil && status.kind == object {
			for i := range status.kids {
				group := statusGroups[status.kids[i].name]
				for _, id := range texts(&status.kids[i]) {
					if group != "" && !slices.Contains(v.status[id], group) {
						v.status[id] = append(v.status[id], group)
					}
				}
			}
		}
		c.vulnerabilities = append(c.vulnerabilities, v)
	}
	for _, n := range each(c.document.at("tracking", "revision_history")) {
		at, _ := instant(n.sub("date"))
		c.history = append(c.history, revision{node: n, number: n.sub("number"), at: at})
	}
	slices.SortStableFunc(c.history, func(a, b revision) int {
		return cmp.Or(a.at.Compare(b.at), compareVersions(a.number, b.number))
	})
}

// each are the items of a list.
func each(n *node) []*node {
	items := n.list()
	all := make([]*node, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

// texts are the texts in a list.
func texts(n *node) []string {
	items := n.list()
	all := make([]string, 0, len(items))
	for i := range items {
		if items[i].kind == text {
			all = append(all, items[i].text)
		}
	}
	return all
}

// products are those that an item names itself or through groups.
func (c *checker) named(n *node) []string {
	groups := n.get("group_ids")
	own := n.get("product_ids")
	if groups == nil {
		return texts(own)
	}
	all := texts(own)
	for _, id := range texts(groups) {
		all = append(all, c.groups[id]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// in reports whether a vulnerability has a product in a group of states.
func (v *vulnerability) in(product, group string) bool {
	return slices.Contains(v.status[product], group)
}

// listed are the products of states, each once, in the order of the document.
func (v *vulnerability) listed(states ...string) (all []*node) {
	seen := map[string]bool{}
	for _, state := range states {
		for _, n := range each(v.at("product_status", state)) {
			if !seen[n.str()] {
				seen[n.str()] = true
				all = append(all, n)
			}
		}
	}
	return all
}

// metric is one judgement about products: an item of scores (2.0) or metrics (2.1).
type metric struct {
	*node
	content *node
	source  string
}

func (v *vulnerability) metrics() (all []metric) {
	for _, n := range each(v.get("scores")) {
		all = append(all, metric{node: n, content: n})
	}
	for _, n := range each(v.get("metrics")) {
		all = append(all, metric{n, n.get("content"), n.sub("source")})
	}
	return all
}

var cvssKeys = [...]string{"cvss_v2", "cvss_v3", "cvss_v4"}

// scored are the CVSS objects in a metric.
func (m *metric) scored() (all []*node) {
	for _, key := range cvssKeys {
		if n := m.content.get(key); n != nil {
			all = append(all, n)
		}
	}
	return all
}

// profile reports whether the document's category is one of those.
func (c *checker) profile(categories ...string) bool {
	return slices.Contains(categories, c.category)
}

func (c *checker) status() string { return c.document.at("tracking", "status").str() }
func (c *checker) released() bool { return c.status() == "final" || c.status() == "interim" }
func (c *checker) tlp() string    { return c.document.at("distribution", "tlp", "label").str() }

// newest is when the last revision was made.
func (c *checker) newest() (time.Time, bool) {
	if len(c.history) == 0 {
		return time.Time{}, false
	}
	at := c.history[len(c.history)-1].at
	return at, !at.IsZero()
}

// english reports whether the document is in English, or does not say.
func (c *checker) english() bool {
	lang := strings.ToLower(c.document.sub("lang"))
	return lang == "" || lang == "en" || strings.HasPrefix(lang, "en-")
}
