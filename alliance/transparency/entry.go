package transparency

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// Kind is what an entry records.
type Kind string

// The kinds of entry.
const (
	Warning   Kind = "warning" // issued
	Amendment Kind = "amendment"
	Raise     Kind = "raise"
	Lower     Kind = "lower"
	Ratify    Kind = "ratify"
	Lift      Kind = "lift"
	Recall    Kind = "recall"
	Receipt   Kind = "receipt" // of a report
	// Succession begins a log that takes the place of another, and says how far that
	// one was known.
	Succession Kind = "succession"
)

// Kinds returns the kinds there are.
func Kinds() []Kind {
	return []Kind{Warning, Amendment, Raise, Lower, Ratify, Lift, Recall, Receipt, Succession}
}

// KindOf returns how a change of a warning is recorded. The error is fault.Invalid.
func KindOf(change alliance.Change) (Kind, error) {
	kind, ok := map[alliance.Change]Kind{
		alliance.IssuedChange: Warning, alliance.AmendedChange: Amendment, alliance.RaisedChange: Raise, alliance.LoweredChange: Lower,
		alliance.RatifiedChange: Ratify, alliance.LiftedChange: Lift, alliance.RecalledChange: Recall,
	}[change]
	if !ok {
		return "", fmt.Errorf("change %q of a warning has no place in the log: %w", change, fault.Invalid)
	}
	return kind, nil
}

// Digest is the SHA-256 of an envelope's signed header, by which the log knows it.
type Digest [sha256.Size]byte

// DigestOf returns the digest of an envelope's header.
func DigestOf(header []byte) Digest { return sha256.Sum256(header) }

// ParseDigest reads 64 hexadecimal digits in lower case. The error is
// fault.Invalid.
func ParseDigest(text string) (Digest, error) {
	var d Digest
	return d, d.UnmarshalText([]byte(text))
}

// String returns 64 hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether it is none.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText writes it as String does.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDigest reads.
func (d *Digest) UnmarshalText(text []byte) error {
	sum, err := hex.DecodeString(string(text))
	if err != nil || len(sum) != len(d) || hex.EncodeToString(sum) != string(text) {
		return fmt.Errorf("%.80q is no SHA-256: write 64 hexadecimal digits in lower case: %w", text, fault.Invalid)
	}
	copy(d[:], sum)
	return nil
}

// Entry is one thing that the log holds.
type Entry struct {
	Kind Kind `json:"kind"`
	// Time is when it was recorded, to the microsecond.
	Time time.Time `json:"time"`
	// Envelope is what was issued or received; none in a succession.
	Envelope Digest `json:"envelope,omitzero"`
	// About is the envelope that the first revision of a warning came in, when
	// Envelope changes it.
	About Digest `json:"about,omitzero"`
	// Before is, in a succession, the last checkpoint known of the log before: a
	// signed note, empty where none was ever handed out.
	Before string `json:"before,omitempty"`
}

// The words of a record. A field that says nothing is a dash.
const (
	recordHead = "tocsin log entry 1"
	nothing    = "-"
	timeLayout = "2006-01-02T15:04:05.000000Z"
)

// maxRecord bounds a record: one holds at most a note.
const maxRecord = 16 << 10

// Record returns the entry as the log keeps it: five lines, a sixth in a
// succession, one spelling for each entry. The error is fault.Invalid.
func (e *Entry) Record() (string, error) {
	switch {
	case !slices.Contains(Kinds(), e.Kind):
		return "", fmt.Errorf("log entry: unknown kind %.40q: %w", e.Kind, fault.Invalid)
	case e.Time.Year() < 1970 || e.Time.Year() > 9999:
		return "", fmt.Errorf("log entry: its time is %s: %w", e.Time, fault.Invalid)
	case (e.Kind == Succession) != e.Envelope.IsZero():
		return "", fmt.Errorf("log entry of kind %s: it needs an envelope, unless it is a succession: %w", e.Kind, fault.Invalid)
	case e.Before != "" && e.Kind != Succession:
		return "", fmt.Errorf("log entry of kind %s: a checkpoint stands in a succession only: %w", e.Kind, fault.Invalid)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nkind %s\ntime %s\nenvelope %s\nabout %s\n", recordHead, e.Kind, e.Time.UTC().Format(timeLayout), word(e.Envelope), word(e.About))
	if e.Kind == Succession {
		before := nothing
		if e.Before != "" {
			before = base64.StdEncoding.EncodeToString([]byte(e.Before))
		}
		fmt.Fprintf(&b, "before %s\n", before)
	}
	if b.Len() > maxRecord {
		return "", fmt.Errorf("log entry: longer than %d bytes: %w", maxRecord, fault.Invalid)
	}
	return b.String(), nil
}

func word(d Digest) string {
	if d.IsZero() {
		return nothing
	}
	return d.String()
}

// ParseRecord reads a record. It takes what Record writes and nothing else; the
// error is fault.Invalid. A log may hold records of a later version, which are
// verified all the same.
func ParseRecord(record string) (Entry, error) {
	e, err := parseRecord(record)
	if err == nil {
		var again string
		if again, err = e.Record(); err == nil && again != record {
			err = fmt.Errorf("it is not spelled as it should be: %w", fault.Invalid)
		}
	}
	if err != nil {
		return Entry{}, fmt.Errorf("log record %.60q: %w", record, err)
	}
	return e, nil
}

func parseRecord(record string) (e Entry, err error) {
	if len(record) > maxRecord {
		return e, fmt.Errorf("longer than %d bytes: %w", maxRecord, fault.Invalid)
	}
	lines := strings.Split(record, "\n")
	if lines[0] != recordHead {
		return e, fmt.Errorf("it does not begin with %q: written by a newer version? %w", recordHead, fault.Invalid)
	}
	fields := map[string]string{}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, " ")
		fields[name] = value
	}
	e.Kind = Kind(fields["kind"])
	if e.Time, err = time.Parse(timeLayout, fields["time"]); err != nil {
		return e, fmt.Errorf("time %.40q: %w", fields["time"], fault.Invalid)
	}
	for name, into := range map[string]*Digest{"envelope": &e.Envelope, "about": &e.About} {
		if fields[name] == nothing {
			continue
		}
		if *into, err = ParseDigest(fields[name]); err != nil {
			return e, err
		}
	}
	if before := fields["before"]; before != "" && before != nothing {
		note, err := base64.StdEncoding.Strict().DecodeString(before)
		if err != nil {
			return e, fmt.Errorf("before: no base64: %w", fault.Invalid)
		}
		e.Before = string(note)
	}
	return e, nil
}

// envelopeOf is the envelope that a record names, as its row keeps it; empty
// where there is none or the record can't be read.
func envelopeOf(record string) string {
	e, err := ParseRecord(record)
	if err != nil || e.Envelope.IsZero() {
		return ""
	}
	return e.Envelope.String()
}
