package fact

import (
	"encoding/json"
	"math"
	"time"
)

// Write writes a fact as Read reads it.
func (d *Definition) Write(f Fact) ([]byte, error) {
	w := written{By: f.By, Reason: f.Reason, Source: f.Source, Noted: moment(f.Noted)}
	state := f.State.String()
	if f.State != Known {
		w.State = &state
	}
	if f.State == Known || f.State == Estimated {
		d.write(f, &w)
	}
	return json.Marshal(w)
}

func (d *Definition) write(f Fact, w *written) {
	known := f.State == Known
	switch d.Type {
	case Number, Money:
		w.Currency = f.Currency
		switch {
		case f.Growth != nil:
			w.Since, w.Until = moment(f.Growth.Since), moment(f.Growth.Until)
			if !known {
				w.SinceLatest = moment(f.Growth.SinceLatest)
			}
		case known:
			w.Value = raw(f.Min)
		default:
			w.Min = raw(f.Min)
			if !math.IsInf(f.Max, 1) {
				w.Max = raw(f.Max)
			}
		}
	case Bool:
		w.Value = raw(f.Bool)
	case Text:
		w.Value = raw(f.Text)
	case Time:
		if known {
			w.Value = raw(f.From)
		} else {
			w.Min, w.Max = raw(f.From), raw(f.To)
		}
	case Enum, Judgement:
		if known {
			w.Value = raw(f.Words[0])
		} else {
			w.OneOf = f.Possible
		}
	case Set, Codes:
		if known {
			w.Value = raw(append([]string{}, f.Words...))
		} else {
			w.AtLeast, w.AtMost = f.Words, f.Possible
		}
	}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// raw is a value as JSON; those of facts always can be.
func raw(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a number that is not finite: reading lets none in
	}
	return text
}
