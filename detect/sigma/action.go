package sigma

import "go.yaml.in/yaml/v4"

// actions keeps what documents of one file hand on to those after them
// ("action" of Sigma version 1).
type actions struct {
	global   *yaml.Node
	previous *yaml.Node
}

// apply returns the document to read, or nil when it only changes the state.
func (a *actions) apply(root *yaml.Node) (*yaml.Node, error) {
	if root.Kind != yaml.MappingNode {
		return root, nil
	}
	action := lookup(root, "action")
	if action == nil {
		a.previous = root
		if a.global != nil {
			a.previous = mergeDocuments(a.global, root)
		}
		return a.previous, nil
	}
	switch action.Value {
	case "global":
		a.global = mergeDocuments(a.global, root)
		return nil, nil
	case "reset":
		a.global = nil
		return nil, nil
	case "repeat":
		if a.previous == nil {
			return nil, flawAt(action, "action: repeat needs a rule before it")
		}
		a.previous = mergeDocuments(a.previous, root)
		return a.previous, nil
	}
	return nil, flawAt(action, "unknown action %q: one of global, repeat, reset", action.Value)
}

func lookup(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// mergeDocuments lays one map over another: maps are merged key by key, all
// else is replaced. The action itself is left out.
func mergeDocuments(base, over *yaml.Node) *yaml.Node {
	merged := *over
	merged.Content = nil
	if base != nil {
		merged.Content = append(merged.Content, base.Content...)
	}
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		if key.Value == "action" {
			continue
		}
		at := keyIndex(&merged, key.Value)
		if at < 0 || base == nil {
			merged.Content = append(merged.Content, key, value)
			continue
		}
		if old := merged.Content[at+1]; old.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode {
			value = mergeDocuments(old, value)
		}
		merged.Content[at], merged.Content[at+1] = key, value
	}
	return &merged
}

func keyIndex(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}
