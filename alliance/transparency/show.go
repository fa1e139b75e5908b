package transparency

import (
	"context"
	"fmt"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Want is what a member asks of its hub's log.
type Want struct {
	// Seen is the last checkpoint that it verified, empty for none: what the hub
	// compares its log with.
	Seen string `json:"seen,omitempty"`
	// From are states that it knows, from which the hub is to show that its log goes
	// on; Kept is how many entries it keeps of each log.
	From []Mark `json:"from,omitempty"`
	Kept []Mark `json:"kept,omitempty"`
	// Envelopes are what it received, and wants to see in the log.
	Envelopes []Digest `json:"envelopes,omitempty"`
}

// Mark is a size of a log.
type Mark struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
}

// Shown is what a hub shows of one of its logs.
type Shown struct {
	Checkpoint string `json:"checkpoint"` // signed
	Steps      []Step `json:"steps,omitempty"`
	// First is the index of the first of Entries, which are records.
	First    int64      `json:"first,omitempty"`
	Entries  []string   `json:"entries,omitempty"`
	Included []Included `json:"included,omitempty"`
}

// Step shows that the checkpoint goes on from a smaller size.
type Step struct {
	Size  int64 `json:"size"`
	Proof Proof `json:"proof"`
}

// Included shows that an entry is in the checkpoint's tree.
type Included struct {
	Index  int64  `json:"index"`
	Record string `json:"record"`
	Proof  Proof  `json:"proof"`
}

// Limits of what is wanted and shown at once: some hundred kilobytes.
const (
	maxMarks     = 200
	maxEnvelopes = 500
	maxEntries   = 1000
)

// check refuses what asks for too much.
func (w *Want) check() error {
	if len(w.From) > maxMarks || len(w.Kept) > maxMarks || len(w.Envelopes) > maxEnvelopes {
		return fmt.Errorf("wanted of the log: more than %d states or %d envelopes: %w", maxMarks, maxEnvelopes, fault.Invalid)
	}
	for _, marks := range [][]Mark{w.From, w.Kept} {
		for _, m := range marks {
			if m.Size < 0 || m.Size > maxSize {
				return fmt.Errorf("wanted of the log: %d entries: %w", m.Size, fault.Invalid)
			}
		}
	}
	return nil
}

// Answer records what a member saw and returns what it wants, of each log that is
// newer than what it knows or holds what it asks for, the oldest first. It shows the
// last checkpoint that was handed out, so that it may be called in any transaction.
// The error is fault.Invalid for what can't be asked.
func (l *Log) Answer(ctx context.Context, tx *store.Tx, member alliance.NodeID, w *Want) ([]Shown, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	if err := l.Saw(ctx, tx, member, w.Seen); err != nil {
		return nil, err
	}
	logs, err := ownLogs(ctx, tx)
	if err != nil {
		return nil, err
	}
	shown := []Shown{}
	for i := range logs {
		s, some, err := l.show(ctx, tx, logs[i].Origin, w)
		if err != nil {
			return nil, err
		}
		if some || i == len(logs)-1 && s.Checkpoint != "" {
			shown = append(shown, s)
		}
	}
	return shown, nil
}

// show returns what a member wants of one log, and whether there is anything.
func (l *Log) show(ctx context.Context, tx *store.Tx, origin string, w *Want) (s Shown, some bool, err error) {
	if s.Checkpoint, err = handedOut(ctx, tx, origin); err != nil || s.Checkpoint == "" {
		return s, false, err
	}
	c, err := ReadCheckpoint(s.Checkpoint)
	if err != nil {
		return s, false, err
	}
	t := tree{tx, origin}
	_, number, err := ParseOrigin(origin)
	if err != nil {
		return s, false, err
	}
	for _, m := range w.From {
		if m.Origin != origin || m.Size > c.Size {
			continue
		}
		proof, err := t.consistency(ctx, m.Size, c.Size)
		if err != nil {
			return s, false, err
		}
		s.Steps = append(s.Steps, Step{m.Size, proof})
	}
	for _, m := range w.Kept {
		if m.Origin == origin && m.Size < c.Size {
			s.First = m.Size
		}
	}
	if !keeps(w.Kept, origin, c.Size) {
		if s.Entries, err = recordsFrom(ctx, tx, origin, s.First, min(maxEntries, c.Size-s.First)); err != nil {
			return s, false, err
		}
		if end := s.First + int64(len(s.Entries)); end < c.Size { // so that a part can be verified
			proof, err := t.consistency(ctx, end, c.Size)
			if err != nil {
				return s, false, err
			}
			s.Steps = append(s.Steps, Step{end, proof})
		}
	}
	places := make([]place, 0, len(w.Envelopes)+1)
	if number > 1 && c.Size > 0 { // what it says of the log before
		first, err := recordsFrom(ctx, tx, origin, 0, 1)
		if err != nil {
			return s, false, err
		}
		for _, record := range first {
			places = append(places, place{0, record})
		}
	}
	wanted := 0
	for _, envelope := range w.Envelopes {
		at, there, err := placeOf(ctx, tx, origin, envelope)
		if err != nil {
			return s, false, err
		}
		if there && at.index < c.Size {
			places = append(places, at)
			wanted++
		}
	}
	for _, at := range places {
		proof, err := t.inclusion(ctx, at.index, c.Size)
		if err != nil {
			return s, false, err
		}
		s.Included = append(s.Included, Included{at.index, at.record, proof})
	}
	return s, len(s.Entries) > 0 || wanted > 0, nil
}

// keeps reports whether a member keeps a log up to a size.
func keeps(kept []Mark, origin string, size int64) bool {
	for _, m := range kept {
		if m.Origin == origin && m.Size >= size {
			return true
		}
	}
	return false
}
