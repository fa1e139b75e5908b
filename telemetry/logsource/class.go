package logsource

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"tocsin/intel"
)

// outcome is what holds of all records with the same key: their class, and
// what is added to each.
type outcome struct {
	class *intel.Class
	set   []setField
	build []template
}

// classLimit bounds the classes that values outside the mappings (event IDs
// that none names) may make. Windows' own logs have about a thousand event
// types in daily use. What mappings name themselves is not bounded by it, but
// by hardLimit.
const (
	classLimit = 4 << 10
	hardLimit  = 4 * classLimit
)

// intern returns the outcome for a mapping, the sources that hold and the
// constants; the same one for the same. Past hardLimit it forgets the sources.
func (m *Mappings) intern(c *mapping, holding []int, constants map[string]string) *outcome {
	var key strings.Builder
	fmt.Fprint(&key, c.index, holding)
	for _, name := range slices.Sorted(maps.Keys(constants)) {
		key.WriteString("\x00" + name + "\x00" + constants[name])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if found := m.classes[key.String()]; found != nil {
		return found
	}
	if len(m.classes) >= hardLimit {
		return &outcome{class: m.unknown}
	}
	made := newOutcome(c, holding, constants)
	m.classes[key.String()] = made
	m.origins[made.class] = origin{c, holding}
	return made
}

// full reports that no more classes are made for values that no mapping names.
func (m *Mappings) full() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.classes) >= classLimit
}

func newOutcome(c *mapping, holding []int, constants map[string]string) *outcome {
	o := &outcome{class: &intel.Class{Constants: constants}}
	var all []*facts
	for _, i := range holding {
		src := &c.sources[i]
		all = append(all, &src.facts)
		o.set = append(o.set, src.set...)
		o.build = append(o.build, src.build...)
	}
	all = append(all, &c.facts)
	classify(o.class, all, c.Product)
	o.class.Names = naming(all)
	return o
}

// classify sets the log sources: what the entries say together. The mapping's
// product, else the first entry's, and the first service are the class's own;
// others are further log sources of it. An entry that names no product is of
// the mapping's, else of those that entries name which say nothing but that.
func classify(class *intel.Class, all []*facts, own texts) {
	if len(own) == 0 {
		for _, f := range all {
			if len(f.Category)+len(f.Service) == 0 {
				own = merge(own, f.Product)
			}
		}
	}
	for _, f := range all {
		if len(own) == 0 && len(f.Product) > 0 {
			own = f.Product[:1]
		}
	}
	if len(own) == 0 {
		own = texts{""}
	}
	class.Product = own[0]
	for _, f := range all {
		products, services := f.Product, f.Service
		if len(products) == 0 {
			products = own
		}
		if len(services) == 0 {
			services = texts{""}
		}
		for _, product := range products {
			for _, service := range services {
				addSource(class, product, service, f.Category)
			}
		}
	}
}

func addSource(class *intel.Class, product, service string, categories texts) {
	if service != "" && class.Service == "" && product == class.Product {
		class.Service = service
	}
	if product == class.Product && (service == "" || service == class.Service) {
		class.Categories = merge(class.Categories, categories)
		return
	}
	if len(categories) == 0 {
		categories = texts{""}
	}
	for _, category := range categories {
		further := intel.LogSource{Product: product, Category: category, Service: service}
		if !slices.Contains(class.Also, further) {
			class.Also = append(class.Also, further)
		}
	}
}

// naming returns the function that says where a rule's field stands: under the
// names that the entries give for it, else its own, then under its aliases; and
// each of them also under another prefix or with other initials, where an entry
// says so. It reads only.
func naming(all []*facts) func(field string) []string {
	n := namer{names: map[string][]string{}}
	for _, f := range all {
		for field, list := range f.Fields {
			n.names[field] = merge(n.names[field], list)
		}
		for prefix, list := range f.Prefixes {
			n.prefixes = append(n.prefixes, prefixNames{prefix, list})
		}
		n.initials = n.initials || f.Initials
	}
	for _, f := range all {
		for field, list := range f.Aliases {
			if n.names[field] == nil {
				n.names[field] = []string{field}
			}
			n.names[field] = merge(n.names[field], list)
		}
	}
	slices.SortFunc(n.prefixes, func(a, b prefixNames) int { return strings.Compare(b.prefix, a.prefix) })
	if len(n.names)+len(n.prefixes) == 0 && !n.initials {
		return nil
	}
	return n.fieldNames
}

type namer struct {
	names    map[string][]string
	prefixes []prefixNames
	initials bool
}

type prefixNames struct {
	prefix string
	others texts
}

func (n *namer) fieldNames(field string) []string {
	list, ok := n.names[field]
	if !ok {
		list = []string{field}
	}
	list = slices.Clip(list)
	for _, p := range n.prefixes {
		if rest, ok := strings.CutPrefix(field, p.prefix); ok {
			for _, other := range p.others {
				list = merge(list, texts{other + rest})
			}
		}
	}
	if n.initials {
		for _, name := range slices.Clone(list) {
			list = merge(list, texts{withInitials(name, unicode.ToLower), withInitials(name, unicode.ToUpper)})
		}
	}
	return list
}

// withInitials changes the first letter of each part of a dotted name.
func withInitials(name string, change func(rune) rune) string {
	atStart := true
	return strings.Map(func(r rune) rune {
		if atStart {
			r = change(r)
		}
		atStart = r == '.'
		return r
	}, name)
}

func merge(list []string, more texts) []string {
	for _, name := range more {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
