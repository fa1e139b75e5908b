package intel

import (
	"fmt"
	"slices"
	"strings"
)

// Marking says to whom something may be shown, by the Traffic Light Protocol
// (TLP 2.0, FIRST, August 2022). The zero value means that nobody said; what is
// done then is for the room that shares to decide. Markings are in the order of
// strictness, so that the stricter of two is the greater. The numbers are
// stored: they are never changed or used again.
type Marking uint8

// The markings.
const (
	Unmarked       Marking = 0
	TLPClear       Marking = 1 // TLP:CLEAR, no limit
	TLPGreen       Marking = 2 // TLP:GREEN, the community
	TLPAmber       Marking = 3 // TLP:AMBER, the organisation and its clients
	TLPAmberStrict Marking = 4 // TLP:AMBER+STRICT, the organisation only
	TLPRed         Marking = 5 // TLP:RED, the persons present only
)

var markings = [...]string{Unmarked: "", TLPClear: "clear", TLPGreen: "green", TLPAmber: "amber", TLPAmberStrict: "amber+strict", TLPRed: "red"}

func (m Marking) String() string {
	if int(m) < len(markings) {
		return markings[m]
	}
	return fmt.Sprintf("marking(%d)", uint8(m))
}

// ParseMarking understands a marking as people and formats write it: in any
// case, with or without "tlp:" before it, and TLP 1.0's WHITE for CLEAR.
func ParseMarking(text string) (Marking, error) {
	word := strings.ToLower(strings.TrimSpace(text))
	word = strings.TrimPrefix(word, "tlp:")
	if word == "white" {
		return TLPClear, nil
	}
	at := slices.Index(markings[:], strings.ReplaceAll(word, "_", "+"))
	if at < 0 {
		return Unmarked, fmt.Errorf("unknown marking %q: one of %q", text, markings[1:])
	}
	return Marking(at), nil
}

// MarshalText implements encoding.TextMarshaler.
func (m Marking) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it knows what ParseMarking
// knows.
func (m *Marking) UnmarshalText(text []byte) error {
	parsed, err := ParseMarking(string(text))
	if err == nil {
		*m = parsed
	}
	return err
}
