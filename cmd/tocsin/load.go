package main

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tocsin/detect/core"
	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/output"
	"tocsin/knowledge"
	"tocsin/telemetry/logsource"
)

// ruleFlags say which rules are meant and how they are made ready.
type ruleFlags struct {
	Rules        []string `help:"Folder or file of rules; repeatable. Without it: the rules that come with tocsin and those installed by 'rules update'." placeholder:"DIR" sep:"none"`
	Pipeline     []string `help:"Processing pipeline in pySigma's form to change rules by; repeatable." placeholder:"FILE" sep:"none"`
	Placeholders string   `help:"YAML file with the values of placeholders, as 'Administrators: [alice, bob]'." placeholder:"FILE"`
	// own leaves out the sets that warnings brought.
	own bool
}

// ruleSet is rules ready to be run, and what became of the others.
type ruleSet struct {
	rules        []*sigma.Rule
	correlations []*sigma.Correlation
	problems     []*sigma.Problem
	origin       map[string]string // of rules and correlations, by path: the set's name
	disabled     int               // switched off by the user
	retired      int               // deprecated or unsupported
	placeholders []string          // missing, each once
	waiting      int               // rules that wait for them
	notes        []string          // about indicators
}

// coreSet names the rules that come with the program.
const coreSet = "core"

// load reads the rules that the flags mean.
func (f *ruleFlags) load(l *knowledge.Library) (*ruleSet, error) {
	read, err := f.read(l)
	if err != nil {
		return nil, err
	}
	off, err := l.Disabled()
	if err != nil {
		return nil, err
	}
	loaded := &ruleSet{problems: read.problems, origin: read.origin}
	for _, rule := range read.rules {
		if _, ok := off[rule.ID]; ok && rule.ID != "" {
			loaded.disabled++
		} else if retired(rule.Status) {
			loaded.retired++
		} else {
			loaded.rules = append(loaded.rules, rule)
		}
	}
	for _, c := range read.correlations {
		if _, ok := off[c.ID]; ok && c.ID != "" {
			loaded.disabled++
		} else if retired(c.Status) {
			loaded.retired++
		} else {
			loaded.correlations = append(loaded.correlations, c)
		}
	}
	if err := f.prepare(loaded, read.filters); err != nil {
		return nil, err
	}
	return loaded, nil
}

// retired says of a status that its author no longer wants the rule run.
func retired(status string) bool { return status == "deprecated" || status == "unsupported" }

// readSet is rules as their files have them.
type readSet struct {
	files        int
	rules        []*sigma.Rule
	correlations []*sigma.Correlation
	filters      []*sigma.Filter
	problems     []*sigma.Problem
	notes        []*sigma.Problem
	origin       map[string]string
	ids          map[string]bool
}

func (s *readSet) add(origin string, set *sigma.Set) {
	s.files += set.Files
	s.problems = append(s.problems, set.Problems...)
	s.notes = append(s.notes, set.Notes...)
	s.filters = append(s.filters, set.Filters...)
	for _, r := range set.Rules {
		if s.fresh(r.ID) {
			s.rules = append(s.rules, r)
			s.origin[r.Path] = origin
		}
	}
	for _, c := range set.Correlations {
		if s.fresh(c.ID) {
			s.correlations = append(s.correlations, c)
			s.origin[c.Path] = origin
		}
	}
}

// fresh reports whether no set before had that ID. The same rules may be
// installed twice, as a release and as part of another; they run once.
func (s *readSet) fresh(id string) bool {
	if id != "" && s.ids[id] {
		return false
	}
	s.ids[id] = true
	return true
}

// read reads the given folders, or the core rules and all installed sets.
func (f *ruleFlags) read(l *knowledge.Library) (*readSet, error) {
	read := &readSet{origin: map[string]string{}, ids: map[string]bool{}}
	if len(f.Rules) > 0 {
		for _, path := range f.Rules {
			if _, err := os.Stat(path); err != nil {
				return nil, fmt.Errorf("--rules: %w", err)
			}
		}
		read.add("--rules", sigma.Load(f.Rules...))
		if read.files == 0 {
			return nil, fmt.Errorf("--rules %s: no .yml or .yaml file there: %w", strings.Join(f.Rules, ", "), fault.NotFound)
		}
		return read, nil
	}
	read.add(coreSet, sigma.LoadFS(core.Rules()))
	sets, err := l.Sets()
	if err != nil {
		return nil, err
	}
	if f.own {
		sets = ownSets(sets)
	}
	for _, set := range sets {
		read.add(set.Name, sigma.Load(l.Folder(set)))
	}
	return read, nil
}

// prepare applies pipelines, placeholders and filters, in that order.
func (f *ruleFlags) prepare(s *ruleSet, filters []*sigma.Filter) error {
	if err := f.applyPipelines(s); err != nil {
		return err
	}
	values, err := readPlaceholders(f.Placeholders)
	if err != nil {
		return err
	}
	if err := s.expand(values); err != nil {
		return err
	}
	s.filter(filters)
	return nil
}

// expand fills placeholders in and sets rules aside that still miss one.
func (s *ruleSet) expand(values map[string][]string) error {
	ready := s.rules[:0]
	for _, rule := range s.rules {
		names := rule.Placeholders()
		missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { _, ok := values[name]; return ok })
		switch {
		case len(missing) > 0:
			s.waiting++
			s.placeholders = append(s.placeholders, missing...)
			continue
		case len(names) > 0:
			expanded, err := rule.Expand(values)
			if err != nil {
				return fmt.Errorf("--placeholders: rule %s: %w", rule.Title, err)
			}
			rule = expanded
		}
		ready = append(ready, rule)
	}
	s.rules = ready
	slices.Sort(s.placeholders)
	s.placeholders = slices.Compact(s.placeholders)
	return nil
}

// readPlaceholders reads a file of names with one value or a list.
func readPlaceholders(path string) (map[string][]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--placeholders: %w", err)
	}
	var listed map[string]oneOrMore
	if err := yaml.Unmarshal(text, &listed); err != nil {
		return nil, fmt.Errorf("--placeholders %s: write 'Name: [value, value]' on each line: %w: %w", path, err, fault.Invalid)
	}
	values := make(map[string][]string, len(listed))
	for name, list := range listed {
		values[strings.Trim(name, "%")] = list
	}
	return values, nil
}

// oneOrMore takes a single value as a list of one.
type oneOrMore []string

func (l *oneOrMore) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*l = oneOrMore{node.Value}
		return nil
	}
	var list []string
	err := node.Decode(&list)
	*l = list
	return err
}

// left says in sentences which rules were not asked, and why.
func (s *ruleSet) left() []string {
	var notes []string
	if n := rejectedFiles(s.problems); n > 0 {
		notes = append(notes, output.Count(n, "rule file does", "rule files do")+" not load: 'tocsin rules check DIR' says why.")
	}
	if s.waiting > 0 {
		notes = append(notes, fmt.Sprintf("%s for placeholders to be defined (--placeholders FILE): %s.", output.Count(s.waiting, "rule waits", "rules wait"), strings.Join(s.placeholders, ", ")))
	}
	if s.disabled > 0 {
		notes = append(notes, output.Count(s.disabled, "rule is", "rules are")+" switched off ('tocsin rules list --disabled' names them).")
	}
	if s.retired > 0 {
		notes = append(notes, output.Count(s.retired, "rule was", "rules were")+" left out as deprecated or unsupported by their authors.")
	}
	return append(notes, s.notes...)
}

func rejectedFiles(problems []*sigma.Problem) int {
	paths := map[string]bool{}
	for _, p := range problems {
		paths[p.Path] = true
	}
	return len(paths)
}

// loadMappings reads the mappings that ship with the program and the user's.
func loadMappings(folders []string) (*logsource.Mappings, error) {
	var extra []fs.FS
	for _, folder := range folders {
		info, err := os.Stat(folder)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a folder: %w", folder, fault.Invalid)
		}
		if err != nil {
			return nil, fmt.Errorf("--mapping: %w", err)
		}
		extra = append(extra, os.DirFS(folder))
	}
	return logsource.Load(extra...)
}

// selection is which rules a user wants to hear of.
type selection struct {
	min  intel.Severity
	tags []string
}

// wants reports whether findings of a rule with that level and those tags are
// to be shown. A tag also means those below it: attack.t1059 means
// attack.t1059.001.
func (s selection) wants(l intel.Severity, tags []string) bool {
	if l < s.min {
		return false
	}
	return len(s.tags) == 0 || slices.ContainsFunc(s.tags, func(want string) bool {
		return slices.ContainsFunc(tags, func(tag string) bool {
			return strings.EqualFold(tag, want) || strings.HasPrefix(strings.ToLower(tag), strings.ToLower(want)+".")
		})
	})
}

// choose keeps the rules that are wanted, and the rules and correlations that a
// wanted correlation builds on.
func (s *ruleSet) choose(want selection) {
	needed := map[string]bool{} // by whatever they are referred to
	isNeeded := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return name != "" && needed[name] })
	}
	kept := make([]bool, len(s.correlations))
	for again := true; again; { // until no correlation needs a further one
		again = false
		for i, c := range s.correlations {
			if kept[i] || (!want.wants(c.Level, c.Tags) && !isNeeded(c.ID, c.Name, c.Title)) {
				continue
			}
			kept[i], again = true, true
			for _, name := range c.Rules {
				needed[name] = true
			}
		}
	}
	var correlations []*sigma.Correlation
	for i, c := range s.correlations {
		if kept[i] {
			correlations = append(correlations, c)
		}
	}
	s.correlations = correlations
	s.rules = slices.DeleteFunc(s.rules, func(r *sigma.Rule) bool {
		return !want.wants(r.Level, r.Tags) && !isNeeded(r.ID, r.Name, r.Title)
	})
}
