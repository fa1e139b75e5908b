package api

import (
	"encoding"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// parameter is one parameter of a query, as a struct's field with a query tag
// says it.
type parameter struct {
	name, doc string
	at        []int
	of        reflect.Type
}

// parameters are those of a query's type; embedded structs add theirs.
func parameters(query reflect.Type) []parameter {
	var all []parameter
	if query == nil {
		return nil
	}
	for _, f := range reflect.VisibleFields(query) {
		if name := f.Tag.Get("query"); name != "" {
			all = append(all, parameter{name, f.Tag.Get("doc"), f.Index, f.Type})
		}
	}
	return all
}

// QueryError says which parameter of a query is wrong. It is fault.Invalid.
type QueryError struct{ Name, Reason string }

func (e *QueryError) Error() string { return fmt.Sprintf("query: %s: %s", e.Name, e.Reason) }

// Unwrap makes it fault.Invalid.
func (e *QueryError) Unwrap() error { return fault.Invalid }

// readQuery reads a query into a struct. A parameter that is unknown, or given
// twice where only one counts, is refused rather than overlooked.
func readQuery(query url.Values, into any) error {
	value := reflect.ValueOf(into).Elem()
	known := parameters(value.Type())
	if err := checkQuery(query, known); err != nil {
		return err
	}
	for _, p := range known {
		for _, text := range query[p.name] {
			if text == "" {
				continue // as forms send what was left out
			}
			if reason := setParameter(value.FieldByIndex(p.at), text); reason != "" {
				return &QueryError{p.name, fmt.Sprintf("%.80q: %s", text, reason)}
			}
		}
	}
	return nil
}

// checkQuery refuses what is not among the known.
func checkQuery(query url.Values, known []parameter) error {
	for name, texts := range query {
		at := slices.IndexFunc(known, func(p parameter) bool { return p.name == name })
		switch {
		case at < 0 && len(known) == 0:
			return &QueryError{name, "there are no parameters here"}
		case at < 0:
			names := make([]string, len(known))
			for i, p := range known {
				names[i] = p.name
			}
			return &QueryError{name, "no such parameter; there are " + strings.Join(names, ", ")}
		case len(texts) > 1 && known[at].of.Kind() != reflect.Slice:
			return &QueryError{name, "it is given twice"}
		}
	}
	return nil
}

// setParameter reads one text into a field, and says what is wrong with it.
func setParameter(field reflect.Value, text string) (reason string) {
	switch into := field.Addr().Interface().(type) {
	case *time.Time:
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return "write a time as 2026-11-30T08:00:00Z"
		}
		*into = at
		return ""
	case encoding.TextUnmarshaler:
		if err := into.UnmarshalText([]byte(text)); err != nil {
			return err.Error()
		}
		return ""
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		yes, err := strconv.ParseBool(text)
		if err != nil {
			return "write true or false"
		}
		field.SetBool(yes)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 1 {
			return "write a number from 1 up"
		}
		field.SetInt(n)
	case reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return "write a number from 0 up"
		}
		field.SetUint(n)
	case reflect.Slice:
		one := reflect.New(field.Type().Elem()).Elem()
		if reason := setParameter(one, text); reason != "" {
			return reason
		}
		field.Set(reflect.Append(field, one))
	default:
		panic("a query has a parameter of a type that cannot be read: " + field.Type().String())
	}
	return ""
}

// after is the ID after which a page begins.
func (p *paging) after() (string, error) {
	if p.Cursor == "" {
		return "", nil
	}
	if _, ok := store.IDAt(p.Cursor); !ok {
		return "", &QueryError{"cursor", "it is none: give next of the page before as it was"}
	}
	return p.Cursor, nil
}
