package warning

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/strict"
)

// The form of a draft in YAML, as people write it: docs/alliance.md, section Warn.
type form struct {
	Category  string        `yaml:"category"`
	Colour    string        `yaml:"colour"`
	TLP       string        `yaml:"tlp"`
	PAP       string        `yaml:"pap"`
	Scope     formScope     `yaml:"scope"`
	Effective formTime      `yaml:"effective"`
	Expires   formTime      `yaml:"expires"`
	Exercise  bool          `yaml:"exercise"`
	Texts     []formText    `yaml:"texts"`
	Asked     []formAsked   `yaml:"indicators"`
	Rules     []formRule    `yaml:"rules"`
	Products  []formProduct `yaml:"products"`
	Measures  []formMeasure `yaml:"measures"`
	Ask       formAsk       `yaml:"ask"`
	Links     []string      `yaml:"references"`
}

type formScope struct {
	Kinds   []string `yaml:"kinds"`
	Sectors []string `yaml:"sectors"`
	Regions []string `yaml:"regions"`
	Members []string `yaml:"members"`
}

type formText struct {
	Language string `yaml:"language"`
	Title    string `yaml:"title"`
	Body     string `yaml:"body"`
	Impact   string `yaml:"impact"`
}

// formAsked is one indicator, or several of which the same is said.
type formAsked struct {
	Value         string   `yaml:"value"`
	Values        []string `yaml:"values"`
	Kind          string   `yaml:"kind"`
	Match         string   `yaml:"match"`
	Port          uint16   `yaml:"port"`
	Action        string   `yaml:"action"`
	Label         string   `yaml:"label"`
	Why           string   `yaml:"why"`
	Confidence    uint8    `yaml:"confidence"`
	From          formTime `yaml:"from"`
	Until         formTime `yaml:"until"`
	ConfirmListed string   `yaml:"confirm_listed"`
	ConfirmBlock  string   `yaml:"confirm_block"`
}

type formRule struct {
	ID   string `yaml:"id"`
	Text string `yaml:"text"`
	File string `yaml:"file"`
}

type formProduct struct {
	CPE      string `yaml:"cpe"`
	PURL     string `yaml:"purl"`
	Versions string `yaml:"versions"`
	Note     string `yaml:"note"`
}

type formMeasure struct {
	ID       string   `yaml:"id"`
	Text     string   `yaml:"text"`
	Due      formTime `yaml:"due"`
	Evidence bool     `yaml:"evidence"`
}

type formAsk struct {
	Since       formTime `yaml:"since"`
	TimePercent int      `yaml:"time_percent"`
	HostPercent int      `yaml:"host_percent"`
	By          formTime `yaml:"by"`
}

// formTime is a moment, or how long after the issue.
type formTime string

// read returns one or the other; neither for nothing.
func (t formTime) read() (at time.Time, within Within, err error) {
	text := strings.TrimSpace(string(t))
	if text == "" {
		return at, 0, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, 0, nil
		}
	}
	if err := within.UnmarshalText([]byte(text)); err != nil {
		return at, 0, fmt.Errorf("%.40q: write a moment as 2026-11-29T18:00:00Z, or how long after the issue, as 24h or 7d", text)
	}
	return at, within, nil
}

// moment is read of what cannot be counted from the issue.
func (t formTime) moment() (*time.Time, error) {
	at, within, err := t.read()
	switch {
	case err != nil:
		return nil, err
	case within > 0:
		return nil, fmt.Errorf("%.40q: a moment is wanted, as 2026-11-29T18:00:00Z", t)
	case at.IsZero():
		return nil, nil
	}
	return &at, nil
}

// ReadForm reads a draft from YAML. open reads a file that a rule names, relative to
// the form; nil refuses that. The error is a *strict.Problem, with the line.
func ReadForm(file string, content []byte, open func(name string) ([]byte, error)) (Draft, error) {
	r := reader{open: open}
	var err error
	if r.doc, err = strict.Load(file, content, &r.form); err != nil {
		return Draft{}, err
	}
	d := r.draft()
	return d, r.err
}

type reader struct {
	form form
	doc  *strict.Document
	open func(string) ([]byte, error)
	err  error
}

func (r *reader) wrong(path string, err error) {
	if r.err == nil && err != nil {
		r.err = r.doc.Problem(path, "%s", err)
	}
}

func (r *reader) draft() Draft {
	f := &r.form
	d := Draft{
		Category: f.Category, Colour: alliance.Colour(f.Colour), PAP: f.PAP, Exercise: f.Exercise, Links: f.Links,
		Ask: Ask{TimePercent: f.Ask.TimePercent, HostPercent: f.Ask.HostPercent},
	}
	if d.Colour.Rank() == 0 {
		r.wrong("colour", fmt.Errorf("colour %q: use one of %s", f.Colour, joined(alliance.Colours())))
	}
	var err error
	d.Marking, err = intel.ParseMarking(f.TLP)
	r.wrong("tlp", err)
	r.scope(&d.Scope)
	r.times(&d)
	for _, t := range f.Texts {
		d.Texts = append(d.Texts, alliance.Text(t))
	}
	for k := range f.Asked {
		d.Asked = append(d.Asked, r.asked(fmt.Sprintf("indicators[%d]", k), &f.Asked[k])...)
	}
	for k, rule := range f.Rules {
		d.Rules = append(d.Rules, r.rule(fmt.Sprintf("rules[%d]", k), rule))
	}
	for _, p := range f.Products {
		d.Products = append(d.Products, alliance.Product(p))
	}
	for k, m := range f.Measures {
		at, within, err := m.Due.read()
		r.wrong(fmt.Sprintf("measures[%d].due", k), err)
		d.Measures = append(d.Measures, Measure{ID: m.ID, Text: m.Text, Due: at, Within: within, Evidence: m.Evidence})
	}
	return d
}

func (r *reader) scope(s *alliance.Scope) {
	for _, k := range r.form.Scope.Kinds {
		s.Kinds = append(s.Kinds, alliance.Kind(k))
	}
	s.Sectors, s.Regions = r.form.Scope.Sectors, r.form.Scope.Regions
	for k, text := range r.form.Scope.Members {
		id, err := alliance.ParseNodeID(text)
		r.wrong(fmt.Sprintf("scope.members[%d]", k), err)
		s.Members = append(s.Members, id)
	}
}

func (r *reader) times(d *Draft) {
	effective, err := r.form.Effective.moment()
	r.wrong("effective", err)
	if effective != nil {
		d.Effective = *effective
	}
	d.Expires, d.ExpiresIn, err = r.form.Expires.read()
	r.wrong("expires", err)
	since, err := r.form.Ask.Since.moment()
	r.wrong("ask.since", err)
	if since != nil {
		d.Ask.Since = *since
	}
	d.Ask.By, d.Ask.Within, err = r.form.Ask.By.read()
	r.wrong("ask.by", err)
}

// matches are the words for how an indicator matches.
var matches = []intel.Match{intel.MatchOrdinary, intel.MatchExactly, intel.MatchPrefix, intel.MatchSubstring}

func (r *reader) asked(path string, f *formAsked) []Indicator {
	i := Indicator{Port: f.Port, Label: f.Label, Why: f.Why, Confidence: f.Confidence, ConfirmListed: f.ConfirmListed, ConfirmBlock: f.ConfirmBlock}
	var err error
	i.From, err = f.From.moment()
	r.wrong(path+".from", err)
	i.Until, err = f.Until.moment()
	r.wrong(path+".until", err)
	if f.Action != "" {
		var a intel.Action
		r.wrong(path+".action", a.UnmarshalText([]byte(f.Action)))
		i.Action = &a
	}
	known := false
	for _, m := range matches {
		if m.String() == f.Match {
			i.Match, known = m, true
		}
	}
	if !known {
		r.wrong(path+".match", fmt.Errorf("match %.40q: leave it out, or use exactly, prefix or substring", f.Match))
	}
	values := f.Values
	if f.Value != "" {
		values = append([]string{f.Value}, values...)
	}
	if len(values) == 0 {
		r.wrong(path, errors.New("value is missing"))
	}
	all := make([]Indicator, 0, len(values))
	for _, text := range values {
		o, err := readValue(f.Kind, text, i.Match)
		r.wrong(path, err)
		one := i
		one.Kind, one.Value = o.Kind, o.Value
		if one.Action == nil && blockable(o.Kind) {
			r.wrong(path, fmt.Errorf("%s has no action: say detect, block or do-not-block", o.Value))
		}
		all = append(all, one)
	}
	return all
}

// readValue reads a value of a kind, or one whose kind can be told, also where it
// is written so that nobody opens it: evil[.]example.
func readValue(kind, text string, match intel.Match) (intel.Observable, error) {
	text = strings.TrimSpace(text)
	if kind == "" {
		if o, ok := observable.Guess(text); ok {
			return o, nil
		}
		if p, err := netip.ParsePrefix(text); err == nil {
			return intel.Observable{Kind: intel.IPRange, Value: p.Masked().String()}, nil
		}
		return intel.Observable{}, fmt.Errorf("%.80q: it is not clear what this is: say kind", text)
	}
	var k intel.ObservableKind
	if err := k.UnmarshalText([]byte(kind)); err != nil {
		return intel.Observable{}, err
	}
	if match == intel.MatchSubstring {
		return intel.Observable{Kind: k, Value: text}, nil
	}
	o, err := observable.Parse(k, text)
	if guessed, ok := observable.Guess(text); err != nil && ok && guessed.Kind == k {
		return guessed, nil
	}
	return o, err
}

func (r *reader) rule(path string, f formRule) alliance.Rule {
	rule := alliance.Rule{ID: f.ID, Text: f.Text}
	switch {
	case (f.Text == "") == (f.File == ""):
		r.wrong(path, errors.New("either text or file is wanted"))
	case f.File != "" && r.open == nil:
		r.wrong(path+".file", errors.New("no file can be read here: write the rule into text"))
	case f.File != "":
		text, err := r.open(f.File)
		r.wrong(path+".file", err)
		rule.Text = string(text)
	}
	if rule.ID == "" {
		rule.ID = ruleID(rule.Text)
	}
	return rule
}

// ruleID is the id that a Sigma rule gives itself.
func ruleID(text string) string {
	for line := range strings.Lines(text) {
		if id, ok := strings.CutPrefix(line, "id:"); ok {
			return strings.Trim(strings.TrimSpace(id), `"'`)
		}
	}
	return ""
}
