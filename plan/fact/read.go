package fact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/strict"
)

// Limits of what is read: more than any case we know of needs.
const (
	maxSheet  = 1 << 20 // bytes
	maxFacts  = 1000
	maxWords  = 256  // codes of one fact
	maxCode   = 100  // bytes of a code or key
	maxText   = 8192 // bytes of a text or reason
	maxRates  = 100
	maxNumber = 1e15 // exact in a float64, and a thousand times the world's product
)

// written is a fact as JSON has it. Which members it may have depends on the
// type.
type written struct {
	State       *string         `json:"state,omitempty"`
	Value       json.RawMessage `json:"value,omitempty"`
	Min         json.RawMessage `json:"min,omitempty"`
	Max         json.RawMessage `json:"max,omitempty"`
	Currency    string          `json:"currency,omitempty"`
	OneOf       []string        `json:"one_of,omitempty"`
	AtLeast     []string        `json:"at_least,omitempty"`
	AtMost      []string        `json:"at_most,omitempty"`
	Since       *time.Time      `json:"since,omitempty"`
	SinceLatest *time.Time      `json:"since_latest,omitempty"`
	Until       *time.Time      `json:"until,omitempty"`
	By          string          `json:"by,omitempty"`
	Reason      string          `json:"reason,omitempty"`
	Source      string          `json:"source,omitempty"`
	Noted       *time.Time      `json:"noted,omitempty"`
}

// ReadSheet reads the facts of an incident from JSON:
//
//	{"facts": {"outage.total_minutes": {"since": "2026-01-05T09:00:00Z"},
//	           "data.pi_persons": {"min": 800000, "max": 1200000},
//	           "asset.is_cii": true, "loss.direct": null},
//	 "rates": [{"from": "USD", "to": "CNY", "rate": 7.1, "source": "PBoC"}],
//	 "categories": {"cn-plan-2017": ["MI"]}}
//
// A bare value is known and null is unknown. The error is fault.Invalid, and
// says of which fact.
func (d *Dictionary) ReadSheet(text []byte) (*Sheet, error) {
	if len(text) > maxSheet {
		return nil, fmt.Errorf("facts: larger than %d bytes: %w", maxSheet, fault.Invalid)
	}
	var file struct {
		Facts      json.RawMessage     `json:"facts"`
		Rates      []Rate              `json:"rates"`
		Categories map[string][]string `json:"categories"`
	}
	if err := decode(text, &file); err != nil {
		return nil, fmt.Errorf("facts: %w: %w", err, fault.Invalid)
	}
	s := &Sheet{Facts: Facts{}, Rates: file.Rates, Categories: file.Categories}
	members, err := object(file.Facts)
	if err != nil {
		return nil, fmt.Errorf("facts: %w: %w", err, fault.Invalid)
	}
	for _, m := range members {
		f, err := d.Read(m.key, m.value)
		if err != nil {
			return nil, err
		}
		s.Facts[m.key] = f
	}
	if err := checkRates(s.Rates); err != nil {
		return nil, fmt.Errorf("rates: %w: %w", err, fault.Invalid)
	}
	return s, nil
}

func checkRates(rates []Rate) error {
	if len(rates) > maxRates {
		return fmt.Errorf("more than %d", maxRates)
	}
	seen := map[[2]string]bool{}
	for _, r := range rates {
		pair := [2]string{min(r.From, r.To), max(r.From, r.To)}
		switch {
		case !isCurrency(r.From) || !isCurrency(r.To) || r.From == r.To:
			return fmt.Errorf("from %q to %q: two different currencies by their letters, as EUR", r.From, r.To)
		case !(r.Rate > 0) || r.Rate > maxNumber || r.Rate < 1/maxNumber:
			return fmt.Errorf("%s to %s: rate %v", r.From, r.To, r.Rate)
		case r.Source == "" || len(r.Source) > maxText:
			return fmt.Errorf("%s to %s: say in source where the rate is from", r.From, r.To)
		case seen[pair]:
			return fmt.Errorf("%s to %s is stated twice", r.From, r.To)
		}
		seen[pair] = true
	}
	return nil
}

// member is one key of an object with its value.
type member struct {
	key   string
	value json.RawMessage
}

// object reads an object in its order and refuses a key that is given twice,
// which a map would not notice.
func object(text []byte) ([]member, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("an object is wanted")
	}
	var members []member
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{key: key.(string)} // the decoder allows nothing else here
		if err := d.Decode(&m.value); err != nil {
			return nil, fmt.Errorf("%s: %w", clip(m.key), err)
		}
		if seen[m.key] {
			return nil, fmt.Errorf("%s is given twice", clip(m.key))
		}
		if len(members) == maxFacts {
			return nil, fmt.Errorf("more than %d facts", maxFacts)
		}
		seen[m.key] = true
		members = append(members, m)
	}
	return members, nil
}

// decode reads one JSON value strictly.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("something follows the value")
	}
	return nil
}

// clip keeps a key from outside short in an error.
func clip(key string) string {
	if len(key) > maxCode {
		return key[:maxCode] + "…"
	}
	return key
}

// Read reads one fact from JSON. The error is fault.Invalid.
func (d *Dictionary) Read(key string, text []byte) (Fact, error) {
	definition := d.byKey[key]
	if definition == nil {
		return Fact{}, fmt.Errorf("no fact is called %q%s: %w", clip(key), strict.Nearest(key, d.keys), fault.Invalid)
	}
	w, err := readWritten(text)
	if err == nil {
		var f Fact
		if f, err = w.fact(definition); err == nil {
			return f, nil
		}
	}
	return Fact{}, fmt.Errorf("fact %s: %w: %w", key, err, fault.Invalid)
}

func readWritten(text []byte) (*written, error) {
	text = bytes.TrimSpace(text)
	var w written
	switch {
	case bytes.Equal(text, []byte("null")):
		return &w, nil
	case len(text) > 0 && text[0] == '{':
		members, err := object(text)
		if err != nil {
			return nil, err
		}
		for _, m := range members { // else null would pass for absent
			if bytes.Equal(m.value, []byte("null")) {
				return nil, fmt.Errorf("%s is null: leave it out", clip(m.key))
			}
		}
		return &w, decode(text, &w)
	case json.Valid(text):
		w.Value = text
		return &w, nil
	}
	return nil, errors.New("not JSON")
}

// fact makes a fact of what is written.
func (w *written) fact(d *Definition) (Fact, error) {
	f := Fact{By: w.By, Reason: w.Reason, Source: w.Source}
	if len(f.By) > maxText || len(f.Reason) > maxText || len(f.Source) > maxText {
		return f, fmt.Errorf("by, reason and source have up to %d bytes", maxText)
	}
	if w.Noted != nil {
		f.Noted = *w.Noted
	}
	if !w.says() {
		return w.silent(f)
	}
	if err := w.fits(d); err != nil {
		return f, err
	}
	if err := w.read(d, &f); err != nil {
		return f, err
	}
	if f.State == Known && d.Type == Judgement && (f.By == "" || f.Reason == "") {
		return f, errors.New("a judgement needs by (who judged) and reason")
	}
	if w.State != nil && *w.State != f.State.String() {
		return f, fmt.Errorf("state is %q, but what is given is %s: an estimate has a range", *w.State, f.State)
	}
	return f, nil
}

// says reports whether anything of a value is given.
func (w *written) says() bool {
	return w.Value != nil || w.Min != nil || w.Max != nil || w.OneOf != nil || w.AtLeast != nil || w.AtMost != nil ||
		w.Since != nil || w.SinceLatest != nil || w.Until != nil || w.Currency != ""
}

// silent is of a fact without any value.
func (w *written) silent(f Fact) (Fact, error) {
	if w.State == nil {
		return f, nil
	}
	switch *w.State {
	case "unknown":
	case "not_applicable":
		f.State = NotApplicable
	default:
		return f, fmt.Errorf("state %q without a value: only unknown and not_applicable have none", *w.State)
	}
	return f, nil
}

// fits refuses members that the type does not have, and combinations that say
// two things.
func (w *written) fits(d *Definition) error {
	worded := w.OneOf != nil || w.AtLeast != nil || w.AtMost != nil
	ranged := w.Min != nil || w.Max != nil
	grown := w.Since != nil || w.SinceLatest != nil || w.Until != nil
	switch {
	case worded && d.Type != Set && d.Type != Codes && d.Type != Enum:
		return fmt.Errorf("one_of, at_least and at_most are not of a %s", d.Type)
	case w.OneOf != nil && d.Type != Enum || (w.AtLeast != nil || w.AtMost != nil) && d.Type == Enum:
		return errors.New("an enum is estimated by one_of, a list by at_least and at_most")
	case ranged && d.Type != Number && d.Type != Money && d.Type != Time:
		return fmt.Errorf("min and max are not of a %s", d.Type)
	case grown && !d.Grows:
		return errors.New("it does not grow: since and until are not of it")
	case grown && w.Since == nil:
		return errors.New("since is missing")
	case (w.Currency != "") != (d.Type == Money):
		return errors.New("money has a currency, as EUR, and nothing else has")
	case count(w.Value != nil, worded, ranged, grown) != 1:
		return errors.New("give one of: a value, an estimate, since when it grows")
	}
	return nil
}

func count(all ...bool) int {
	n := 0
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}

func (w *written) read(d *Definition, f *Fact) error {
	f.State = Known
	switch d.Type {
	case Number, Money:
		return w.readNumber(d, f)
	case Bool:
		return decode(w.Value, &f.Bool)
	case Text:
		if err := decode(w.Value, &f.Text); err != nil {
			return err
		}
		if len(f.Text) > maxText {
			return fmt.Errorf("longer than %d bytes", maxText)
		}
		return nil
	case Time:
		return w.readTime(f)
	}
	return w.readWords(d, f)
}

func (w *written) readNumber(d *Definition, f *Fact) error {
	if w.Since != nil {
		return w.readGrowth(f)
	}
	if d.Type == Money {
		if !isCurrency(w.Currency) {
			return fmt.Errorf("currency %q: its three letters, as EUR", w.Currency)
		}
		f.Currency = w.Currency
	}
	low, high := w.Value, w.Value
	if w.Value == nil {
		f.State = Estimated
		low, high = w.Min, w.Max
	}
	f.Max = math.Inf(1)
	if d.Max > 0 {
		f.Max = d.Max
	}
	limit := min(f.Max, maxNumber)
	for _, end := range []struct {
		text json.RawMessage
		into *float64
	}{{low, &f.Min}, {high, &f.Max}} {
		if end.text == nil {
			continue
		}
		if err := decode(end.text, end.into); err != nil {
			return errors.New("a number is wanted")
		}
		if *end.into < 0 || *end.into > limit {
			return fmt.Errorf("%v is not from 0 to %v", *end.into, limit)
		}
	}
	if f.Min > f.Max {
		return errors.New("min is above max")
	}
	return nil
}

func (w *written) readGrowth(f *Fact) error {
	g := &Growth{Since: *w.Since, SinceLatest: *w.Since}
	if w.SinceLatest != nil {
		g.SinceLatest = *w.SinceLatest
		f.State = Estimated
	}
	if w.Until != nil {
		g.Until = *w.Until
	}
	if g.SinceLatest.Before(g.Since) || !g.Until.IsZero() && g.Until.Before(g.SinceLatest) {
		return errors.New("since, since_latest and until are not in this order")
	}
	f.Growth = g
	return nil
}

func (w *written) readTime(f *Fact) error {
	if w.Value != nil {
		err := decode(w.Value, &f.From)
		f.To = f.From
		return err
	}
	f.State = Estimated
	if w.Min == nil || w.Max == nil {
		return errors.New("an estimated time has min and max")
	}
	if err := errors.Join(decode(w.Min, &f.From), decode(w.Max, &f.To)); err != nil {
		return err
	}
	if f.To.Before(f.From) {
		return errors.New("min is after max")
	}
	return nil
}

func (w *written) readWords(d *Definition, f *Fact) error {
	switch {
	case w.Value == nil:
		f.State = Estimated
		f.Words, f.Possible = w.AtLeast, w.AtMost
		if d.Type == Enum {
			f.Possible = w.OneOf
		}
	case d.Type == Set || d.Type == Codes:
		if err := decode(w.Value, &f.Words); err != nil {
			return errors.New("a list of words is wanted")
		}
	default:
		f.Words = []string{""}
		if err := decode(w.Value, &f.Words[0]); err != nil {
			return errors.New("one word is wanted")
		}
	}
	if err := d.checkWords(f.Words); err != nil {
		return err
	}
	if err := d.checkWords(f.Possible); err != nil {
		return err
	}
	if f.Possible == nil {
		return nil
	}
	for _, sure := range f.Words {
		if !slices.Contains(f.Possible, sure) {
			return fmt.Errorf("%q is in at_least and not in at_most", sure)
		}
	}
	if d.Type == Enum && len(f.Possible) == 0 {
		return errors.New("one_of is empty")
	}
	return nil
}

func (d *Definition) checkWords(words []string) error {
	if len(words) > maxWords {
		return fmt.Errorf("more than %d words", maxWords)
	}
	for i, w := range words {
		switch {
		case len(d.Values) > 0 && !slices.Contains(d.Codes(), w):
			return fmt.Errorf("%q is none of its words%s", clip(w), strict.Nearest(w, d.Codes()))
		case len(w) > maxCode || !codeForm.MatchString(w):
			return fmt.Errorf("%q: codes are letters, digits and _ . + -", clip(w))
		case slices.Contains(words[:i], w):
			return fmt.Errorf("%q stands twice", w)
		}
	}
	return nil
}

// isCurrency tells three capital letters (ISO 4217).
func isCurrency(code string) bool {
	return len(code) == 3 && !slices.ContainsFunc([]byte(code), func(b byte) bool { return b < 'A' || b > 'Z' })
}
