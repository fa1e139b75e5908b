package transparency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tocsin/alliance"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// Received records, in the caller's transaction, that something of a kind that logs
// hold came from a hub. Until it is shown to be in the hub's log, within the time,
// it is waited for; then it is an alarm.
func (m *Monitor) Received(ctx context.Context, tx *store.Tx, hub alliance.NodeID, kind Kind, envelope Digest) error {
	added, err := insertReceived(ctx, tx, hub, kind, envelope, m.Now())
	if err != nil || !added {
		return err
	}
	if err := m.remind(ctx, tx, receivedTimer, hub, receivedName(hub, envelope), waiting{Envelope: envelope}); err != nil {
		return err
	}
	logs, err := verifiedLogs(ctx, tx, hub)
	if err != nil {
		return err
	}
	for i := range logs {
		if err := m.lookUp(ctx, tx, hub, logs[i].Origin); err != nil {
			return err
		}
	}
	return nil
}

// included marks what was received as shown, if the proof holds.
func (m *Monitor) included(ctx context.Context, tx *store.Tx, hub alliance.NodeID, c *Checkpoint, in *Included) error {
	e, err := ParseRecord(in.Record)
	if err != nil || e.Envelope.IsZero() || checkInclusion(c, in.Index, in.Record, in.Proof) != nil {
		return nil // it does not show anything, so what is waited for still is
	}
	return m.shown(ctx, tx, hub, c.Origin, in.Index, &e)
}

// lookUp finds what is waited for among the entries kept, all of which are verified.
func (m *Monitor) lookUp(ctx context.Context, tx *store.Tx, hub alliance.NodeID, origin string) error {
	waited, err := notShown(ctx, tx, hub, maxEnvelopes)
	if err != nil {
		return err
	}
	for _, envelope := range waited {
		at, there, err := placeOf(ctx, tx, origin, envelope)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		e, err := ParseRecord(at.record)
		if err != nil {
			return err
		}
		if err := m.shown(ctx, tx, hub, origin, at.index, &e); err != nil {
			return err
		}
	}
	return nil
}

func (m *Monitor) shown(ctx context.Context, tx *store.Tx, hub alliance.NodeID, origin string, index int64, e *Entry) error {
	kind, changed, err := markShown(ctx, tx, hub, e.Envelope, origin, index, m.Now())
	if err != nil || !changed {
		return err
	}
	if err := m.forget(ctx, tx, receivedTimer, receivedName(hub, e.Envelope)); err != nil {
		return err
	}
	if kind == e.Kind {
		return nil
	}
	return m.raise(ctx, tx, Alarm{
		Hub: hub, Kind: Misrecorded, Envelope: e.Envelope,
		Text: fmt.Sprintf("Hub %s sent a %s and has it in its log %s, entry %d, as a %s.", hub, kind, origin, index, e.Kind),
	})
}

// The kinds of timer.
const (
	receivedTimer = "transparency.received"
	heardTimer    = "transparency.heard"
)

// waiting is what a timer knows.
type waiting struct {
	Hub      alliance.NodeID `json:"hub"`
	Envelope Digest          `json:"envelope,omitzero"`
	Origin   string          `json:"origin,omitempty"`
	Size     int64           `json:"size,omitempty"`
	Root     string          `json:"root,omitempty"`
}

// Kinds are the timers that the monitor needs, for timer.New.
func (m *Monitor) Kinds() map[string]timer.Kind {
	return map[string]timer.Kind{
		receivedTimer: {Handle: timer.Write(m.receivedInVain)},
		heardTimer:    {Handle: timer.Write(m.heardInVain)},
	}
}

// Join gives the monitor its timers, before it is used.
func (m *Monitor) Join(timers *timer.Timers) { m.timers = timers }

func receivedName(hub alliance.NodeID, envelope Digest) string {
	return string(hub) + "." + envelope.String()
}

// remind has what is waited for looked at when the time is over.
func (m *Monitor) remind(ctx context.Context, tx *store.Tx, kind string, hub alliance.NodeID, name string, w waiting) error {
	w.Hub = hub
	payload, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return m.timers.Schedule(ctx, tx, timer.Timer{ID: kind + "." + name, Kind: kind, Subject: string(hub), Due: m.Now().Add(m.Within), Payload: payload})
}

func (m *Monitor) forget(ctx context.Context, tx *store.Tx, kind, name string) error {
	return m.timers.Cancel(ctx, tx, kind+"."+name)
}

func (m *Monitor) receivedInVain(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	var w waiting
	if err := json.Unmarshal(t.Payload, &w); err != nil {
		return errors.Join(err, timer.ErrHopeless)
	}
	kind, waits, err := waitedFor(ctx, tx, w.Hub, w.Envelope)
	if err != nil || !waits {
		return err
	}
	last, _, err := newestOf(ctx, tx, w.Hub)
	if err != nil {
		return err
	}
	a := Alarm{Hub: w.Hub, Kind: NotShown, Envelope: w.Envelope}
	a.Text = fmt.Sprintf("Hub %s sent a %s (envelope %s) and did not show within %s that it is in its log.", w.Hub, kind, w.Envelope, m.Within)
	if last.Note != "" {
		a.Notes = []string{last.Note}
		a.Text += fmt.Sprintf(" The last checkpoint verified is of %d entries.", last.Size)
	}
	return m.raise(ctx, tx, a)
}

func (m *Monitor) heardInVain(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	var w waiting
	if err := json.Unmarshal(t.Payload, &w); err != nil {
		return errors.Join(err, timer.ErrHopeless)
	}
	h, waits, err := undecidedAt(ctx, tx, w.Origin, w.Size, w.Root)
	if err != nil || !waits {
		return err
	}
	if err := decideSeen(ctx, tx, &h.Checkpoint, other); err != nil {
		return err
	}
	a := Alarm{Hub: w.Hub, Kind: NotSettled, Notes: []string{h.Note}}
	a.Text = fmt.Sprintf("Hub %s signed a checkpoint of %d entries, which %s saw, and did not show within %s how it and what was verified here are one log.", w.Hub, h.Size, h.seenBy(), m.Within)
	if last, known, err := verified(ctx, tx, h.Origin); err != nil {
		return err
	} else if known {
		a.Notes = append(a.Notes, last.Note)
	}
	return m.raise(ctx, tx, a)
}
