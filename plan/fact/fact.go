package fact

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// State is how well a fact is known. The zero value is unknown.
type State uint8

// The states.
const (
	Unknown State = iota
	Known
	Estimated
	NotApplicable
)

var states = [...]string{Unknown: "unknown", Known: "known", Estimated: "estimated", NotApplicable: "not_applicable"}

func (s State) String() string { return states[min(int(s), len(states)-1)] }

// MarshalText implements encoding.TextMarshaler.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *State) UnmarshalText(text []byte) error {
	at := slices.Index(states[:], string(text))
	if at < 0 {
		return fmt.Errorf("state of a fact %.80q: use one of %s: %w", text, strings.Join(states[:], ", "), fault.Invalid)
	}
	*s = State(at)
	return nil
}

// Fact is one fact. Which fields count is decided by its state and the type in
// its definition; a zero Fact is unknown.
type Fact struct {
	State State
	// Min and Max are of numbers and money: the same when it is known.
	Min, Max float64
	Currency string
	Bool     bool
	// Words are the one word of an enum or judgement, all the words of a set or
	// codes; of an estimate those that are sure.
	Words []string
	// Possible is of an estimate: the words it may have. Nil is any.
	Possible []string
	Text     string
	// From and To are of times: the same when it is known.
	From, To time.Time
	Growth   *Growth
	// By, Reason, Source and Noted say who stated it, why, resting on what, and
	// when. A judgement always has By and Reason.
	By, Reason, Source string
	Noted              time.Time
}

// Growth is minutes that are counted from a moment.
type Growth struct {
	// Since is when it began, SinceLatest the latest it may have begun: the same
	// when that is known.
	Since, SinceLatest time.Time
	// Until is when it ended; zero while it lasts.
	Until time.Time
}

// Ends reports whether the count has stopped at a time.
func (g *Growth) Ends(at time.Time) bool { return !g.Until.IsZero() && !at.Before(g.Until) }

// At returns the fact as it stands at a time: a growing one becomes a number.
func (f Fact) At(at time.Time) Fact {
	if f.Growth == nil {
		return f
	}
	if f.Growth.Ends(at) {
		at = f.Growth.Until
	}
	f.Min, f.Max = minutes(at.Sub(f.Growth.SinceLatest)), minutes(at.Sub(f.Growth.Since))
	f.Growth = nil
	return f
}

func minutes(d time.Duration) float64 { return max(d, 0).Minutes() }

// Show writes a fact for a person, as of a time.
func (f Fact) Show(d *Definition, at time.Time) string {
	switch f.State {
	case Unknown:
		return "unknown"
	case NotApplicable:
		return "not applicable"
	}
	now := f.At(at)
	if f.Growth != nil { // seconds of an outage are of no use to a person
		now.Min, now.Max = math.Floor(now.Min*10)/10, math.Floor(now.Max*10)/10
	}
	text := now.show(d)
	if f.Growth != nil && !f.Growth.Ends(at) {
		text += ", growing"
	}
	if f.State == Estimated {
		text = "estimated " + text
	}
	return text
}

func (f Fact) show(d *Definition) string {
	switch d.Type {
	case Number:
		return between(f.Min, f.Max) + " " + d.Unit
	case Money:
		return between(f.Min, f.Max) + " " + f.Currency
	case Bool:
		return strconv.FormatBool(f.Bool)
	case Time:
		if f.From.Equal(f.To) {
			return f.From.Format(time.RFC3339)
		}
		return f.From.Format(time.RFC3339) + " to " + f.To.Format(time.RFC3339)
	case Text:
		return strconv.Quote(f.Text)
	case Judgement:
		return fmt.Sprintf("%s (judged by %s: %s)", strings.Join(f.Words, ""), f.By, f.Reason)
	}
	return f.showWords(d)
}

func (f Fact) showWords(d *Definition) string {
	if f.State == Known {
		return strings.Join(f.Words, ", ")
	}
	if d.Type == Enum {
		return "one of " + strings.Join(f.Possible, ", ")
	}
	text := "at least {" + strings.Join(f.Words, ", ") + "}"
	if f.Possible != nil {
		text += ", at most {" + strings.Join(f.Possible, ", ") + "}"
	}
	return text
}

// between writes a range.
func between(low, high float64) string {
	switch {
	case low == high:
		return number(low)
	case math.IsInf(high, 1):
		return number(low) + " or more"
	}
	return number(low) + " to " + number(high)
}

// number writes a number without an exponent, with blanks between thousands so
// that 100 million and 10 million are told apart.
func number(x float64) string {
	text := strconv.FormatFloat(x, 'f', -1, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + " " + whole[i:]
	}
	if rest != "" {
		return whole + "." + rest
	}
	return whole
}

// Facts are facts by their keys. What is absent is unknown.
type Facts map[string]Fact

// Rate says what one unit of a currency is in another.
type Rate struct {
	From string  `json:"from"`
	To   string  `json:"to"`
	Rate float64 `json:"rate"`
	// Source and On say where the rate is from.
	Source string `json:"source"`
	On     string `json:"on,omitempty"`
}

// Sheet is what is said of one incident.
type Sheet struct {
	Facts Facts
	Rates []Rate
	// Categories are the ones a person chose, by regime.
	Categories map[string][]string
}

// Rate returns by what to multiply to come from one currency to another, by a
// stated rate or the inverse of one. Rates are never put together.
func (s *Sheet) Rate(from, to string) (float64, bool) {
	if from == to {
		return 1, true
	}
	for _, r := range s.Rates {
		if r.From == from && r.To == to {
			return r.Rate, true
		}
	}
	for _, r := range s.Rates {
		if r.From == to && r.To == from {
			return 1 / r.Rate, true
		}
	}
	return 0, false
}

// With returns the sheet with more facts, which count where it says nothing
// itself.
func (s *Sheet) With(more Facts) *Sheet {
	joined := &Sheet{Facts: Facts{}, Rates: s.Rates, Categories: s.Categories}
	maps.Copy(joined.Facts, more)
	for key, f := range s.Facts {
		if f.State != Unknown || joined.Facts[key].State == Unknown {
			joined.Facts[key] = f
		}
	}
	return joined
}

// Growing returns the keys of the facts that still grow at a time, sorted.
func (s *Sheet) Growing(at time.Time) []string {
	var keys []string
	for key, f := range s.Facts {
		if f.Growth != nil && !f.Growth.Ends(at) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
