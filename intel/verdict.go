package intel

import (
	"fmt"
	"slices"
	"time"
)

// Verdict is the answer to whether something was seen.
type Verdict uint8

// The verdicts. What is not judged is unknown.
const (
	Unknown Verdict = iota // nothing of it was found, and that says nothing
	Seen                   // it was seen
	NotSeen                // it was not seen, by sources that would have
)

var verdictNames = [...]string{Unknown: "unknown", Seen: "seen", NotSeen: "not_seen"}

func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("verdict(%d)", uint8(v))
}

// MarshalText implements encoding.TextMarshaler.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it knows the names that
// String returns.
func (v *Verdict) UnmarshalText(text []byte) error {
	at := slices.Index(verdictNames[:], string(text))
	if at < 0 {
		return fmt.Errorf("unknown verdict %q: one of %q", text, verdictNames)
	}
	*v = Verdict(at)
	return nil
}

// Coverage says what "not seen" rests on: who watched, what, and for how long.
type Coverage struct {
	// Since and Until bound the time asked about, in whole hours.
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// HostsKnown are the hosts that counted, HostsCovered those of them that
	// were watched for long enough, and Share the part of the time that all
	// together were watched, from 0 to 1.
	HostsKnown   int     `json:"hosts_known"`
	HostsCovered int     `json:"hosts_covered"`
	Share        float64 `json:"share"`
	// Sources are those that could have seen it, and Blind the first of the
	// hosts that were not watched for long enough.
	Sources []SourceCoverage `json:"sources"`
	Blind   []string         `json:"blind,omitempty"`
}

// SourceCoverage is what one source watched through one log source.
type SourceCoverage struct {
	Source    string `json:"source"`
	LogSource string `json:"log_source"`
	Hosts     int    `json:"hosts"`
	// Share is the part of the time that it watched these hosts.
	Share float64 `json:"share"`
}

// Presence says in which hours of a day a source spoke of a host in events of
// a log source, and in which of them something was lost. Bit n of Seen and
// Unhealthy stands for the hour that begins at n o'clock UTC.
type Presence struct {
	Source    string
	LogSource LogSource
	Host      string
	Day       time.Time
	Seen      uint32
	Unhealthy uint32
}
