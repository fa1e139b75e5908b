package engine

import (
	"cmp"
	"fmt"
	"strings"
	"sync"

	"tocsin/detect/sigma"
	"tocsin/intel"
)

// Engine holds rules made ready to be asked of many events at once. It gives
// the same answers as asking every rule of every event (see sigma.Naive), at a cost
// that hardly grows with the number of rules: for each class of events it
// builds a Program that looks for the few literals without which no rule can
// match, and asks only the rules whose literals are there.
//
// An Engine's answers do not change once it is compiled, and it is safe for
// concurrent use.
type Engine struct {
	rules   []*sigma.Rule
	names   *intel.Names
	library *library
	sources []source

	courses  sync.Map   // *intel.Class → *course
	building sync.Mutex // one program is built at a time: building is rare and uses much scratch memory
	shelf    shelf      // guarded by building
}

// source is a log source with the rules that ask for it.
type source struct {
	logs  intel.LogSource
	rules []int32
}

// Compile prepares rules for the records whose fields names has numbered. It
// refuses rules that still have placeholders, and names all of them.
func Compile(rules []*sigma.Rule, names *intel.Names) (*Engine, error) {
	if err := checkPlaceholders(rules); err != nil {
		return nil, err
	}
	library, err := newLibrary(rules)
	if err != nil {
		return nil, err
	}
	// Fields that rules name get their numbers before telemetry can use them up.
	for _, field := range library.fields {
		names.Intern(field)
	}
	return &Engine{rules: rules, names: names, library: library, sources: bySource(rules), shelf: newShelf()}, nil
}

// Rules returns the rules in the order they were given: what Inspect answers
// are indexes into it.
func (e *Engine) Rules() []*sigma.Rule { return e.rules }

// Program returns what is asked of events of the class. It is built when first
// asked for; later calls may return a better one with the same answers.
func (e *Engine) Program(class *intel.Class) *Program {
	return e.course(class).current.Load()
}

func (e *Engine) course(class *intel.Class) *course {
	if c, ok := e.courses.Load(class); ok {
		return c.(*course)
	}
	e.building.Lock()
	defer e.building.Unlock()
	if c, ok := e.courses.Load(class); ok {
		return c.(*course)
	}
	c := &course{}
	c.current.Store(newProgram(e, class, lessonPrice, nil))
	e.courses.Store(class, c)
	return c
}

// improve replaces the class's program by one whose witnesses are chosen by
// what a lesson counted.
func (e *Engine) improve(class *intel.Class, c *course, l *lesson) {
	e.building.Lock()
	defer e.building.Unlock()
	c.current.Store(newProgram(e, class, lessonPrice*laterPrice, l))
	c.busy.Store(false)
}

// bySource groups rules by their log source, in the order of first use.
func bySource(rules []*sigma.Rule) []source {
	var sources []source
	at := map[intel.LogSource]int{}
	for i, rule := range rules {
		n, ok := at[rule.LogSource]
		if !ok {
			n = len(sources)
			at[rule.LogSource] = n
			sources = append(sources, source{logs: rule.LogSource})
		}
		sources[n].rules = append(sources[n].rules, int32(i))
	}
	return sources
}

// maxNamedRules bounds how many rules one error message names.
const maxNamedRules = 50

func checkPlaceholders(rules []*sigma.Rule) error {
	var missing []string
	for _, rule := range rules {
		for _, name := range rule.Placeholders() {
			missing = append(missing, fmt.Sprintf("%s: %%%s%%", ruleName(rule), name))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	more := ""
	if len(missing) > maxNamedRules {
		more = fmt.Sprintf(" and %d more", len(missing)-maxNamedRules)
		missing = missing[:maxNamedRules]
	}
	return fmt.Errorf("placeholders without a value; expand them before compiling, or leave these rules out: %s%s", strings.Join(missing, ", "), more)
}

// ruleName is how an error message names a rule.
func ruleName(rule *sigma.Rule) string {
	return cmp.Or(rule.Path, rule.ID, rule.Title)
}
