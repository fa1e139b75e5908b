package logsource

import (
	"cmp"
	"slices"

	"tocsin/intel"
)

// Producer is a mapping that can produce events of a log source.
type Producer struct {
	Mapping string
	Title   string
	Inputs  []string // the ways in which its records reach us
	Proven  []string // data sets with real records it was tried on; none: not proven
}

// Producers returns which mappings can produce events that a rule of the log
// source is asked of, in the order in which mappings are asked.
func (m *Mappings) Producers(l intel.LogSource) []Producer {
	var all []Producer
	for _, c := range m.mappings {
		if c.produces(l) {
			all = append(all, Producer{Mapping: c.Mapping, Title: c.Title, Inputs: c.Inputs, Proven: c.Proven})
		}
	}
	return all
}

// Produces returns the inputs that can produce events for a rule of the log
// source, and whether there are any.
func (m *Mappings) Produces(l intel.LogSource) (inputs []string, ok bool) {
	for _, p := range m.Producers(l) {
		for _, input := range p.Inputs {
			inputs = append(inputs, p.Title+": "+input)
		}
		ok = true
	}
	return inputs, ok
}

// WhyNot says why no input can produce events of the log source; it is empty
// where one can.
func (m *Mappings) WhyNot(l intel.LogSource) string {
	if _, ok := m.Produces(l); ok {
		return ""
	}
	for _, c := range m.mappings {
		for _, u := range c.Unproducible {
			if u.logSource() == l {
				return u.Reason
			}
		}
	}
	return "no mapping knows this log source"
}

// Unproducible is a log source with the reason why no input can produce it.
type Unproducible struct {
	LogSource intel.LogSource
	Reason    string
}

// Unproducible lists the log sources that mappings say nothing can produce.
func (m *Mappings) Unproducible() []Unproducible {
	var all []Unproducible
	for _, c := range m.mappings {
		for _, u := range c.Unproducible {
			all = append(all, Unproducible{u.logSource(), u.Reason})
		}
	}
	return all
}

// LogSources lists every log source that a mapping names: for each of its
// entries the product with each category and each service. Products alone are
// left out, where the mapping says more.
func (m *Mappings) LogSources() []intel.LogSource {
	seen := map[intel.LogSource]bool{}
	add := func(c *mapping, all ...*facts) {
		class := &intel.Class{}
		classify(class, all, c.Product)
		for _, l := range single(class) {
			seen[l] = true
		}
	}
	for _, c := range m.mappings {
		add(c, &c.facts)
		for i := range c.sources {
			add(c, &c.sources[i].facts, &c.facts)
		}
	}
	all := make([]intel.LogSource, 0, len(seen))
	for l := range seen {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b intel.LogSource) int {
		return cmp.Or(cmp.Compare(a.Product, b.Product), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Service, b.Service))
	})
	return all
}

// single takes a class apart into log sources of a category or a service, or of
// the product when that is all there is.
func single(class *intel.Class) []intel.LogSource {
	var all []intel.LogSource
	for _, category := range class.Categories {
		all = append(all, intel.LogSource{Product: class.Product, Category: category})
	}
	if class.Service != "" {
		all = append(all, intel.LogSource{Product: class.Product, Service: class.Service})
	}
	if len(all) == 0 && class.Product != "" {
		all = append(all, intel.LogSource{Product: class.Product})
	}
	return append(all, slices.DeleteFunc(slices.Clone(class.Also), func(l intel.LogSource) bool {
		return l.Category == "" && l.Service == ""
	})...)
}

// produces reports whether the mapping's entries together can make a class that
// takes the log source: one entry alone, or two that do not exclude each other
// (one says the service, another the category).
func (c *mapping) produces(l intel.LogSource) bool {
	if len(c.sources) == 0 {
		return c.takes(l)
	}
	for i := range c.sources {
		if c.takes(l, i) {
			return true
		}
		for j := range i {
			if c.takes(l, j, i) && !exclude(c.sources[i].When, c.sources[j].When) {
				return true
			}
		}
	}
	return false
}

func (c *mapping) takes(l intel.LogSource, holding ...int) bool {
	var all []*facts
	for _, i := range holding {
		all = append(all, &c.sources[i].facts)
	}
	class := &intel.Class{}
	classify(class, append(all, &c.facts), c.Product)
	return (class.Product != "" || class.Service != "" || len(class.Categories) > 0) && class.Takes(l)
}

// exclude reports whether no record can meet both conditions, as far as tests
// of whole values of the same field tell.
func exclude(a, b condition) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	for _, x := range a {
		for _, y := range b {
			if !excludeClauses(x, y) {
				return false
			}
		}
	}
	return true
}

func excludeClauses(a, b clause) bool {
	for i := range a {
		for j := range b {
			if a[i].field != b[j].field || a[i].op != equals || b[j].op != equals {
				continue
			}
			if !slices.ContainsFunc(a[i].values, func(v string) bool { return slices.Contains(b[j].values, v) }) {
				return true
			}
		}
	}
	return false
}
