package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tocsin/exchange"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/knowledge"
)

// indicatorBytes bounds a file of indicators: ten million take some 400 MB.
const indicatorBytes = 1 << 30

// Installed is what became of a file of indicators.
type Installed struct {
	Set    knowledge.IndicatorSet `json:"set"`
	Format exchange.Format        `json:"format"`
	Passed []exchange.Passed      `json:"passed,omitempty"`
}

// RemovedIndicators is what is installed and not matched.
type RemovedIndicators struct {
	Count int `json:"count"`
	// Removed are some of them where they are many.
	Removed []RemovedIndicator `json:"removed"`
}

// RemovedIndicator is an indicator that is not matched.
type RemovedIndicator struct {
	Kind   string `json:"kind"`
	Value  string `json:"value"`
	Source string `json:"source"`
	Family string `json:"family,omitempty"`
	// Reason is why: the name of a warninglist that it is on where Warninglist is
	// set, else words.
	Reason      string `json:"reason"`
	Warninglist bool   `json:"warninglist,omitempty"`
}

func (a *api) removedIndicators(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, a.Removed())
}

func (a *api) listIndicators(w http.ResponseWriter, _ *http.Request) error {
	sets, err := a.Indicators.List()
	if err != nil {
		return err
	}
	if sets == nil {
		sets = []knowledge.IndicatorSet{}
	}
	return answer(w, sets)
}

// addIndicators installs the body as the set of a name. What the file does not
// say is said by the query: source, label, tlp, confidence, half_life, until,
// action, column.
func (a *api) addIndicators(w http.ResponseWriter, r *http.Request) error {
	name, query := r.PathValue("name"), r.URL.Query()
	if err := knowledge.CheckName(name); err != nil {
		return fmt.Errorf("%w: %w", err, fault.Invalid)
	}
	origin, err := originOf(query, time.Now())
	if err != nil {
		return fmt.Errorf("indicators: %w: %w", err, fault.Invalid)
	}
	set := knowledge.IndicatorSet{Name: name, Origin: query.Get("origin"), Source: origin.Source, TLP: query.Get("tlp")}
	body := http.MaxBytesReader(w, r.Body, indicatorBytes)
	set, reading, err := exchange.Install(a.Indicators, set, body, exchange.IndicatorOptions{Origin: origin, Column: query.Get("column")}, time.Now())
	if err != nil {
		return err
	}
	if err := a.Changed(); err != nil {
		return err
	}
	return answer(w, Installed{Set: set, Format: reading.Format, Passed: reading.Passed})
}

// originOf reads what is said of indicators where their file says nothing.
func originOf(query url.Values, now time.Time) (o intel.Origin, err error) {
	o = intel.Origin{Source: query.Get("source"), Label: query.Get("label")}
	read := func(key string, set func(text string) error) {
		if text := query.Get(key); text != "" {
			if failed := set(text); failed != nil {
				err = errors.Join(err, fmt.Errorf("%s=%q: %w", key, text, failed))
			}
		}
	}
	read("tlp", func(text string) error { return o.Marking.UnmarshalText([]byte(text)) })
	read("action", func(text string) error { return o.Action.UnmarshalText([]byte(text)) })
	read("until", func(text string) (err error) {
		o.Until, err = time.Parse(time.RFC3339, text)
		return err
	})
	read("half_life", func(text string) (err error) {
		o.HalfLife, err = time.ParseDuration(text)
		o.From = now.UTC().Truncate(time.Second) // decay needs a beginning
		return err
	})
	read("confidence", func(text string) error {
		const most = 100
		n, err := strconv.ParseUint(text, 10, 8)
		if err == nil && n > most {
			err = strconv.ErrRange
		}
		o.Confidence = uint8(n)
		return err
	})
	return o, err
}

func (a *api) removeIndicators(w http.ResponseWriter, r *http.Request) error {
	if err := a.Indicators.Remove(r.PathValue("name")); err != nil {
		return err
	}
	if err := a.Changed(); err != nil {
		return err
	}
	return answer(w, struct{}{})
}
