package exchange

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tocsin/alliance"
	"tocsin/exchange/stix"
	"tocsin/intel"
	"tocsin/internal/fault"
)

// ReadSTIX reads a warning from a bundle: of the first report or grouping in it. Of
// another program's bundle, the report's texts, the indicators with simple patterns,
// Sigma rules, software, vulnerabilities and courses of action become parts of the
// warning. The error is fault.Invalid; what cannot be used is told in Passed.
func ReadSTIX(text []byte) (*Message, error) {
	d, err := stix.Parse(text)
	if err != nil {
		return nil, err
	}
	r := &bundleReader{Message: &Message{}, document: d, objects: make(map[string]int, len(d.Objects))}
	for i, o := range d.Objects {
		r.objects[o.ID()] = i
		if r.report == nil && (o.Type() == "report" || o.Type() == "grouping") {
			r.report = o
		}
	}
	if r.report == nil {
		return nil, fmt.Errorf("read STIX: no report and no grouping in the bundle: %w", fault.Invalid)
	}
	for _, f := range d.Faults() {
		if f.Level == stix.Must {
			r.pass("STIX: "+f.Reason, f.Path)
		}
	}
	r.sender()
	r.bulletin()
	if r.Content != nil {
		r.warning()
	}
	return r.Message, nil
}

// bundleReader is a bundle being read.
type bundleReader struct {
	*Message
	document *stix.Document
	objects  map[string]int // by id
	report   stix.Object
}

func (r *bundleReader) object(id string) stix.Object {
	if i, ok := r.objects[id]; ok {
		return r.document.Objects[i]
	}
	return nil
}

// sender reads who made the report.
func (r *bundleReader) sender() {
	if identity := r.object(r.report.Text("created_by_ref")); identity != nil {
		r.SenderName = identity.Text("name")
	}
}

// extension reads one property of our extension into a value.
func extension(o stix.Object, name string, into any) bool {
	value, ok := o.Extension(stix.Extension)[name]
	if !ok {
		return false
	}
	text, err := json.Marshal(value)
	return err == nil && json.Unmarshal(text, into) == nil
}

// bulletin takes what we wrote, if the report is still the version that we wrote;
// else what the report says.
func (r *bundleReader) bulletin() {
	created, modified := r.report.Time("created"), r.report.Time("modified")
	revoked := r.report["revoked"] == true
	var b alliance.Bulletin
	if extension(r.report, extensionBulletin, &b) {
		if stix.Moment(b.At) == r.report.Text("modified") && (b.Content == nil) == revoked && b.Change.Ends() == revoked {
			extension(r.report, extensionReason, &b.Reason)
			r.Bulletin = b
			return
		}
		r.pass("a bulletin that belongs to another version", "report")
	}
	r.Bulletin = alliance.Bulletin{Change: alliance.IssuedChange, Number: r.report.ID(), Revision: 1, At: modified}
	switch {
	case revoked:
		r.Change = alliance.LiftedChange
		return
	case modified.After(created):
		r.Change = alliance.AmendedChange
	}
	published := r.report.Time("published")
	if published.IsZero() {
		published = created
	}
	r.Content = &alliance.Warning{Number: r.Number, Revision: 1, Issued: published, Effective: published}
	for _, item := range items(r.report["external_references"]) {
		reference, _ := item.(map[string]any)
		if url := stix.Object(reference).Text("url"); url != "" {
			r.Content.References = append(r.Content.References, url)
		}
	}
}

func items(value any) []any {
	l, _ := value.([]any)
	return l
}

func (r *bundleReader) warning() {
	r.Content.Marking = r.marking()
	r.texts()
	for _, id := range r.report.Texts("object_refs") {
		if o := r.object(id); o != nil {
			r.part(o)
		}
	}
}

// marking is the strictest of TLP on the report. A definition of TLP that nobody
// knows is TLP:RED: better too few than too many.
func (r *bundleReader) marking() intel.Marking {
	m := r.report.Marking()
	for _, id := range r.report.Texts("object_marking_refs") {
		o := r.object(id)
		if stix.MarkingOf(id) != intel.Unmarked || o == nil || !strings.HasPrefix(strings.ToUpper(o.Text("name")), "TLP:") {
			continue
		}
		own, err := intel.ParseMarking(o.Text("name"))
		if err != nil {
			r.pass("a TLP label that nobody defined: it counts as TLP:RED", id)
			own = intel.TLPRed
		}
		m = max(m, own)
	}
	return m
}

// texts reads the report's own and those in other languages.
func (r *bundleReader) texts() {
	w := r.Content
	var impacts []string
	ours := extension(r.report, extensionImpacts, &impacts)
	if len(r.report.Extension(stix.Extension)) > 0 && !ours {
		return // a warning without a text
	}
	language := r.report.Text("lang")
	if language == "" && !ours {
		language = "en" // what STIX counts as the default (§3.2, lang)
	}
	w.Texts = []alliance.Text{{Language: language, Title: r.report.Text("name"), Body: r.report.Text("description")}}
	for _, o := range r.document.Objects {
		if o.Type() != "language-content" || o.Text("object_ref") != r.report.ID() {
			continue
		}
		contents := o.Inner("contents")
		for _, language := range sorted(contents) {
			said := contents.Inner(language)
			w.Texts = append(w.Texts, alliance.Text{Language: language, Title: said.Text("name"), Body: said.Text("description")})
		}
	}
	for i := range min(len(impacts), len(w.Texts)) {
		w.Texts[i].Impact = impacts[i]
	}
}

func sorted(o stix.Object) []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// part reads an object that the report refers to.
func (r *bundleReader) part(o stix.Object) {
	w := r.Content
	switch o.Type() {
	case "indicator":
		r.indicator(o)
	case "software":
		product := alliance.Product{CPE: o.Text("cpe"), Versions: o.Text("version")}
		if !extension(o, extensionProduct, &product) && product.CPE == "" {
			product.Note = strings.TrimSpace(o.Text("vendor") + " " + o.Text("name"))
		}
		w.Products = append(w.Products, product)
	case "vulnerability":
		r.vulnerability(o)
	case "course-of-action":
		measure := alliance.Measure{ID: o.ID(), Text: strings.TrimSpace(o.Text("name") + "\n" + o.Text("description")), Due: r.At}
		if !extension(o, extensionMeasure, &measure) {
			// Nobody set a deadline: it is advice, and belongs to the text.
			if len(w.Texts) > 0 {
				w.Texts[0].Body = strings.TrimSpace(w.Texts[0].Body + "\n\n" + measure.Text)
			}
			return
		}
		w.Measures = append(w.Measures, measure)
	}
}

func (r *bundleReader) vulnerability(o stix.Object) {
	r.take(alliance.Indicator{Kind: intel.CVE, Value: o.Text("name"), Label: o.Text("description")}, o.ID())
}

func (r *bundleReader) indicator(o stix.Object) {
	w := r.Content
	if o["revoked"] == true {
		return
	}
	if o.Text("pattern_type") == "sigma" {
		rule := alliance.Rule{ID: o.ID(), Text: o.Text("pattern")}
		extension(o, extensionRule, &rule.ID)
		w.Rules = append(w.Rules, rule)
		return
	}
	var in alliance.Indicator
	if extension(o, extensionIndicator, &in) && pattern(&in) == o.Text("pattern") {
		r.take(in, o.ID())
		return
	}
	r.foreign(o)
}

// foreign reads an indicator that another program wrote.
func (r *bundleReader) foreign(o stix.Object) {
	text, err := o.JSON()
	if err != nil {
		r.pass(err.Error(), o.ID())
		return
	}
	found := func(in *intel.Indicator) {
		a := asked(*in)
		a.Why = o.Text("description")
		r.take(a, o.ID())
	}
	pass := func(_, reason string) { r.pass(reason, o.ID()) }
	if err := stix.Indicators(strings.NewReader(string(text)), intel.Origin{}, found, pass); err != nil {
		r.pass(err.Error(), o.ID())
	}
}
