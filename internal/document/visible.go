package document

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// visible returns text in which every character can be seen for what it is:
// what has no shape, turns the direction of text, hides beside other characters
// or is not text at all is written as ‹U+202E›. Newlines stay, whichever way
// they were written; a tab becomes spaces.
func visible(text string) string {
	if !strings.ContainsFunc(text, hidden) && strings.ToValidUTF8(text, "") == text {
		return text
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text { // a byte that is no UTF-8 comes as U+FFFD
		switch {
		case r == '\n', !hidden(r):
			b.WriteRune(r)
		case r == '\t':
			b.WriteString("    ")
		default:
			b.WriteString(codePoint(r))
		}
	}
	return b.String()
}

// codePoint is how a character that cannot be shown is written.
func codePoint(r rune) string { return fmt.Sprintf("‹U+%04X›", r) }

// hidden says that r is to be looked at: all controls, formats, line and
// paragraph separators, private and unassigned characters, and selectors of
// variants, which can carry text that nobody sees.
func hidden(r rune) bool {
	switch {
	case r == '\n':
		return false
	case r < 0x7f:
		return r < 0x20
	case unicode.Is(unicode.Variation_Selector, r):
		return true
	}
	return !unicode.IsGraphic(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// shown returns a copy of v, however deep, whose texts are all visible.
// Renderings start from it, so that none can forget one.
func shown[T any](v T) T {
	return copyOf(reflect.ValueOf(&v).Elem()).Interface().(T)
}

func copyOf(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(visible(v.String()))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return v
		}
		for i := range v.NumField() {
			out.Field(i).Set(copyOf(v.Field(i)))
		}
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(copyOf(v.Index(i)))
		}
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		out.Set(copyOf(v.Elem()))
	default:
		return v
	}
	return out
}
