package criterion

import (
	"fmt"
	"math"
	"slices"
	"time"

	"tocsin/internal/fault"
	"tocsin/plan/fact"
)

// Truth is what a condition comes to.
type Truth uint8

// The truths, in the order of "or".
const (
	No Truth = iota
	Unknown
	Yes
)

var truths = [...]string{No: "no", Unknown: "unknown", Yes: "yes"}

func (t Truth) String() string { return truths[t] }

// MarshalText implements encoding.TextMarshaler.
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Truth) UnmarshalText(text []byte) error {
	at := slices.Index(truths[:], string(text))
	if at < 0 {
		return fmt.Errorf("%.80q is no truth: %w", text, fault.Invalid)
	}
	*t = Truth(at)
	return nil
}

func not(t Truth) Truth { return Yes - t }

// of joins what can be: both is unknown.
func of(canHold, canFail bool) Truth {
	switch {
	case canHold && canFail:
		return Unknown
	case canHold:
		return Yes
	}
	return No
}

// number is every number that an expression may have.
type number struct {
	low, high float64
	applies   bool // it may have one
	absent    bool // it may not apply
	because   note
}

// note is what a value rests on.
type note struct {
	facts  []string
	reason string // why it cannot be told
	parts  []Atom // of count
}

func (n note) and(m note) note {
	all := note{reason: n.reason, parts: append(slices.Clip(n.parts), m.parts...)}
	if all.reason == "" {
		all.reason = m.reason
	}
	all.facts = slices.Clone(n.facts)
	for _, f := range m.facts {
		if !slices.Contains(all.facts, f) {
			all.facts = append(all.facts, f)
		}
	}
	return all
}

func exactly(x float64) number { return number{low: x, high: x, applies: true} }

// words is every list of words that an expression may have. Of an enum it is
// one word of possible.
type words struct {
	sure     []string
	possible []string
	any      bool // possible is every word there is
	absent   bool
	one      bool // exactly one word
	because  note
}

func (w words) may(word string) bool { return w.any || slices.Contains(w.possible, word) }

// Facts are what conditions are asked about: a sheet at a time.
type Facts struct {
	Dictionary *fact.Dictionary
	Sheet      *fact.Sheet
	At         time.Time
}

func (v *Facts) get(key string) (*fact.Definition, fact.Fact) {
	return v.Dictionary.Definition(key), v.Sheet.Facts[key].At(v.At)
}

func (v *Facts) number(key string) number {
	d, f := v.get(key)
	n := number{low: f.Min, high: f.Max, applies: true, because: note{facts: []string{key}}}
	switch f.State {
	case fact.Unknown:
		n.low, n.high, n.absent = 0, top(d), true
	case fact.NotApplicable:
		n.applies, n.absent = false, true
	}
	return n
}

func top(d *fact.Definition) float64 {
	if d.Max > 0 {
		return d.Max
	}
	return math.Inf(1)
}

// amount is money in a currency.
func (v *Facts) amount(key, currency string) number {
	n := v.number(key)
	f := v.Sheet.Facts[key]
	if f.State != fact.Known && f.State != fact.Estimated {
		return n
	}
	rate, ok := v.Sheet.Rate(f.Currency, currency)
	if !ok {
		n.low, n.high = 0, math.Inf(1)
		n.because.reason = "no rate from " + f.Currency + " to " + currency + " is stated"
		return n
	}
	n.low, n.high = times(n.low, rate), times(n.high, rate)
	return n
}

// times multiplies, where nothing of anything is nothing.
func times(a, b float64) float64 {
	if a == 0 || b == 0 {
		return 0
	}
	return a * b
}

// moment is a time as seconds, so that times compare as numbers do.
func (v *Facts) moment(key string) number {
	_, f := v.get(key)
	n := number{low: math.Inf(-1), high: math.Inf(1), applies: true, because: note{facts: []string{key}}}
	switch f.State {
	case fact.Unknown:
		n.absent = true
	case fact.NotApplicable:
		n.applies, n.absent = false, true
	default:
		n.low, n.high = seconds(f.From), seconds(f.To)
	}
	return n
}

func seconds(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }

func (v *Facts) words(key string) words {
	d, f := v.get(key)
	w := words{sure: f.Words, possible: f.Words, one: d.Type == fact.Enum || d.Type == fact.Judgement, because: note{facts: []string{key}}}
	switch f.State {
	case fact.Unknown:
		w.sure, w.absent = nil, true
		w.possible, w.any = d.Codes(), len(d.Values) == 0
	case fact.NotApplicable:
		w.sure, w.possible, w.absent = nil, nil, true
	case fact.Estimated:
		w.possible = f.Possible
		if f.Possible == nil {
			w.possible, w.any = d.Codes(), len(d.Values) == 0
		}
	}
	return w
}

func (v *Facts) truth(key string) Truth {
	_, f := v.get(key)
	switch f.State {
	case fact.Known:
		return of(f.Bool, !f.Bool)
	case fact.NotApplicable:
		return No
	}
	return Unknown
}
