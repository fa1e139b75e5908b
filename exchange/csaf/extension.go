package csaf

import "strings"

// Extensions: §6.1.60.2, 6.1.60.3, 6.2.54 and 6.3.21. Their own schemas lie elsewhere, at
// an address that this package does not ask; no extension is supported here yet.

func official(n *node) bool {
	return strings.HasPrefix(n.sub("$schema"), "https://docs.oasis-open.org/csaf/")
}

// foreignSchema is §6.1.60.2 and §6.1.60.3.
func foreignSchema(c *checker) {
	for _, n := range c.extensions {
		c.skip("the extension %s is not supported", shown(n.sub("$schema")))
	}
}

func (c *checker) extensionsThat(bad func(*node) bool, reason string) {
	for _, n := range c.extensions {
		if bad(n) {
			c.fail(n, "%s", reason)
		}
	}
}

func strange(n *node) bool { return !official(n) }

// unregisteredExtension is §6.2.54.1; no extension was registered when this was written.
func unregisteredExtension(c *checker) {
	c.extensionsThat(strange, "the extension is neither official nor registered")
}

// unofficialExtension is §6.2.54.2.
func unofficialExtension(c *checker) { c.extensionsThat(strange, "the extension is not official") }

// criticalExtension is §6.2.54.3.
func criticalExtension(c *checker) {
	c.extensionsThat(func(n *node) bool {
		critical := n.get("critical")
		return critical != nil && critical.text == "true"
	}, "the extension is critical")
}

// experimentalPublic is §6.2.54.4, experimentalShared §6.3.21.2.
func experimentalPublic(c *checker) {
	if c.tlp() == "CLEAR" {
		c.extensionsThat(strange, "the extension is experimental")
	}
}

func experimentalShared(c *checker) {
	if c.tlp() != "CLEAR" {
		c.extensionsThat(strange, "the extension is experimental")
	}
}

// essentialExtension is §6.3.21.1.
func essentialExtension(c *checker) {
	c.extensionsThat(func(n *node) bool { return n.sub("category") == "essential" }, "who does not know the extension may miss what is essential")
}

// extensionsAt are §6.3.21.3 to 6.3.21.9: whether extensions stand in a part.
func extensionsAt(within string) func(*checker) {
	return func(c *checker) {
		seen := map[*node]bool{}
		for _, n := range c.extensions {
			if list := n.parent; !seen[list] && places(list) == within {
				seen[list] = true
				c.fail(list, "extensions are used here")
			}
		}
	}
}

// places is the part of a document where a list of extensions stands.
func places(list *node) string {
	path := list.path()
	for _, part := range []string{"product_tree.branches", "product_tree.full_product_names", "product_tree.product_paths"} {
		if strings.HasPrefix(path, part) {
			return part
		}
	}
	switch {
	case strings.HasPrefix(path, "vulnerabilities") && strings.Contains(path, ".metrics["):
		return "vulnerabilities.metrics"
	case strings.HasPrefix(path, "vulnerabilities"):
		return "vulnerabilities"
	case strings.HasPrefix(path, "document"):
		return "document"
	}
	return ""
}
