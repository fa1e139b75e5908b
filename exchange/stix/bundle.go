package stix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
)

// object is what is read of an object of any type.
type object struct {
	Type             string    `json:"type"`
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	CreatedBy        string    `json:"created_by_ref"`
	Revoked          bool      `json:"revoked"`
	Confidence       *int      `json:"confidence"`
	Markings         []string  `json:"object_marking_refs"`
	Pattern          string    `json:"pattern"`
	PatternType      string    `json:"pattern_type"`
	IndicatorTypes   []string  `json:"indicator_types"`
	Labels           []string  `json:"labels"` // STIX 2.0's indicator_types
	ValidFrom        time.Time `json:"valid_from"`
	ValidUntil       time.Time `json:"valid_until"`
	RelationshipType string    `json:"relationship_type"`
	Source           string    `json:"source_ref"`
	Target           string    `json:"target_ref"`
	DefinitionType   string    `json:"definition_type"`
	Definition       struct {
		TLP string `json:"tlp"`
	} `json:"definition"`
	Extensions struct {
		Own struct {
			Action *intel.Action `json:"action"`
		} `json:"extension-definition--6f3cb7c1-3b0e-4b52-9d86-5a0f7c2b9e41"` // Extension
	} `json:"extensions"`
}

// Recognise reports whether a document's beginning is that of a bundle or of an
// object of STIX.
func Recognise(head []byte) bool {
	squeezed := bytes.Join(bytes.Fields(head), nil)
	for _, sign := range [...]string{`"type":"bundle"`, `"id":"bundle--`, `"spec_version":"2.`, `"type":"indicator"`} {
		if bytes.Contains(squeezed, []byte(sign)) {
			return true
		}
	}
	return false
}

// placed is an indicator object with where it stands.
type placed struct {
	object
	path string
}

// bundle is what was read.
type bundle struct {
	origin     intel.Origin
	visit      func(*intel.Indicator)
	pass       func(path, reason string)
	indicators []placed
	names      map[string]string // of identities, malware, campaigns, by id
	indicates  map[string]string // by indicator
	markings   map[string]intel.Marking
}

// Indicators reads bundles, a list of objects, or single objects, one after the
// other. It calls visit for each indicator that a simple pattern names, and pass
// with path and reason for each indicator object, or value of one, that is
// passed over. origin is what is said where the objects say nothing. The error
// is fault.Invalid for what is no STIX.
//
// Objects may refer to later ones, so that what indicators say of themselves is
// held until the end.
func Indicators(in io.Reader, origin intel.Origin, visit func(*intel.Indicator), pass func(path, reason string)) error {
	b := &bundle{
		origin: origin, visit: visit, pass: pass,
		names: map[string]string{}, indicates: map[string]string{}, markings: map[string]intel.Marking{},
	}
	decoder := json.NewDecoder(in)
	for n := 0; ; n++ {
		err := b.value(decoder, "")
		if errors.Is(err, io.EOF) && n > 0 {
			break
		}
		if err != nil {
			return fmt.Errorf("STIX, at byte %d: %w: %w", decoder.InputOffset(), err, fault.Invalid)
		}
	}
	for i := range b.indicators {
		b.indicator(&b.indicators[i])
	}
	return nil
}

// value reads a list of objects or an object.
func (b *bundle) value(d *json.Decoder, path string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		return b.list(d, path)
	case json.Delim('{'):
		return b.top(d, path)
	}
	return errors.New("an object is expected")
}

// list reads objects until the closing bracket.
func (b *bundle) list(d *json.Decoder, path string) error {
	for n := 0; d.More(); n++ {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		b.object(raw, path+"["+strconv.Itoa(n)+"]")
	}
	_, err := d.Token()
	return err
}

// top reads an object whose brace was read: a bundle, whose objects are read one
// by one, or an object on its own.
func (b *bundle) top(d *json.Decoder, path string) error {
	const maxFields = 200 // an indicator has about 25
	fields := map[string]json.RawMessage{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if key == "objects" {
			err = b.objects(d)
		} else {
			var raw json.RawMessage
			if err = d.Decode(&raw); err == nil && len(fields) < maxFields {
				fields[key] = raw
			}
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	b.object(raw, path)
	return nil
}

func (b *bundle) objects(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('[') {
		return errors.New("objects: a list is expected")
	}
	return b.list(d, "objects")
}

// object keeps what counts of an object.
func (b *bundle) object(raw json.RawMessage, path string) {
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		b.pass(path, "an object whose properties are not of their types")
		return
	}
	switch o.Type {
	case "indicator":
		b.indicators = append(b.indicators, placed{o, path})
	case "relationship":
		if _, known := b.indicates[o.Source]; o.RelationshipType == "indicates" && !known {
			b.indicates[o.Source] = o.Target
		}
	case "marking-definition":
		if m, err := intel.ParseMarking(o.Definition.TLP); err == nil && o.DefinitionType == "tlp" {
			b.markings[o.ID] = m
		} else if m, err := intel.ParseMarking(o.Name); err == nil && strings.HasPrefix(strings.ToUpper(o.Name), "TLP:") {
			b.markings[o.ID] = m
		}
	default:
		if o.ID != "" && o.Name != "" {
			b.names[o.ID] = clip(o.Name)
		}
	}
}

// indicator reads an indicator object.
func (b *bundle) indicator(o *placed) {
	switch {
	case o.Revoked:
		b.pass(o.path, "revoked")
		return
	case o.PatternType != "" && o.PatternType != "stix":
		b.pass(o.path, "a pattern that is not in STIX' own language")
		return
	}
	found, err := comparisons(o.Pattern)
	if err != nil {
		b.pass(o.path, err.Error())
		return
	}
	origin := b.said(&o.object)
	for n := range found {
		in, err := found[n].indicator()
		if err != nil {
			b.pass(o.path, err.Error())
			continue
		}
		in.ID, in.Origin = clip(o.ID), origin
		b.visit(&in)
	}
}

// said is what an indicator object says, and those that it refers to.
func (b *bundle) said(o *object) intel.Origin {
	said := b.origin
	if name := b.names[o.CreatedBy]; name != "" {
		said.Source = name
	}
	switch name := b.names[b.indicates[o.ID]]; {
	case name != "":
		said.Label = name
	case o.Name != "":
		said.Label = clip(o.Name)
	}
	for _, ref := range o.Markings {
		said.Marking = max(said.Marking, b.marking(ref))
	}
	if o.Confidence != nil && *o.Confidence >= 0 && *o.Confidence <= 100 {
		said.Confidence = uint8(max(*o.Confidence, 1)) // 0 would mean that nothing is said
	}
	if !o.ValidFrom.IsZero() {
		said.From = o.ValidFrom.UTC()
	}
	if !o.ValidUntil.IsZero() {
		said.Until = o.ValidUntil.UTC()
	}
	for _, kind := range append(o.IndicatorTypes, o.Labels...) {
		if kind == "benign" {
			said.Action = intel.DoNotBlock
		}
	}
	if action := o.Extensions.Own.Action; action != nil {
		said.Action = *action
	}
	return said
}

func (b *bundle) marking(ref string) intel.Marking {
	if m, ok := b.markings[ref]; ok {
		return m
	}
	return MarkingOf(ref)
}

// maxText bounds a label, a source and an ID.
const maxText = 200

func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "")
}
