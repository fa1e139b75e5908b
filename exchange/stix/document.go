package stix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tocsin/internal/fault"
)

// The limits of a document.
const (
	// MaxSize is what Parse reads at once: the whole of ATT&CK has 50 MB.
	MaxSize = 256 << 20
	// MaxDepth bounds how deep objects and lists are in each other: the standard's
	// own are six deep.
	MaxDepth = 64
)

// Document is a bundle with its objects, or objects without one.
type Document struct {
	// Bundle holds the bundle's own properties, without its objects; nil when the
	// objects came without a bundle.
	Bundle  Object
	Objects []Object
	// list is set where the objects stood in a list, and empty where a bundle had an
	// empty one.
	list, empty bool
}

// NewBundle returns a bundle of objects (§8).
func NewBundle(objects ...Object) *Document {
	return &Document{Bundle: Object{"type": "bundle", "id": "bundle--" + randomUUID()}, Objects: objects}
}

// Find returns the object with that id, the last of several; nil when there is none.
func (d *Document) Find(id string) Object {
	for _, o := range slices.Backward(d.Objects) {
		if o.ID() == id {
			return o
		}
	}
	return nil
}

// Parse reads a bundle, an object, or a list of objects. The error (fault.Invalid)
// says where it is no JSON (I-JSON, RFC 7493: a name twice, or what is no UTF-8, is
// an error), too large or too deep, or no object where one is expected.
func Parse(text []byte) (*Document, error) {
	value, err := decode(bytes.TrimPrefix(text, []byte("\ufeff")))
	if err != nil {
		return nil, fmt.Errorf("STIX: %w: %w", err, fault.Invalid)
	}
	d := &Document{}
	switch value := value.(type) {
	case []any:
		d.list = true
		err = d.take("", value)
	case map[string]any:
		list, listed := value["objects"].([]any)
		_, present := value["objects"]
		switch {
		case value["type"] != "bundle":
			d.Objects = []Object{value}
		case present && !listed:
			err = errors.New("objects: a list is expected")
		default:
			d.Bundle = maps.Clone(value)
			delete(d.Bundle, "objects")
			d.empty = listed && len(list) == 0
			err = d.take("objects", list)
		}
	default:
		err = errors.New("an object is expected")
	}
	if err != nil {
		return nil, fmt.Errorf("STIX: %w: %w", err, fault.Invalid)
	}
	return d, nil
}

func (d *Document) take(path string, list []any) error {
	for i, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			return fmt.Errorf("%s[%d]: an object is expected", path, i)
		}
		d.Objects = append(d.Objects, object)
	}
	return nil
}

func decode(text []byte) (any, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("more than %d bytes", MaxSize)
	}
	if depth(text) > MaxDepth {
		return nil, fmt.Errorf("more than %d levels deep", MaxDepth)
	}
	var value any
	if err := jsonv2.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	return value, nil
}

// depth returns how deep the brackets of a text are in each other. It is asked
// before anything is decoded, since decoding recurses.
func depth(text []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// value is the document as one value.
func (d *Document) value() any {
	list := make([]any, len(d.Objects))
	for i, o := range d.Objects {
		list[i] = map[string]any(o)
	}
	switch {
	case d.Bundle != nil:
		bundle := maps.Clone(map[string]any(d.Bundle))
		if len(list) > 0 || d.empty {
			bundle["objects"] = list
		}
		return bundle
	case len(list) == 1 && !d.list:
		return list[0]
	default:
		return list
	}
}

// JSON returns the document in canonical form (RFC 8785), be it valid or not: what
// Parse read comes out equal in that form.
func (d *Document) JSON() ([]byte, error) { return encode(d.value()) }

// JSON returns the object in canonical form (RFC 8785).
func (o Object) JSON() ([]byte, error) { return encode(map[string]any(o)) }

func encode(value any) ([]byte, error) {
	// The standard library's encoder takes whatever number a caller has set.
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("write STIX: %w: %w", err, fault.Invalid)
	}
	return Canonical(text)
}

// Canonical returns the canonical form of a JSON text (RFC 8785, JCS).
func Canonical(text []byte) ([]byte, error) {
	value := jsontext.Value(bytes.Clone(text))
	if err := value.Canonicalize(); err != nil {
		return nil, fmt.Errorf("canonical form: %w: %w", err, fault.Invalid)
	}
	return value, nil
}

// Write returns the document in canonical form. It refuses (fault.Invalid) one
// that breaks a MUST of the standard.
func Write(d *Document) ([]byte, error) {
	for _, f := range d.Faults() {
		if f.Level == Must {
			return nil, fmt.Errorf("write STIX: %s: %w", f, fault.Invalid)
		}
	}
	return d.JSON()
}
