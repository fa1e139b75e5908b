package api

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/incident"
	"tocsin/intel"
	"tocsin/people"
)

// object is a JSON object of the description.
type object = map[string]any

// schemas are JSON Schemas (2020-12, which OpenAPI 3.1 uses) of the Go types
// that encoding/json writes and internal/strictjson reads. Structs that have a
// name stand once, among the components.
type schemas struct {
	components object
	names      map[string]reflect.Type
}

func newSchemas() *schemas { return &schemas{object{}, map[string]reflect.Type{}} }

// side says whether a value is taken or given: what is given has all its
// fields, what is taken may leave out.
type side bool

const (
	given side = false
	taken side = true
)

// words are the types whose values are words of a list.
var words = map[reflect.Type][]string{
	reflect.TypeFor[incident.State]():      texts(incident.States()),
	reflect.TypeFor[incident.Kind]():       texts(incident.Kinds()),
	reflect.TypeFor[incident.Answer]():     texts(incident.Answers()),
	reflect.TypeFor[incident.TaskState]():  {string(incident.TaskOpen), string(incident.TaskDone), string(incident.TaskDropped)},
	reflect.TypeFor[incident.AlertState](): {string(incident.AlertNew), string(incident.AlertClaimed), string(incident.AlertDismissed), string(incident.AlertPromoted)},
	reflect.TypeFor[alliance.Kind]():       texts(alliance.Kinds()),
	reflect.TypeFor[member.Role]():         {string(member.Up), string(member.Down)},
	reflect.TypeFor[member.Task]():         texts(member.Tasks()),
	reflect.TypeFor[member.HoldingKind]():  {string(member.Network), string(member.ASN), string(member.Domain)},
	reflect.TypeFor[people.Role]():         texts(people.Roles()),
	reflect.TypeFor[intel.Severity]():      {"unrated", "informational", "low", "medium", "high", "critical"},
}

func texts[T ~string](all []T) []string {
	list := make([]string, len(all))
	for i, one := range all {
		list[i] = string(one)
	}
	return list
}

var (
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
)

// of is the schema of a type.
func (s *schemas) of(t reflect.Type, on side) object {
	if all, ok := words[t]; ok {
		return object{"type": "string", "enum": all}
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return nullable(s.of(t.Elem(), on))
	case t.Implements(jsonMarshaler) || reflect.PointerTo(t).Implements(jsonMarshaler):
		return object{} // what it likes
	case t.Implements(textMarshaler) || reflect.PointerTo(t).Implements(textMarshaler):
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": s.of(t.Elem(), on)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem(), on)}
	case reflect.Struct:
		return s.structOf(t, on)
	}
	return object{}
}

// nullable is a schema of what may also be null.
func nullable(of object) object {
	if kind, ok := of["type"].(string); ok && of["enum"] == nil {
		of["type"] = []string{kind, "null"}
		return of
	}
	if len(of) == 0 {
		return of // may be anything already
	}
	return object{"oneOf": []object{of, {"type": "null"}}}
}

func (s *schemas) structOf(t reflect.Type, on side) object {
	name := componentName(t)
	if name == "" {
		return s.fields(t, on)
	}
	if on == taken {
		name += "Input"
	}
	if _, ok := s.names[name]; !ok {
		s.names[name] = t
		s.components[name] = s.fields(t, on)
	} else if s.names[name] != t {
		panic("two types are described as " + name + ": " + t.String() + " and " + s.names[name].String())
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// componentName is what a type is called in the description; "" for one without
// a name. Types of other rooms have their room's name before theirs.
func componentName(t reflect.Type) string {
	name := t.Name()
	if strings.HasPrefix(name, "paged[") {
		items, _ := t.FieldByName("Items")
		return componentName(items.Type.Elem()) + "Page"
	}
	if name == "" {
		return ""
	}
	room := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
	room = strings.ToUpper(room[:1]) + room[1:]
	name = strings.ToUpper(name[:1]) + name[1:]
	if room == "Api" || strings.HasPrefix(name, room) {
		return name
	}
	return room + name
}

// fields is the schema of a struct.
func (s *schemas) fields(t reflect.Type, on side) object {
	properties, required := object{}, []string{}
	own := t.PkgPath() == reflect.TypeFor[api]().PkgPath() // where what may be left out says so
	for _, f := range reflect.VisibleFields(t) {
		name, options, skip := jsonName(t, &f)
		if skip {
			continue
		}
		optional := slices.Contains(options, "omitempty") || slices.Contains(options, "omitzero")
		of := s.of(f.Type, on)
		if kind := f.Type.Kind(); (kind == reflect.Slice || kind == reflect.Map) && !optional {
			of = nullable(of)
		}
		properties[name] = of
		if !optional && (on == given || own) {
			required = append(required, name)
		}
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

// jsonName is what a field is called in JSON; skip is true for one that is not
// in it, or whose own fields are instead.
func jsonName(in reflect.Type, f *reflect.StructField) (name string, options []string, skip bool) {
	tag := f.Tag.Get("json")
	parts := strings.Split(tag, ",")
	if !f.IsExported() || tag == "-" || f.Anonymous && parts[0] == "" && f.Type.Kind() == reflect.Struct {
		return "", nil, true
	}
	for at := range f.Index[:len(f.Index)-1] { // below a field with a name of its own
		outer := in.FieldByIndex(f.Index[:at+1])
		if name, _, _ := strings.Cut(outer.Tag.Get("json"), ","); name != "" {
			return "", nil, true
		}
	}
	if parts[0] == "" {
		return f.Name, parts[1:], false
	}
	return parts[0], parts[1:], false
}
