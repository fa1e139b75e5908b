package exchange

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/exchange/stix"
	"tocsin/intel"
)

// Properties of the extension. The parts are objects as our API has them.
const (
	extensionBulletin  = "bulletin"  // of the report: what no property says
	extensionReason    = "reason"    // of the report: why it was changed
	extensionImpacts   = "impacts"   // of the report: of each text, in their order
	extensionIndicator = "indicator" // of an indicator
	extensionAction    = "action"    // of an indicator: detect, block, do-not-block
	extensionRule      = "rule"      // of an indicator whose pattern is a Sigma rule: its id
	extensionProduct   = "product"   // of a software object
	extensionMeasure   = "measure"   // of a course of action
)

// extensionVersion is that of the definition; extensionMade is when it was made.
const (
	extensionVersion = "1.0.0"
	extensionMade    = "2026-11-29T00:00:00.000Z"
)

// bundle is a bulletin being written.
type bundle struct {
	*Message
	objects []stix.Object
	refs    []string // what the report refers to, in the order of the warning
	author  string   // id of the sender's identity
	marking string   // id of the marking; empty for none
	created time.Time
	err     error
}

// WriteSTIX writes a bulletin as a bundle of STIX 2.1: a report with the sender's
// identity, an indicator for each indicator and rule, software for products,
// courses of action for measures, language content for further languages, and the
// markings of TLP 2.0. The ids are the same whenever the same warning is written,
// so that a later revision is a later version of the same objects. The report of
// one that is over is revoked. The error is fault.Invalid for what STIX cannot say.
func WriteSTIX(m *Message) ([]byte, error) {
	m, err := m.over()
	if err != nil {
		return nil, err
	}
	b := &bundle{Message: m, created: m.At}
	if m.Content != nil && m.Content.Issued.Before(m.At) {
		b.created = m.Content.Issued
	}
	b.identity()
	b.definitions()
	report := b.report()
	if m.Content != nil {
		b.parts(m.Content)
		b.languages(report, m.Content.Texts)
	}
	report.SetTexts("object_refs", append(b.refs, b.author))
	d := stix.NewBundle(append([]stix.Object{report}, b.objects...)...)
	d.Bundle["id"] = stix.ID("bundle", "tocsin bundle", m.Warning+"/"+strconv.Itoa(m.Revision)+"/"+string(m.Change))
	if b.err != nil {
		return nil, b.err
	}
	return stix.Write(d)
}

// identity adds the sender.
func (b *bundle) identity() {
	o := stix.New("identity", b.created)
	o["id"] = stix.ID("identity", "tocsin sender", b.sender())
	o["name"], o["identity_class"] = b.senderName(), "organization"
	o["description"] = "Node " + b.sender()
	b.author = o.ID()
	b.objects = append(b.objects, o)
}

// definitions adds the marking, and what the extension is.
func (b *bundle) definitions() {
	if b.Content != nil {
		if marking := stix.TLP(b.Content.Marking); marking != nil {
			b.marking = marking.ID()
			b.objects = append(b.objects, marking)
		}
	}
	b.objects = append(b.objects, stix.Object{
		"type": "extension-definition", "spec_version": "2.1", "id": stix.Extension, "created": extensionMade, "modified": extensionMade, "created_by_ref": b.author,
		"name": "Warnings of an alliance", "description": "What is asked of the recipients of a warning: the action intended for an indicator, and the parts that STIX has no property for.",
		"schema": "https://tocsin.invalid/docs/exchange.md", "version": extensionVersion, "extension_types": []any{"property-extension"},
	})
}

// object begins an object that belongs to the warning. name tells it from the
// others of its type.
func (b *bundle) object(kind, name string) stix.Object {
	o := stix.New(kind, b.created)
	o["id"] = stix.ID(kind, "tocsin warning", b.Warning+"/"+name)
	o["modified"] = stix.Moment(b.At)
	if b.created.After(b.At) {
		o["created"] = o["modified"]
	}
	o["created_by_ref"] = b.author
	if b.marking != "" {
		o.SetTexts("object_marking_refs", []string{b.marking})
	}
	return o
}

// extend adds what the extension says.
func (b *bundle) extend(o stix.Object, properties map[string]any) {
	extension := map[string]any{"extension_type": "property-extension"}
	for name, value := range properties {
		extension[name] = b.plain(value)
	}
	o["extensions"] = map[string]any{stix.Extension: extension}
}

// plain turns a part into what JSON has.
func (b *bundle) plain(part any) any {
	text, err := json.Marshal(part)
	b.err = errors.Join(b.err, err)
	var value any
	if err == nil {
		b.err = errors.Join(b.err, json.Unmarshal(text, &value))
	}
	return value
}

func (b *bundle) report() stix.Object {
	o := b.object("report", "")
	o["published"] = o["created"]
	o.SetTexts("report_types", []string{"threat-report"})
	properties := map[string]any{}
	envelope, err := b.envelope()
	b.err = errors.Join(b.err, err)
	properties[extensionBulletin] = json.RawMessage(envelope)
	if b.Reason != "" {
		properties[extensionReason] = b.Reason
	}
	o["name"] = "Warning " + b.Number
	if b.Content == nil {
		o["revoked"] = true
	}
	if w := b.Content; w != nil {
		b.reportText(o, properties)
		o.SetTexts("labels", labels(w))
		o["external_references"] = references(w, b.sender())
	}
	b.extend(o, properties)
	return o
}

// reportText writes the first text; the others are language content.
func (b *bundle) reportText(o stix.Object, properties map[string]any) {
	list := b.Content.Texts
	if len(list) == 0 {
		return
	}
	o["name"], o["description"], o["lang"] = list[0].Title, list[0].Body, list[0].Language
	impacts := make([]string, len(list))
	for i, text := range list {
		impacts[i] = text.Impact
	}
	properties[extensionImpacts] = impacts
}

// labels are for those who do not know the extension.
func labels(w *alliance.Warning) []string {
	var list []string
	if w.Colour != "" {
		list = append(list, "colour:"+string(w.Colour))
	}
	if w.PAP != "" {
		list = append(list, "PAP:"+strings.ToUpper(w.PAP))
	}
	if w.Exercise {
		list = append(list, "exercise")
	}
	return list
}

func references(w *alliance.Warning, sender string) []any {
	list := []any{map[string]any{"source_name": sender, "external_id": w.Number}}
	for _, reference := range w.References {
		list = append(list, map[string]any{"source_name": sender, "description": reference})
	}
	return list
}

// languages adds a language content for each further text.
func (b *bundle) languages(report stix.Object, list []alliance.Text) {
	for n, text := range list {
		if n == 0 {
			continue
		}
		o := b.object("language-content", "text "+strconv.Itoa(n))
		o["object_ref"], o["object_modified"] = report.ID(), report["modified"]
		o["contents"] = map[string]any{text.Language: map[string]any{"name": text.Title, "description": text.Body}}
		b.objects = append(b.objects, o)
		b.refs = append(b.refs, o.ID())
	}
}

func (b *bundle) add(o stix.Object) {
	b.objects = append(b.objects, o)
	b.refs = append(b.refs, o.ID())
}

func (b *bundle) parts(w *alliance.Warning) {
	for n := range w.Indicators {
		b.add(b.indicator(w, n))
	}
	for n := range w.Rules {
		b.add(b.rule(w, n))
	}
	for n := range w.Products {
		b.add(b.product(w, n))
	}
	for n := range w.Measures {
		o := b.object("course-of-action", "measure "+w.Measures[n].ID+" "+strconv.Itoa(n))
		o["name"] = "Measure " + w.Measures[n].ID
		o["description"] = w.Measures[n].Text + "\nBy " + w.Measures[n].Due.UTC().Format(time.RFC3339)
		b.extend(o, map[string]any{extensionMeasure: &w.Measures[n]})
		b.add(o)
	}
}

func (b *bundle) indicator(w *alliance.Warning, n int) stix.Object {
	in := &w.Indicators[n]
	o := b.object("indicator", "indicator "+strconv.Itoa(n)+" "+in.Kind.String()+" "+in.Value)
	o["name"] = cmp.Or(in.Label, in.Kind.String()+" "+in.Value)
	o["description"] = strings.TrimSpace(in.Action.String() + ". " + in.Why)
	o["pattern"], o["pattern_type"], o["pattern_version"] = pattern(in), "stix", "2.1"
	// What must not be blocked is told in the standard's own words too, for
	// those who do not know the extension.
	kind := "malicious-activity"
	if in.Action == intel.DoNotBlock {
		kind = "benign"
	}
	o.SetTexts("indicator_types", []string{kind})
	b.valid(o, w, in.From, in.Until)
	if in.Confidence != 0 {
		o["confidence"] = float64(min(in.Confidence, 100))
	}
	b.extend(o, map[string]any{extensionAction: in.Action, extensionIndicator: in})
	return o
}

func pattern(in *alliance.Indicator) string {
	return stix.Pattern(intel.Observable{Kind: in.Kind, Value: in.Value}, in.Port)
}

// valid says how long an indicator holds. STIX wants a beginning, and an end that
// is later to the millisecond.
func (b *bundle) valid(o stix.Object, w *alliance.Warning, from, until *time.Time) {
	start := w.Effective
	if from != nil {
		start = *from
	} else if until != nil && !until.After(start) {
		start = until.Add(-time.Second)
	}
	o["valid_from"] = stix.Moment(start)
	if until != nil && until.Truncate(time.Millisecond).After(start.Truncate(time.Millisecond)) {
		o["valid_until"] = stix.Moment(*until)
	}
}

func (b *bundle) rule(w *alliance.Warning, n int) stix.Object {
	o := b.object("indicator", "rule "+strconv.Itoa(n)+" "+w.Rules[n].ID)
	o["name"], o["description"] = "Sigma rule "+w.Rules[n].ID, "To be hunted with and watched for."
	o["pattern"], o["pattern_type"] = w.Rules[n].Text, "sigma"
	b.valid(o, w, nil, w.Expires)
	b.extend(o, map[string]any{extensionRule: w.Rules[n].ID})
	return o
}

// cpeForm is what STIX takes for a CPE name; one with other characters stays in
// the extension.
var cpeForm = regexp.MustCompile(`^cpe:2\.3:[aho](:[a-zA-Z0-9_.*-]+){10}$`)

func (b *bundle) product(w *alliance.Warning, n int) stix.Object {
	p := &w.Products[n]
	o := stix.Object{
		"type": "software", "spec_version": "2.1", "id": stix.NamedID("software", fmt.Sprintf("%s/product %d %s %s", b.Warning, n, p.CPE, p.PURL)),
		"name": cmp.Or(p.PURL, p.CPE, p.Note, "product"),
	}
	if cpeForm.MatchString(p.CPE) {
		parts := strings.Split(p.CPE, ":")
		o["cpe"], o["vendor"], o["name"] = p.CPE, parts[3], parts[4]
	}
	o.SetText("version", p.Versions)
	if b.marking != "" {
		o.SetTexts("object_marking_refs", []string{b.marking})
	}
	b.extend(o, map[string]any{extensionProduct: p})
	return o
}
