package csaf

import (
	"slices"
	"strings"
)

// Products and groups are defined once and for all that is said of them: §6.1.1 to
// 6.1.6, 6.1.29, 6.1.32 and 6.1.33.

// missingProduct is §6.1.1.
func missingProduct(c *checker) {
	for _, ref := range c.productRefs {
		if c.byID[ref.text] == nil {
			c.fail(ref, "the product %s is not defined in the product tree", shown(ref.text))
		}
	}
}

// repeatedProduct is §6.1.2.
func repeatedProduct(c *checker) {
	seen := make(map[string]bool, len(c.products))
	for _, p := range c.products {
		id := p.get("product_id")
		if seen[id.str()] {
			c.fail(id, "the product %s is defined twice", shown(id.str()))
		}
		seen[id.str()] = true
	}
}

// made are the products that others are made of, and what each refers to: relationships
// (2.0) and product paths (2.1).
func (c *checker) made() (order []*node, from map[string][]*node) {
	tree := c.root.get("product_tree")
	from = map[string][]*node{}
	note := func(n *node, refs ...*node) {
		id := n.at("full_product_name", "product_id")
		order = append(order, id)
		from[id.str()] = append(from[id.str()], refs...)
	}
	for _, n := range each(tree.get("relationships")) {
		note(n, n.get("product_reference"), n.get("relates_to_product_reference"))
	}
	for _, n := range each(tree.get("product_paths")) {
		refs := []*node{n.get("beginning_product_reference")}
		for _, sub := range each(n.get("subpaths")) {
			refs = append(refs, sub.get("next_product_reference"))
		}
		note(n, refs...)
	}
	return order, from
}

// circularProduct is §6.1.3.
func circularProduct(c *checker) {
	order, from := c.made()
	const open, done = 1, 2
	state := make(map[string]int, len(order))
	var visit func(id string) bool
	visit = func(id string) bool {
		if state[id] != 0 {
			return state[id] == open
		}
		state[id] = open
		circle := false
		for _, ref := range from[id] {
			if _, is := from[ref.str()]; is && visit(ref.str()) {
				circle = true
			}
		}
		state[id] = done
		return circle
	}
	for _, id := range order {
		if state[id.str()] == 0 && visit(id.str()) {
			c.fail(id, "the product %s is made of itself", shown(id.str()))
		}
	}
}

// missingGroup is §6.1.4.
func missingGroup(c *checker) {
	for _, ref := range c.groupRefs {
		if _, ok := c.groups[ref.text]; !ok {
			c.fail(ref, "the product group %s is not defined in the product tree", shown(ref.text))
		}
	}
}

// repeatedGroup is §6.1.5.
func repeatedGroup(c *checker) {
	seen := map[string]bool{}
	for _, g := range each(c.root.at("product_tree", "product_groups")) {
		id := g.get("group_id")
		if seen[id.str()] {
			c.fail(id, "the product group %s is defined twice", shown(id.str()))
		}
		seen[id.str()] = true
	}
}

// contradictingStatus is §6.1.6.
func contradictingStatus(c *checker) {
	for i := range c.vulnerabilities {
		v := &c.vulnerabilities[i]
		for _, n := range v.listed("first_affected", "known_affected", "last_affected", "known_not_affected",
			"first_fixed", "fixed", "under_investigation", "unknown") {
			groups := slices.DeleteFunc(slices.Clone(v.status[n.str()]), func(g string) bool { return g == recommended })
			if len(groups) > 1 {
				c.fail(n, "the product %s is in contradicting groups: %s", shown(n.str()), strings.Join(groups, ", "))
			}
		}
	}
}

// withoutProducts fails the items of lists that name neither products nor groups.
func withoutProducts(c *checker, list, what string) {
	for i := range c.vulnerabilities {
		for _, n := range each(c.vulnerabilities[i].get(list)) {
			if n.get("group_ids") == nil && n.get("product_ids") == nil {
				c.fail(n, "the %s says of no product that it applies", what)
			}
		}
	}
}

// remediationWithoutProduct is §6.1.29.
func remediationWithoutProduct(c *checker) { withoutProducts(c, "remediations", "remediation") }

// flagWithoutProduct is §6.1.32.
func flagWithoutProduct(c *checker) { withoutProducts(c, "flags", "flag") }

// severalJustifications is §6.1.33. Every label that the schema knows is a justification
// code of VEX.
func severalJustifications(c *checker) {
	for i := range c.vulnerabilities {
		seen := map[string]bool{}
		for _, n := range each(c.vulnerabilities[i].get("flags")) {
			for _, id := range c.named(n) {
				if seen[id] {
					c.fail(n, "the product %s has a second justification", shown(id))
				}
				seen[id] = true
			}
		}
	}
}
