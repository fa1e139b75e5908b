package misp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
)

// event is what is read of an event.
type event struct {
	Info      string      `json:"info"`
	Orgc      named       `json:"Orgc"`
	Tag       []named     `json:"Tag"`
	Attribute []attribute `json:"Attribute"`
	Object    []object    `json:"Object"`
}

type named struct {
	Name string `json:"name"`
}

type object struct {
	Attribute []attribute `json:"Attribute"`
}

// attribute is what is read of an attribute.
type attribute struct {
	UUID      string   `json:"uuid"`
	Type      string   `json:"type"`
	Value     text     `json:"value"`
	ToIDs     loose    `json:"to_ids"`
	Deleted   loose    `json:"deleted"`
	Timestamp text     `json:"timestamp"`
	Tag       []named  `json:"Tag"`
	Event     *context `json:"Event"` // in the answer to a search
}

// context is what a search tells of an attribute's event.
type context struct {
	Info string `json:"info"`
	Orgc named  `json:"Orgc"`
}

// loose is a truth as servers of all ages write it: true, 1, "1".
type loose bool

func (l *loose) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `true`, `1`, `"1"`, `"true"`:
		*l = true
	default:
		*l = false
	}
	return nil
}

// text is a string that some write as a number.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		err := json.Unmarshal(b, &s)
		*t = text(s)
		return err
	}
	*t = text(b)
	return nil
}

// reader walks a document.
type reader struct {
	origin intel.Origin
	visit  func(*intel.Indicator)
	pass   func(path, reason string)
	depth  int
}

// maxDepth bounds how deep lists of events may lie in lists; a server's answer
// has two.
const maxDepth = 8

// Indicators reads a document of MISP: an event, attributes, lists of them, a
// server's answer. It calls visit for each indicator, and pass with the path and
// the reason for each attribute that is passed over. origin is what is said of
// an indicator where the document says nothing. The error is fault.Invalid for
// what is not such a document.
func Indicators(in io.Reader, origin intel.Origin, visit func(*intel.Indicator), pass func(path, reason string)) error {
	r := &reader{origin: origin, visit: visit, pass: pass}
	decoder := json.NewDecoder(in)
	for n := 0; ; n++ {
		err := r.value(decoder, "")
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("MISP document, at byte %d: %w: %w", decoder.InputOffset(), err, fault.Invalid)
		}
	}
}

// value reads a list of events or attributes, or an object that is one or holds
// some.
func (r *reader) value(d *json.Decoder, path string) error {
	if r.depth++; r.depth > maxDepth {
		return errors.New("lists nested too deep")
	}
	defer func() { r.depth-- }()
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		for n := 0; d.More(); n++ {
			if err := r.value(d, path+"["+strconv.Itoa(n)+"]"); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	case json.Delim('{'):
		return r.object(d, path)
	}
	return nil // a value where none is expected says nothing
}

// object reads an object whose brace was read: what wraps events, an event, or
// an attribute. It goes key by key, so that only one event is held at a time.
func (r *reader) object(d *json.Decoder, path string) error {
	fields := map[string]json.RawMessage{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		switch key {
		case "response", "Response":
			err = r.value(d, join(path, key))
		case "Event":
			err = r.event(d, join(path, key))
		default:
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
	return r.bare(fields, path)
}

// maxFields bounds the fields kept of an object; an event has about 40.
const maxFields = 200

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (r *reader) event(d *json.Decoder, path string) error {
	var e event
	if err := d.Decode(&e); err != nil {
		return err
	}
	r.of(&e, path)
	return nil
}

// bare reads an object without wrapping: an event, a list of attributes, or one
// attribute.
func (r *reader) bare(fields map[string]json.RawMessage, path string) error {
	_, attributes := fields["Attribute"]
	_, objects := fields["Object"]
	_, typed := fields["type"]
	_, value := fields["value"]
	switch {
	case attributes || objects:
		raw, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		r.of(&e, path)
	case typed && value:
		raw, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		var a attribute
		if err := json.Unmarshal(raw, &a); err != nil {
			return err
		}
		r.attribute(&event{}, &a, path)
	}
	return nil
}

// of reads the attributes of an event.
func (r *reader) of(e *event, path string) {
	for n := range e.Attribute {
		r.attribute(e, &e.Attribute[n], join(path, "Attribute["+strconv.Itoa(n)+"]"))
	}
	for o := range e.Object {
		for n := range e.Object[o].Attribute {
			r.attribute(e, &e.Object[o].Attribute[n], join(path, "Object["+strconv.Itoa(o)+"].Attribute["+strconv.Itoa(n)+"]"))
		}
	}
}

func (r *reader) attribute(e *event, a *attribute, path string) {
	found := parts(a.Type, string(a.Value))
	switch {
	case bool(a.Deleted):
		r.pass(path, "deleted")
		return
	case len(found) == 0:
		r.pass(path, "type "+shown(a.Type)+" names no observable that we know")
		return
	case !bool(a.ToIDs):
		r.pass(path, "not meant for detection (to_ids)")
		return
	}
	origin := r.said(e, a)
	for _, p := range found {
		in, err := p.indicator()
		if err != nil {
			r.pass(path, err.Error())
			continue
		}
		in.ID, in.Origin = clip(a.UUID), origin
		r.visit(&in)
	}
}

// shown bounds what a reason may quote of a document, since reasons are
// counted apart.
func shown(attributeType string) string {
	const longest = 40
	if len(attributeType) > longest {
		return "of more than 40 bytes"
	}
	return strconv.Quote(attributeType)
}

// said is what event and attribute say of the attribute's value.
func (r *reader) said(e *event, a *attribute) intel.Origin {
	o := r.origin
	info, source := e.Info, e.Orgc.Name
	if a.Event != nil {
		info, source = a.Event.Info, a.Event.Orgc.Name
	}
	if source != "" {
		o.Source = clip(source)
	}
	if info != "" {
		o.Label = clip(info)
	}
	tagged(&o, e.Tag)
	tagged(&o, a.Tag)
	if seconds, err := strconv.ParseInt(string(a.Timestamp), 10, 64); err == nil && seconds > 0 && seconds < 1<<40 {
		o.From = time.Unix(seconds, 0).UTC()
	}
	return o
}
