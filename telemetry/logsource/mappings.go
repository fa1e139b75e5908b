package logsource

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"tocsin/intel"
	"tocsin/internal/fault"
)

//go:embed mapping/*.yaml
var embedded embed.FS

// Mappings are all mapping files, compiled. They are safe for concurrent use.
type Mappings struct {
	mappings []*mapping
	rewriter rewriter
	slots    *slots
	words    *words
	shaping  slotSet // the slots whose presence decides anything
	raw      map[string]bool
	embedded map[string]string
	unknown  *intel.Class

	mu      sync.Mutex
	classes map[string]*outcome     // guarded by mu
	origins map[*intel.Class]origin // guarded by mu
}

// origin is what a class was made of.
type origin struct {
	mapping *mapping
	holding []int // the sources that hold
}

// Load compiles the mappings that ship with the program and those in extra: in
// each, every *.yaml or *.yml file at its top, of which there is one at least. Of mappings with the same order the extra
// ones are asked first, and an extra file may extend a mapping of ours. An
// error wraps fault.Invalid and names file and line.
func Load(extra ...fs.FS) (*Mappings, error) {
	ours, err := fs.Sub(embedded, "mapping")
	if err != nil {
		return nil, err
	}
	var files []*file
	for i, fsys := range append(slices.Clone(extra), ours) {
		some, err := readFiles(fsys)
		if err != nil {
			return nil, fmt.Errorf("mapping %w: %w", err, fault.Invalid)
		}
		for _, f := range some {
			f.rank = i
		}
		files = append(files, some...)
	}
	files, err = join(files)
	if err == nil {
		var m *Mappings
		if m, err = compile(files); err == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("mapping %w: %w", err, fault.Invalid)
}

// filesLimit bounds how many mapping files a folder may hold.
const filesLimit = 1_000

func readFiles(fsys fs.FS) ([]*file, error) {
	var names []string
	for _, pattern := range [...]string{"*.yaml", "*.yml"} {
		some, err := fs.Glob(fsys, pattern)
		if err != nil {
			return nil, err
		}
		names = append(names, some...)
	}
	if len(names) == 0 {
		return nil, errors.New("folder holds no .yaml or .yml file")
	}
	if len(names) > filesLimit {
		return nil, fmt.Errorf("folder holds %d files, more than %d", len(names), filesLimit)
	}
	files := make([]*file, 0, len(names))
	for _, name := range names {
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		f, err := parseFile(name, content)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// join adds what extends a mapping to it and returns the mappings in the order
// in which they are asked.
func join(files []*file) ([]*file, error) {
	var whole []*file
	for _, f := range files {
		if f.Mapping == "" {
			continue
		}
		if other := find(whole, f.Mapping); other != nil {
			return nil, fmt.Errorf("%s:1: mapping %q is also in %s; use extends to add to it", f.name, f.Mapping, other.name)
		}
		whole = append(whole, f)
	}
	for _, f := range files {
		for _, name := range f.Extends {
			base := find(whole, name)
			if base == nil {
				return nil, fmt.Errorf("%s:1: extends %q: there is no such mapping", f.name, name)
			}
			base.add(f)
		}
	}
	slices.SortFunc(whole, func(a, b *file) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.rank, b.rank), cmp.Compare(a.Mapping, b.Mapping))
	})
	return whole, nil
}

func find(files []*file, name string) *file {
	at := slices.IndexFunc(files, func(f *file) bool { return f.Mapping == name })
	if at < 0 {
		return nil
	}
	return files[at]
}

func compile(files []*file) (*Mappings, error) {
	m := &Mappings{
		slots:    newSlots(),
		words:    newWords(),
		rewriter: rewriter{names: map[string]string{}},
		raw:      map[string]bool{},
		embedded: map[string]string{},
		unknown:  &intel.Class{},
		classes:  map[string]*outcome{},
		origins:  map[*intel.Class]origin{},
	}
	for i, f := range files {
		if err := m.rewriter.add(f.Rewrite); err != nil {
			return nil, fmt.Errorf("%s:1: %w", f.name, err)
		}
		compiled, err := compileMapping(f, i, m.slots, m.words)
		if err != nil {
			return nil, err
		}
		m.mappings = append(m.mappings, compiled)
		for _, name := range f.Raw {
			m.raw[name] = true
		}
		maps.Copy(m.embedded, f.Embedded)
		m.shape(compiled)
	}
	return m, nil
}

// shape notes which fields' presence matters to a mapping.
func (m *Mappings) shape(c *mapping) {
	add := func(numbers []slot) {
		for _, n := range numbers {
			m.shaping.add(n)
		}
	}
	for _, r := range c.when {
		for _, t := range r {
			add(t.slots)
		}
	}
	for _, v := range c.vars {
		add(v.slots)
	}
	for i := range c.time {
		m.shaping.add(c.time[i].slot)
		for _, p := range c.time[i].parts {
			m.shaping.add(p.slot)
		}
	}
	add(c.host)
}

// Rewrite returns the name that rules use for a field that a format writes
// under a path: hand it to intel.NewNames.
func (m *Mappings) Rewrite(path string) string { return m.rewriter.rewrite(path) }

// Raw reports whether rules search the object or list of that name as text
// (CloudTrail's requestParameters, Azure's TargetResources): a decoder of
// nested records adds it under its own name, as it was written, beside its
// members.
func (m *Mappings) Raw(name string) bool { return m.raw[name] }

// Origin returns the name of the mapping that a resolver's class is of; empty
// for records that no mapping holds for.
func (m *Mappings) Origin(class *intel.Class) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o, ok := m.origins[class]; ok {
		return o.mapping.Mapping
	}
	return ""
}

// Embedded says what a text field of that name holds where it is a record of
// its own, to be decoded in its place: "json", "xml" or "line"; else "".
func (m *Mappings) Embedded(name string) string { return m.embedded[name] }
