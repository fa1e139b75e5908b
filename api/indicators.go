package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
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

func (a *api) removedIndicators(*http.Request) (*RemovedIndicators, error) { return a.Removed(), nil }

func (a *api) listIndicators(*http.Request) ([]knowledge.IndicatorSet, error) {
	sets, err := a.Indicators.List()
	return listed(sets), err
}

// indicatorsSaid is the query that says of indicators what their file does not.
type indicatorsSaid struct {
	Origin     string `query:"origin" doc:"Where the file comes from."`
	Source     string `query:"source" doc:"Who says so."`
	Label      string `query:"label" doc:"What they are of."`
	TLP        string `query:"tlp" doc:"The marking, such as amber."`
	Confidence string `query:"confidence" doc:"0 to 100."`
	HalfLife   string `query:"half_life" doc:"After how long half the confidence is left, such as 720h."`
	Until      string `query:"until" doc:"Until when they are good, RFC 3339."`
	Action     string `query:"action" doc:"What a sighting means."`
	Column     string `query:"column" doc:"Of a table: which column holds them."`
}

// addIndicators installs the body as the set of a name. What the file does not
// say is said by the query: source, label, tlp, confidence, half_life, until,
// action, column.
func (a *api) addIndicators(w http.ResponseWriter, r *http.Request) error {
	name, query := r.PathValue("name"), r.URL.Query()
	if err := checkQuery(query, parameters(reflect.TypeFor[indicatorsSaid]())); err != nil {
		return err
	}
	if err := knowledge.CheckName(name); err != nil {
		return fmt.Errorf("%w: %w", err, fault.Invalid)
	}
	origin, err := originOf(query, time.Now())
	if err != nil {
		return fmt.Errorf("indicators: %w: %w", err, fault.Invalid)
	}
	set := knowledge.IndicatorSet{Name: name, Origin: query.Get("origin"), Source: origin.Source, TLP: query.Get("tlp")}
	set, reading, err := exchange.Install(a.Indicators, set, r.Body, exchange.IndicatorOptions{Origin: origin, Column: query.Get("column")}, time.Now())
	if err != nil {
		return err
	}
	if err := a.Changed(); err != nil {
		return err
	}
	return write(w, r, http.StatusOK, Installed{Set: set, Format: reading.Format, Passed: reading.Passed})
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

func (a *api) removeIndicators(r *http.Request) (nothing, error) {
	if err := a.Indicators.Remove(r.PathValue("name")); err != nil {
		return nothing{}, err
	}
	return nothing{}, a.Changed()
}
