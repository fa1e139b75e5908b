package duty

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// plain writes a word of ours for a person.
func plain(word string) string { return strings.ReplaceAll(word, "_", " ") }

// micro is a time as it is kept; the zero time stays.
func micro(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}

// clip keeps a text within so many bytes, between letters.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	text = text[:most-len("…")]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text + "…"
}

// data is a record of ours as JSON, which can always be written.
func data(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // a value that cannot be JSON is a mistake of ours
	}
	return text
}

// firstOf returns the first error there is.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
