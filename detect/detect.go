package detect

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/detect/indicator"
	"tocsin/detect/sigma"
	"tocsin/detect/sigma/correlate"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
	"tocsin/telemetry"
)

// Detector holds rules and correlations made ready. It does not change and is
// safe for concurrent use.
type Detector struct {
	names        *intel.Names
	engine       *engine.Engine
	correlations []*sigma.Correlation
	correlator   *correlate.Correlator // asked for what correlations need, never told of a match
	problems     []*sigma.Problem
	shown        fieldNames
	indicators   *indicator.Live // nil when none are matched
	freeText     bool            // indicators are looked for in free text too
}

// New compiles rules and correlations for records named by names. It fails for
// rules with placeholders, naming them.
func New(rules []*sigma.Rule, correlations []*sigma.Correlation, names *intel.Names) (*Detector, error) {
	compiled, err := engine.Compile(rules, names)
	if err != nil {
		return nil, fmt.Errorf("compile %d rules: %w", len(rules), err)
	}
	d := &Detector{names: names, engine: compiled, correlations: correlations, shown: newFieldNames(names)}
	d.correlator, d.problems = correlate.New(correlations, rules, correlate.Limits{})
	return d, nil
}

// Problems says which correlations are left out, and why: a rule they build on
// is missing.
func (d *Detector) Problems() []*sigma.Problem { return d.problems }

// Engine returns the compiled rules, for who asks more of them than an
// Inspector does: which of an archive's events they can match at all.
func (d *Detector) Engine() *engine.Engine { return d.engine }

// fieldNames are the fields that a finding shows apart.
type fieldNames struct{ channel, provider, eventID intel.Name }

func newFieldNames(names *intel.Names) fieldNames {
	return fieldNames{names.Intern("Channel"), names.Intern("Provider_Name"), names.Intern("EventID")}
}

// Inspector asks the rules of events. It belongs to one goroutine.
type Inspector struct {
	// Brief leaves Finding.Event empty: copying events whole is a good part of
	// what findings cost, and few want them.
	Brief bool

	*Detector
	evaluators *evaluators
	matching   matcher
	seeker     *seeker // nil when no indicators are matched
	known      texts
}

// matcher finds which rules match a record: all together, or one by one.
type matcher interface {
	Inspect(class *intel.Class, rec *intel.Record) []int32
}

// NewInspector returns an inspector; a naive one asks each rule by itself.
func (d *Detector) NewInspector(naive bool) *Inspector {
	i := &Inspector{Detector: d, evaluators: newEvaluators(d.names), known: texts{}}
	if naive {
		i.matching = &oneByOne{evaluators: i.evaluators, rules: d.engine.Rules(), byClass: map[*intel.Class][]candidate{}}
	} else {
		i.matching = engine.NewInspector(d.engine)
	}
	if d.indicators != nil {
		i.seeker = i.newSeeker()
	}
	return i
}

// Inspect appends a finding for every rule that the event matches, and for every
// indicator that it holds.
func (i *Inspector) Inspect(e *telemetry.Event, to []*Finding) []*Finding {
	var event []Value // shared by the event's findings
	for _, n := range i.matching.Inspect(e.Class, &e.Record) {
		rule := i.engine.Rules()[n]
		f := i.finding(rule, e)
		if !i.Brief && !i.correlator.Silent(rule) {
			if event == nil {
				event = i.values(&e.Record)
			}
			f.Event = event
		}
		to = append(to, f)
	}
	if i.seeker != nil {
		to = i.seeker.inspect(e, to)
	}
	return to
}

// finding copies what is worth keeping of an event, without all its fields.
func (i *Inspector) finding(rule *sigma.Rule, e *telemetry.Event) *Finding {
	f := i.newFinding(e)
	f.Rule = rule
	if i.correlator.Builds(rule) {
		f.hit = i.hit(f, e)
		if i.correlator.Silent(rule) {
			return f // it is not told itself, so its event need not be copied
		}
	}
	f.Fields = i.matched(rule, e)
	i.show(f, e)
	return f
}

// newFinding says of an event where and when it was.
func (i *Inspector) newFinding(e *telemetry.Event) *Finding {
	return &Finding{
		Count: 1,
		Time:  e.Time, Source: e.Source.Name, Record: e.Number, Offset: e.Offset, Host: i.known.text(e.Host),
		LogSource: intel.LogSource{Product: e.Class.Product, Service: e.Class.Service, Category: first(e.Class.Categories)},
	}
}

// show sets the fields of an event that a finding shows apart.
func (i *Inspector) show(f *Finding, e *telemetry.Event) {
	for at := range e.Fields {
		switch field := &e.Fields[at]; field.Name {
		case i.shown.channel:
			f.Channel = i.known.text(field.Value)
		case i.shown.provider:
			f.Provider = i.known.text(field.Value)
		case i.shown.eventID:
			f.EventID = i.known.text(field.Value)
		}
	}
}

// texts are texts that stand in many findings, each kept once.
type texts map[string]string

// Bounds of what is kept: hosts, channels and providers are no more and no
// longer, and hostile ones shall not fill the memory.
const (
	maxTexts    = 4096
	longestText = 128
)

func (t texts) text(b []byte) string {
	if known, ok := t[string(b)]; ok {
		return known
	}
	text := string(b)
	if len(text) <= longestText {
		if len(t) >= maxTexts {
			clear(t)
		}
		t[text] = text
	}
	return text
}

// hit keeps what correlations need of a match.
func (i *Inspector) hit(f *Finding, e *telemetry.Event) *hit {
	h := &hit{rule: f.Rule, time: f.Time, source: f.Source, record: f.Record, offset: f.Offset, host: f.Host, logSource: f.LogSource}
	for _, field := range i.correlator.Needs(f.Rule) {
		if value, ok := i.value(e, field); ok {
			h.values = append(h.values, Value{Name: field, Value: value})
		}
	}
	return h
}

// value returns a rule's field of an event.
func (i *Inspector) value(e *telemetry.Event, field string) (string, bool) {
	for _, text := range e.Class.FieldNames(field) {
		if f, ok := e.First(i.names.Intern(text)); ok {
			return string(f.Value), f.Kind != intel.Null
		}
	}
	return "", false
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// matched lists the values that made the rule match, named as the rule names
// them (a keyword's by the field it was found in), and then those that the rule
// says are worth showing.
func (i *Inspector) matched(rule *sigma.Rule, e *telemetry.Event) []Value {
	var values []Value
	for _, v := range i.evaluators.of(rule, e.Class).Matched(&e.Record) {
		name := v.Field
		if name == "" {
			name = i.names.Text(v.Name)
		}
		values = append(values, Value{Name: name, Value: string(v.Value)})
	}
	for _, field := range rule.Fields {
		if slices.ContainsFunc(values, func(v Value) bool { return v.Name == field }) {
			continue
		}
		if value, ok := i.value(e, field); ok {
			values = append(values, Value{Name: field, Value: value})
		}
	}
	return values
}

// values copies a record's fields, all their texts in one piece of memory.
func (d *Detector) values(rec *intel.Record) []Value {
	size := 0
	for _, field := range rec.Fields {
		size += len(field.Value)
	}
	var joined strings.Builder
	joined.Grow(size)
	for _, field := range rec.Fields {
		joined.Write(field.Value)
	}
	text := joined.String()
	values := make([]Value, len(rec.Fields))
	at := 0
	for i, field := range rec.Fields {
		end := at + len(field.Value)
		values[i] = Value{Name: d.names.Text(field.Name), Value: text[at:end]}
		at = end
	}
	return values
}
