package stix

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// Object is one object of STIX, of whatever type: its properties by name, as JSON
// has them (map[string]any, []any, string, float64, bool, nil). What we know
// nothing of is kept like the rest, so that it goes out as it came in.
type Object map[string]any

// The moments that STIX writes (§2.16): RFC 3339 in UTC.
const timeLayout = "2006-01-02T15:04:05.000Z"

// New returns an object of a type with what every object of its family has (§3.2):
// a new random id, and, except for observables and markings, created and modified.
func New(kind string, now time.Time) Object {
	o := Object{"type": kind, "spec_version": "2.1", "id": kind + "--" + randomUUID()}
	switch model().family(kind) {
	case observableFamily:
	default:
		o["created"] = Moment(now)
		if kind != markingDefinition {
			o["modified"] = Moment(now)
		}
	}
	return o
}

// Moment writes a moment, to the millisecond.
func Moment(t time.Time) string { return t.UTC().Format(timeLayout) }

// randomUUID returns a UUID of version 4.
func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return formatUUID(b, 4)
}

func formatUUID(b [16]byte, version byte) string {
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Type returns the object's type; empty when it states none.
func (o Object) Type() string { return o.Text("type") }

// ID returns the object's id; empty when it states none.
func (o Object) ID() string { return o.Text("id") }

// Text returns a property that is a text; empty when it is absent or no text.
func (o Object) Text(name string) string {
	text, _ := o[name].(string)
	return text
}

// Texts returns those items of a list that are texts.
func (o Object) Texts(name string) []string {
	list, _ := o[name].([]any)
	var texts []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// Time returns a property that is a moment; zero when it is absent or none.
func (o Object) Time(name string) time.Time {
	t, _ := parseTime(o.Text(name))
	return t
}

// Inner returns a property that is an object; nil when it is absent or none.
func (o Object) Inner(name string) Object {
	inner, _ := o[name].(map[string]any)
	return inner
}

// Extension returns what an extension says of the object; nil when it says nothing.
func (o Object) Extension(id string) Object { return o.Inner("extensions").Inner(id) }

// SetTexts sets a list of texts; an empty one is left out, since STIX has no empty
// lists (§2.12).
func (o Object) SetTexts(name string, texts []string) {
	if len(texts) == 0 {
		delete(o, name)
		return
	}
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	o[name] = list
}

// SetText sets a text; an empty one is left out.
func (o Object) SetText(name, text string) {
	if text == "" {
		delete(o, name)
		return
	}
	o[name] = text
}

// typeOf returns the type that an id names.
func typeOf(id string) string {
	kind, _, _ := strings.Cut(id, "--")
	return kind
}
