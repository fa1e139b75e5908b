package engine_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/testdata"
)

// corpus is real events with the classes that SigmaHQ's own regression run
// gives them.
type corpus struct {
	names   *intel.Names
	router  *router
	events  []corpusEvent
	classes map[string]*intel.Class
}

type corpusEvent struct {
	class *intel.Class
	rec   intel.Record
}

func newCorpus(tb testing.TB) *corpus {
	tb.Helper()
	return &corpus{names: intel.NewNames(nil), router: newRouter(tb), classes: map[string]*intel.Class{}}
}

// addFile adds the events of a file of JSON, in nested or flat shape.
func (c *corpus) addFile(tb testing.TB, path string, limit int) {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	decoder := json.NewDecoder(bufio.NewReader(f))
	decoder.UseNumber()
	for limit != 0 {
		var event map[string]any
		if decoder.Decode(&event) != nil {
			return
		}
		limit--
		c.add(event)
	}
}

func (c *corpus) add(event map[string]any) {
	flat := map[string][]any{}
	flatten("", event, flat)
	var e corpusEvent
	for _, name := range slices.Sorted(maps.Keys(flat)) {
		for _, value := range flat[name] {
			addValue(&e.rec, c.names.Intern(name), value)
		}
	}
	e.class = c.class(one(flat["Channel"]), one(flat["EventID"]), one(flat["EventType"]))
	c.events = append(c.events, e)
}

func one(values []any) string {
	if len(values) == 0 {
		return ""
	}
	return fmt.Sprint(values[0])
}

func addValue(rec *intel.Record, name intel.Name, value any) {
	switch v := value.(type) {
	case nil:
		rec.Add(name, intel.Null, nil)
	case bool:
		rec.Add(name, intel.Bool, fmt.Append(nil, v))
	case json.Number:
		rec.Add(name, intel.Number, []byte(v))
	default:
		rec.Add(name, intel.Text, fmt.Append(nil, v))
	}
}

// flatten names a value by the last part of its path, as rules do.
func flatten(name string, value any, flat map[string][]any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			switch {
			case key == "#text":
				flatten(name, inner, flat)
			case key == "#attributes" && name == "Provider":
				flatten("Provider", inner, flat)
			case name == "Provider":
				flatten("Provider_"+key, inner, flat)
			default:
				flatten(strings.ReplaceAll(key, " ", ""), inner, flat)
			}
		}
	case []any:
		for _, inner := range v {
			flatten(name, inner, flat)
		}
	default:
		if len(flat[name]) < 20 {
			flat[name] = append(flat[name], v)
		}
	}
}

func (c *corpus) class(channel, eventID, eventType string) *intel.Class {
	if channel != "Microsoft-Windows-Sysmon/Operational" {
		eventType = ""
	}
	key := channel + "\x00" + eventID + "\x00" + eventType
	class, ok := c.classes[key]
	if !ok {
		class = c.router.class(channel, eventID, eventType)
		c.classes[key] = class
	}
	return class
}

// router gives events their class by the mapping that comes with SigmaHQ's rules.
type router struct {
	sources map[string]struct {
		Product, Category, Service string
		Conditions                 map[string]any
		Rewrite                    struct{ Product, Service string }
		FieldMappings              map[string]string
		Sources                    []string
	}
}

func newRouter(tb testing.TB) *router {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(testdata.Set(tb, "sigma-rules"), "tests", "thor.yml"))
	if err != nil {
		tb.Fatal(err)
	}
	var r struct {
		LogSources yaml.Node `yaml:"logsources"`
	}
	if err := yaml.Unmarshal(text, &r); err != nil {
		tb.Fatal(err)
	}
	router := &router{}
	if err := r.LogSources.Decode(&router.sources); err != nil {
		tb.Fatal(err)
	}
	return router
}

func (r *router) class(channel, eventID, eventType string) *intel.Class {
	class := &intel.Class{Product: "windows", Constants: map[string]string{}}
	if channel != "" && eventID != "" {
		class.Constants = map[string]string{"Channel": channel, "EventID": eventID}
	}
	for _, s := range r.sources {
		if s.Product == "windows" && slices.Contains(s.Sources, "WinEventLog:"+channel) {
			class.Service = s.Service
		}
	}
	mapped := map[string]string{}
	for _, s := range r.sources {
		if s.Product != "windows" || s.Category == "" || s.Rewrite.Service != class.Service || !meets(s.Conditions, eventID, eventType) {
			continue
		}
		class.Categories = append(class.Categories, s.Category)
		maps.Copy(mapped, s.FieldMappings)
	}
	slices.Sort(class.Categories)
	class.Categories = slices.Compact(class.Categories)
	class.Names = func(field string) []string {
		if name, ok := mapped[field]; ok {
			return []string{name, field}
		}
		return []string{field}
	}
	return class
}

func meets(conditions map[string]any, eventID, eventType string) bool {
	for field, want := range conditions {
		value := eventID
		if field != "EventID" {
			value = eventType
		}
		options, ok := want.([]any)
		if !ok {
			options = []any{want}
		}
		if !slices.ContainsFunc(options, func(o any) bool { return fmt.Sprint(o) == value }) {
			return false
		}
	}
	return true
}

func loadActiveRules(tb testing.TB) []*sigma.Rule {
	tb.Helper()
	root := testdata.Set(tb, "sigma-rules")
	folders, err := filepath.Glob(filepath.Join(root, "rules*"))
	if err != nil || len(folders) == 0 {
		tb.Fatalf("no rules below %s: %v", root, err)
	}
	set := sigma.Load(folders...)
	return slices.DeleteFunc(set.Rules, func(r *sigma.Rule) bool { return len(r.Placeholders()) > 0 })
}

func windowsRules(rules []*sigma.Rule) []*sigma.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r *sigma.Rule) bool { return r.LogSource.Product != "windows" })
}

// jsonFiles returns the JSON files of a set, those below a size, in order.
func jsonFiles(tb testing.TB, set string, limit int64) []string {
	tb.Helper()
	var files []string
	err := filepath.WalkDir(testdata.Set(tb, set), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() < limit {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	slices.Sort(files)
	return files
}

// extraEvents is an environment variable that names files of JSON lines to
// measure and compare with beside the sets, separated by colons.
const extraEvents = "TOCSIN_EVENTS"

func addExtraEvents(tb testing.TB, c *corpus) {
	tb.Helper()
	for _, path := range strings.FieldsFunc(os.Getenv(extraEvents), func(r rune) bool { return r == ':' }) {
		c.addFile(tb, path, -1)
	}
}

// naives are the rules that take a class, in the naive evaluator's hands.
type naives struct {
	rules   []*sigma.Rule
	names   *intel.Names
	byClass map[*intel.Class]map[int32]*sigma.Naive
}

func (n *naives) inspect(tb testing.TB, class *intel.Class, rec *intel.Record) []int32 {
	tb.Helper()
	rules, ok := n.byClass[class]
	if !ok {
		rules = map[int32]*sigma.Naive{}
		for i, rule := range n.rules {
			if !class.Takes(rule.LogSource) {
				continue
			}
			naive, err := sigma.NewNaive(rule, n.names, class)
			if err != nil {
				tb.Fatal(err)
			}
			rules[int32(i)] = naive
		}
		n.byClass[class] = rules
	}
	var matches []int32
	for i, naive := range rules {
		if naive.Matches(rec) {
			matches = append(matches, i)
		}
	}
	slices.Sort(matches)
	return matches
}

// describe writes a record for a message.
func describe(names *intel.Names, rec *intel.Record) string {
	var b bytes.Buffer
	for _, f := range rec.Fields {
		fmt.Fprintf(&b, "  %s (%d) = %q\n", names.Text(f.Name), f.Kind, f.Value)
	}
	return b.String()
}
