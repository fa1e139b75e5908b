package node

import (
	"time"

	"tocsin/detect/sigma/correlate"
	"tocsin/telemetry"
)

// Summary says what a watch covered and what it did not.
type Summary struct {
	Sources       []SourceSummary // in the order they were read
	Events        uint64
	Bytes         uint64 // of unpacked content
	Findings      uint64
	WithoutTime   uint64   // events that do not say when they happened
	Unclassified  uint64   // events of no known log source: only rules without one were asked
	OutsideWindow uint64   // events left out by --since and --until
	Rules         int      // rules and correlations asked
	NoTelemetry   []string // log sources that rules need and no input of any kind can produce, "product=… (3 rules): why"
	NotSeen       int      // rules whose log source could come but did not in this input
	NamesFull     bool     // fields past the first intel.NamesLimit that no rule uses went without a name
	LeftOut       []string // correlations that could not work, and why
	// Correlations says what correlations could not take into account.
	Correlations correlate.Stats
	Elapsed      time.Duration
	Decoding     time.Duration // CPU time over all workers
	Matching     time.Duration
	Output       time.Duration
}

// SourceSummary is what was read of one source, and what was not.
type SourceSummary struct {
	Name    string
	Format  telemetry.Format // empty when not recognised
	Events  uint64
	Bytes   uint64
	Skipped []Skip // what could not be read, by reason
}

// Skip counts what could not be read for one reason.
type Skip struct {
	Reason string
	Count  uint64
	First  int64 // offset of the first in the source's unpacked content
}

// Progress is how far a watch has come, for a progress bar.
type Progress struct {
	Done, Total uint64 // bytes of the inputs as stored; Total is 0 when not known (standard input, --follow)
	Events      uint64
	Findings    uint64
}
