package detect

import (
	"bytes"

	"tocsin/detect/indicator"
	"tocsin/intel"
	"tocsin/telemetry"
)

// WithIndicators returns a detector that also matches the indicators in force
// in live, which may be replaced while it works; with freeText also in text
// whose parts are not known.
func (d *Detector) WithIndicators(live *indicator.Live, freeText bool) *Detector {
	with := *d
	with.indicators, with.freeText = live, freeText
	return &with
}

// seeker matches indicators for one inspector.
type seeker struct {
	*indicator.Matcher
	found func(*indicator.Hit) // made once: a method value allocates
	event *telemetry.Event     // the one at hand, and its findings
	to    []*Finding
}

func (i *Inspector) newSeeker() *seeker {
	s := &seeker{Matcher: indicator.NewMatcher(i.indicators, i.names, i.freeText)}
	s.found = func(h *indicator.Hit) { s.to = append(s.to, i.indicatorFinding(h, s.event)) }
	return s
}

// inspect appends a finding for every indicator that the event holds.
func (s *seeker) inspect(e *telemetry.Event, to []*Finding) []*Finding {
	s.event, s.to = e, to
	s.Match(&e.Record, e.Time, s.found)
	to = s.to
	s.event, s.to = nil, nil
	return to
}

// indicatorFinding copies what is worth keeping of a hit and its event.
func (i *Inspector) indicatorFinding(h *indicator.Hit, e *telemetry.Event) *Finding {
	f := i.newFinding(e)
	in := h.Indicator()
	f.Indicator = &in
	f.Fields = []Value{{Name: i.holder(h, e), Value: string(h.Value)}}
	i.show(f, e)
	if !i.Brief {
		f.Event = i.values(&e.Record)
	}
	return f
}

// holder names the field in which a value was seen: the first that holds its
// text, else what the value is (a URL is put together from several fields).
func (i *Inspector) holder(h *indicator.Hit, e *telemetry.Event) string {
	for at := range e.Fields {
		if len(e.Fields[at].Value) >= len(h.Value) && bytes.Contains(bytes.ToLower(e.Fields[at].Value), bytes.ToLower(h.Value)) {
			if name := i.names.Text(e.Fields[at].Name); name != "" {
				return name
			}
		}
	}
	return h.Kind.String()
}

// indicatorMeta returns what a finding says of its indicator, as rules say it of
// themselves.
func indicatorMeta(f *Finding) Meta {
	in := f.Indicator
	m := Meta{ID: in.ID, Title: "Indicator: " + in.String(), Author: in.Source, Level: in.LevelAt(f.Time)}
	switch {
	case in.Source != "" && in.Label != "":
		m.Title += " (" + in.Source + ", " + in.Label + ")"
	case in.Source+in.Label != "":
		m.Title += " (" + in.Source + in.Label + ")"
	}
	if in.Marking != intel.Unmarked {
		m.Tags = append(m.Tags, "tlp."+in.Marking.String())
	}
	return m
}
