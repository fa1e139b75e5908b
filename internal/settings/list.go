package settings

import (
	"fmt"
	"reflect"
	"strings"
)

// Value is one setting that is in force.
type Value struct {
	Key string `json:"key"`
	// Value is a text, a number, true or false, or a list of texts; secrets are
	// not in it.
	Value any    `json:"value"`
	From  string `json:"from"` // where it comes from
}

// byDefault is where values come from that nobody chose.
const byDefault = "default"

// List returns every setting of a structure, or of a pointer to one, in the
// order of its fields.
func List(of any, origins Origins) []Value {
	v := reflect.Indirect(reflect.ValueOf(of))
	return list(nil, v, "", origins)
}

func list(to []Value, v reflect.Value, prefix string, origins Origins) []Value {
	for i := range v.NumField() {
		name := nameOf(v.Type().Field(i))
		switch {
		case name == "":
		case isSection(v.Field(i).Type()):
			to = list(to, v.Field(i), prefix+name+".", origins)
		default:
			key := prefix + name
			to = append(to, Value{key, shown(v.Field(i)), either(origins[key], byDefault)})
		}
	}
	return to
}

// shown is a value as it may be seen by others.
func shown(v reflect.Value) any {
	if s, ok := reflect.TypeAssert[fmt.Stringer](v); ok {
		return s.String()
	}
	switch v.Kind() {
	case reflect.String:
		return WithoutPassword(v.String())
	case reflect.Slice:
		texts := make([]any, v.Len())
		for i := range texts {
			texts[i] = shown(v.Index(i))
		}
		return texts
	}
	return v.Interface()
}

// redacted stands for what must not be seen.
const redacted = "[redacted]"

// WithoutPassword returns an address without the password in it, whether it
// stands before the host or, as those of databases may, behind the question mark.
// Other texts stay as they are.
func WithoutPassword(address string) string {
	scheme, rest, isAddress := strings.Cut(address, "://")
	if !isAddress {
		return address
	}
	// The last @ ends the user: a password may hold what it should have escaped,
	// and to hide too much is better than to show it.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if user, _, has := strings.Cut(rest[:at], ":"); has {
			rest = user + ":" + redacted + rest[at:]
		}
	}
	if before, query, has := strings.Cut(rest, "?"); has {
		rest = before + "?" + withoutSecrets(query)
	}
	return scheme + "://" + rest
}

// withoutSecrets hides the values that are called a password.
func withoutSecrets(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		if name, _, ok := strings.Cut(pair, "="); ok && strings.HasSuffix(strings.ToLower(name), "password") {
			pairs[i] = name + "=" + redacted
		}
	}
	return strings.Join(pairs, "&")
}

// Secret is a text that is never shown: it prints as "[redacted]", and as "" when
// there is none.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides it from %#v as well.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides it from JSON and from logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal returns the secret, for whoever has to use it.
func (s Secret) Reveal() string { return string(s) }
