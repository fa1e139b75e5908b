package transparency

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// AlarmKind is what is wrong with a hub's log.
type AlarmKind string

// The kinds of alarm.
const (
	// TwoHistories: the hub signed two checkpoints that contradict each other. The
	// alarm has Evidence that anybody can check.
	TwoHistories AlarmKind = "two_histories"
	// NotConsistent: the hub's own proof that one checkpoint goes on from another is
	// wrong. It may be damaged, or there is no right one.
	NotConsistent AlarmKind = "not_consistent"
	// NotSettled: a checkpoint that somebody else saw was not connected to those seen
	// here within the time.
	NotSettled AlarmKind = "not_settled"
	// NotShown: something was received, and not shown to be in the log within the time.
	NotShown AlarmKind = "not_shown"
	// Misrecorded: something that was received is in the log as another kind.
	Misrecorded AlarmKind = "misrecorded"
	// Altered: entries shown are not those of the checkpoint shown with them.
	Altered AlarmKind = "altered"
	// NewLog: the hub began a new log. Where it covers all that was seen of the old
	// one, this is for information.
	NewLog AlarmKind = "new_log"
)

// Alarm is something that a person must look at.
type Alarm struct {
	ID   string          `json:"id"`
	Hub  alliance.NodeID `json:"hub"`
	Kind AlarmKind       `json:"kind"`
	At   time.Time       `json:"at"`
	Text string          `json:"text"` // English, for a person
	// Notes are the signed checkpoints that it is about.
	Notes []string `json:"notes,omitempty"`
	// Envelope is what is not in the log.
	Envelope Digest `json:"envelope,omitzero"`
	// Evidence proves two histories.
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Evidence is two checkpoints that one node signed and that can't both be of one
// log. Either they have the same size and other roots; or the proof shows that the
// larger one begins with a tree of Root, and the smaller one, of that size, has
// another.
type Evidence struct {
	One   string `json:"one"` // signed; the larger one
	Other string `json:"other"`
	Root  Hash   `json:"root,omitzero"`
	Proof Proof  `json:"proof,omitempty"`
}

// Check returns nil when the evidence proves that the node whose keys these are
// showed two histories. The error is fault.Invalid.
func (e *Evidence) Check(keys ...ed25519.PublicKey) error {
	one, err := OpenCheckpoint(e.One, keys...)
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	other, err := OpenCheckpoint(e.Other, keys...)
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	switch {
	case one.Origin != other.Origin:
		return fmt.Errorf("evidence: the checkpoints are of two logs, %s and %s: %w", one.Origin, other.Origin, fault.Invalid)
	case one.Size == other.Size && one.Root != other.Root:
		return nil
	case one.Size > other.Size && other.Size > 0 && e.Root != other.Root && len(e.Proof) <= maxProof &&
		tlog.CheckTree(tlog.TreeProof(e.Proof), one.Size, one.Root, other.Size, e.Root) == nil:
		return nil
	}
	return fmt.Errorf("evidence: the checkpoints of log %s at %d and %d entries do not contradict each other: %w", one.Origin, one.Size, other.Size, fault.Invalid)
}

// raise records an alarm, once, and hands it on.
func (m *Monitor) raise(ctx context.Context, tx *store.Tx, a Alarm) error {
	sum := sha256.New()
	for _, part := range append([]string{string(a.Hub), string(a.Kind), a.Envelope.String()}, a.Notes...) {
		fmt.Fprintf(sum, "%d %s", len(part), part)
	}
	a.ID, a.At = hex.EncodeToString(sum.Sum(nil)[:16]), m.Now()
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	added, err := insertAlarm(ctx, tx, &a, string(text))
	if err != nil || !added || m.Alarm == nil {
		return err
	}
	return m.Alarm(ctx, tx, a)
}
