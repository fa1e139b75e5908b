package strictjson

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tocsin/internal/fault"
)

// MaxDepth bounds nesting: what we take has half as many levels.
const MaxDepth = 32

// Problem is what is wrong with a value, and where. It is fault.Invalid.
type Problem struct { //nolint:errname // it is shown in lists of what is wrong as often as returned
	// Pointer is a JSON Pointer (RFC 6901); empty for the whole value.
	Pointer string
	Reason  string
}

func (p *Problem) Error() string {
	if p.Pointer == "" {
		return p.Reason
	}
	return p.Pointer + ": " + p.Reason
}

// Unwrap makes it fault.Invalid.
func (p *Problem) Unwrap() error { return fault.Invalid }

// Read reads one value into what a pointer leads to. The error is a *Problem, or
// what reading from failed with. Bytes are bounded by who hands the reader in.
func Read(from io.Reader, into any) error {
	decoder := jsontext.NewDecoder(&shallow{from: from})
	if err := json.UnmarshalDecode(decoder, into, json.RejectUnknownMembers(true)); err != nil {
		return problem(err)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			return &Problem{Reason: "there is more than one value"}
		}
		return problem(err)
	}
	return nil
}

// problem says what an error of the decoder means, in words for people.
func problem(err error) error {
	if errors.Is(err, errTooDeep) {
		return &Problem{Reason: fmt.Sprintf("it is nested deeper than %d levels", MaxDepth)}
	}
	if errors.Is(err, io.EOF) {
		return &Problem{Reason: "it is empty: a JSON value is wanted"}
	}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return &Problem{string(s.JSONPointer), syntax(s)}
	}
	if s, ok := errors.AsType[*json.SemanticError](err); ok {
		return &Problem{string(s.JSONPointer), meaning(s)}
	}
	return err
}

func syntax(s *jsontext.SyntacticError) string {
	switch {
	case errors.Is(s.Err, jsontext.ErrDuplicateName):
		return "the name is given twice"
	case errors.Is(s.Err, io.ErrUnexpectedEOF):
		return "it ends too early"
	case strings.Contains(s.Err.Error(), "UTF-8"):
		return "it is not UTF-8 text"
	}
	return fmt.Sprintf("at byte %d: %s", s.ByteOffset, s.Err)
}

func meaning(s *json.SemanticError) string {
	switch {
	case errors.Is(s.Err, json.ErrUnknownName):
		return "the name is not known"
	case s.Err != nil && s.JSONKind == 0:
		return s.Err.Error()
	case s.Err != nil:
		return fmt.Sprintf("%s: %s", wanted(s), s.Err)
	}
	return wanted(s)
}

// wanted says of which type a value must be.
func wanted(s *json.SemanticError) string {
	found := s.JSONKind.String()
	if s.GoType == nil {
		return "a " + found + " cannot stand here"
	}
	return fmt.Sprintf("%s is wanted, not a %s", typeName(s.GoType), found)
}

// typeName is a type in the words of JSON.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0 up"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map:
		return "an object"
	case reflect.Struct:
		if t.PkgPath() == "time" {
			return "a time such as 2026-11-30T08:00:00Z"
		}
		return "an object"
	}
	return "a text"
}
