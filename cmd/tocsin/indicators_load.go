package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"tocsin/api"
	"tocsin/detect/indicator"
	"tocsin/exchange"
	"tocsin/exchange/misp"
	"tocsin/intel"
	"tocsin/intel/pack"
	"tocsin/internal/fault"
	"tocsin/internal/output"
)

// indicatorFlags say which indicators are matched.
type indicatorFlags struct {
	Indicators  []string `help:"File of indicators: a list, a table, STIX or MISP; repeatable. Without it: those installed by 'indicators add'." placeholder:"FILE" sep:"none"`
	Warninglist []string `help:"Warninglist in MISP's form (list.json), or a folder of them: what is on one is no indicator; repeatable." placeholder:"FILE|DIR" sep:"none"`
	FreeText    bool     `help:"Also look for indicators in text whose parts are not known, such as messages: slower."`
}

// indicatorSet is indicators ready to be matched, and what became of the others.
type indicatorSet struct {
	live  *indicator.Live // nil when there are none
	notes []string
	left  *api.RemovedIndicators // what is not matched
}

// load reads the indicators that the flags mean, else those installed.
func (f *indicatorFlags) load(c *console) (*indicatorSet, error) {
	set := &indicatorSet{left: &api.RemovedIndicators{}}
	packs, err := set.read(f.Indicators)
	if err != nil {
		return nil, err
	}
	if len(f.Indicators) == 0 {
		if packs, err = c.indicators().Load(); err != nil {
			return nil, err
		}
	}
	if len(packs) == 0 {
		return set, nil
	}
	warnings, err := f.warnings()
	if err != nil {
		return nil, err
	}
	compiler := indicator.Compiler{Warnings: warnings, Now: time.Now()}
	set.left = collectRemoved(&compiler)
	compiled, err := compiler.Compile(packs...)
	if err != nil {
		return nil, err
	}
	sortRemoved(set.left)
	set.live = &indicator.Live{}
	set.live.Store(compiled)
	set.removed(compiled.Report())
	keepHeapSmall(compiled.Report().Memory)
	return set, nil
}

// keepHeapSmall has the garbage collector run before the heap has grown by
// more than spareHeap. By default it would let it double, and ten million
// indicators take twice their memory.
func keepHeapSmall(used int) {
	const spareHeap = 128 << 20
	const usual = 100
	if used > spareHeap {
		debug.SetGCPercent(usual * spareHeap / used)
	}
}

// read reads files of indicators.
func (s *indicatorSet) read(paths []string) ([]*pack.Pack, error) {
	var packs []*pack.Pack
	for _, path := range paths {
		p, reading, err := readIndicators(path, exchange.IndicatorOptions{Origin: intel.Origin{Source: sourceName(path)}})
		if err != nil {
			return nil, fmt.Errorf("--indicators %s: %w", path, err)
		}
		packs = append(packs, p)
		if n := reading.PassedOver(); n > 0 {
			s.notes = append(s.notes, fmt.Sprintf("Of %s %s passed over: %s.", filepath.Base(path), output.Count(n, "entry was", "entries were"), reasons(reading.Passed)))
		}
	}
	return packs, nil
}

// sourceName is who says what a file says, when it does not name anyone: its
// name without endings.
func sourceName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

func readIndicators(path string, o exchange.IndicatorOptions) (*pack.Pack, exchange.Reading, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, exchange.Reading{}, err
	}
	defer func() { _ = f.Close() }()
	return exchange.ReadIndicators(f, o)
}

// shownReasons is how many reasons a sentence names.
const shownReasons = 3

func reasons(passed []exchange.Passed) string {
	var parts []string
	for _, p := range passed[:min(len(passed), shownReasons)] {
		parts = append(parts, fmt.Sprintf("%s (%d, first at %s)", p.Reason, p.Count, p.First))
	}
	if rest := len(passed) - len(parts); rest > 0 {
		parts = append(parts, output.Count(rest, "reason more", "reasons more"))
	}
	return strings.Join(parts, "; ")
}

// removed says what the compiler left out.
func (s *indicatorSet) removed(r indicator.Report) {
	n := 0
	var parts []string
	for _, removal := range r.Removed {
		n += removal.Count
		if len(parts) < shownReasons {
			parts = append(parts, fmt.Sprintf("%s (%d)", removal.Reason, removal.Count))
		}
	}
	if n == 0 {
		return
	}
	if rest := len(r.Removed) - len(parts); rest > 0 {
		parts = append(parts, output.Count(rest, "reason more", "reasons more"))
	}
	s.notes = append(s.notes, fmt.Sprintf("%s not matched: %s.", output.Count(n, "indicator is", "indicators are"), strings.Join(parts, "; ")))
}

// warnings reads the warninglists that the flags name; nil when they name none.
func (f *indicatorFlags) warnings() (*indicator.Warnings, error) {
	if len(f.Warninglist) == 0 {
		return nil, nil
	}
	var lists []indicator.Warninglist
	for _, path := range f.Warninglist {
		files, err := warninglistFiles(path)
		if err != nil {
			return nil, fmt.Errorf("--warninglist: %w", err)
		}
		for _, file := range files {
			list, err := readWarninglist(file)
			if err != nil {
				return nil, fmt.Errorf("--warninglist %s: %w", file, err)
			}
			lists = append(lists, list)
		}
	}
	return indicator.NewWarnings(lists)
}

// warninglistFiles returns a file, or the list.json below a folder.
func warninglistFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() == "list.json" {
			files = append(files, name)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no list.json below %s: %w", path, fault.NotFound)
	}
	return files, err
}

func readWarninglist(path string) (indicator.Warninglist, error) {
	f, err := os.Open(path)
	if err != nil {
		return indicator.Warninglist{}, err
	}
	defer func() { _ = f.Close() }()
	read, err := misp.ReadWarninglist(f)
	if err != nil {
		return indicator.Warninglist{}, err
	}
	list := indicator.Warninglist{Name: read.Name, Rule: indicator.WarningRule(read.Type), Values: read.List}
	for _, attribute := range read.MatchingAttributes {
		for _, kind := range misp.Kinds(attribute) {
			if !slices.Contains(list.Kinds, kind) {
				list.Kinds = append(list.Kinds, kind)
			}
		}
	}
	return list, nil
}
