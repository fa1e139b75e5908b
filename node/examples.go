package node

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/memory"
	"tocsin/memory/archive"
)

// examplesFor is how many of a hunt's questions are shown examples of: who asks
// more than that reads a table, not events.
const examplesFor = 100

// wanted is the observables that events are looked for of.
type wanted struct {
	names   *intel.Names
	each    int // how many for a question
	needles []string
	of      map[intel.Observable][]int // the questions of each observable

	mu      sync.Mutex
	answers []memory.Answer // guarded by mu
	missing int             // guarded by mu: events that are still looked for
}

func newWanted(h *hunting) *wanted {
	w := &wanted{names: h.node.names, each: h.Examples, answers: h.answers, of: map[intel.Observable][]int{}}
	if h.Examples == 0 {
		return w
	}
	asked := 0
	for i, q := range h.Questions {
		a := &h.answers[i]
		if q.Rule != "" || a.Count == 0 || asked == examplesFor {
			continue
		}
		asked++
		for _, o := range seenObservables(q, a) {
			w.of[o] = append(w.of[o], i)
			w.needles = append(w.needles, needle(o))
		}
		w.missing += int(min(uint64(h.Examples), a.Count))
	}
	slices.Sort(w.needles)
	w.needles = slices.Compact(w.needles)
	return w
}

// seenObservables returns the observables that a seen question stands for.
func seenObservables(q memory.Question, a *memory.Answer) []intel.Observable {
	kind := q.Observable.Kind
	if kind == intel.IPRange {
		kind = intel.IPAddress
	}
	all := memory.Spellings(q.Observable)
	for _, value := range a.Seen {
		all = append(all, intel.Observable{Kind: kind, Value: value})
	}
	return all
}

// needle returns a text that stands in most events that an observable stands
// in, whatever its normal form changed.
func needle(o intel.Observable) string {
	switch o.Kind {
	case intel.URL:
		return string(observable.URLHost([]byte(o.Value)))
	case intel.FilePath, intel.RegistryKey:
		return o.Value[strings.LastIndexAny(o.Value, `\/`)+1:]
	case intel.CommandLine, intel.UserAgent:
		words := strings.Fields(o.Value)
		return slices.MaxFunc(words, func(a, b string) int { return len(a) - len(b) })
	}
	return o.Value
}

// take keeps an event that one of its observables is looked for of.
func (w *wanted) take(kind intel.ObservableKind, value []byte, row *archive.Row) {
	for _, i := range w.of[intel.Observable{Kind: kind, Value: string(value)}] {
		w.show(i, row)
	}
}

// show keeps an event for a question that still wants one.
func (w *wanted) show(i int, row *archive.Row) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := &w.answers[i]
	shown := func(e memory.Example) bool { return e.Record == row.Number && e.Source == row.Source.Name }
	if len(a.Examples) >= w.each || slices.ContainsFunc(a.Examples, shown) {
		return
	}
	fields := make(map[string]string, len(row.Fields))
	for _, f := range row.Fields {
		fields[w.names.Text(f.Name)] = string(f.Value)
	}
	a.Examples = append(a.Examples, example(row.Time, string(row.Host), row.Source.Name, row.Number, fields))
	w.missing--
}

// enough reports by errEnough that nothing is missing any more.
func (w *wanted) enough() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.missing <= 0 {
		return errEnough
	}
	return nil
}

func sorted(set map[string]struct{}, most int) []string {
	list := slices.Sorted(maps.Keys(set))
	return list[:min(len(list), most)]
}
