package transparency

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// MonitorConfig is what a member watches the logs of its hubs with.
type MonitorConfig struct {
	DB *store.DB
	// Keys are those that a hub signs or signed with, but for those revoked.
	Keys func(ctx context.Context, tx *store.Tx, hub alliance.NodeID) ([]ed25519.PublicKey, error)
	// Alarm is told of each alarm in the transaction that records it; may be nil.
	Alarm func(ctx context.Context, tx *store.Tx, a Alarm) error
	// Within is how long a hub has to show that what it sent is in its log, and that
	// what others saw is of the same; 0 is defaultWithin.
	Within time.Duration
	Now    func() time.Time // time.Now when nil
}

// defaultWithin bears a hub that is off for a while, and a person is still told
// within the watch.
const defaultWithin = time.Hour

// Monitor watches the logs of a member's hubs. It may be used concurrently.
type Monitor struct {
	MonitorConfig
	timers *timer.Timers
}

// NewMonitor returns a monitor, which works once it has joined its timers.
func NewMonitor(config MonitorConfig) *Monitor {
	m := &Monitor{MonitorConfig: config}
	if m.Within <= 0 {
		m.Within = defaultWithin
	}
	if m.Now == nil {
		m.Now = time.Now
	}
	return m
}

// open verifies a checkpoint as one of a hub's.
func (m *Monitor) open(ctx context.Context, tx *store.Tx, hub alliance.NodeID, signed string) (c Checkpoint, number int64, err error) {
	keys, err := m.Keys(ctx, tx, hub)
	if err != nil {
		return c, 0, fmt.Errorf("keys of hub %s: %w", hub, err)
	}
	if c, err = OpenCheckpoint(signed, keys...); err != nil {
		return c, 0, err
	}
	node, number, err := ParseOrigin(c.Origin)
	if err == nil && node != hub {
		err = fmt.Errorf("log %s is not of hub %s: %w", c.Origin, hub, fault.Invalid)
	}
	return c, number, err
}

// See takes up what a hub shows of its logs, in the caller's transaction. What does
// not fit is an alarm and does not replace what was verified before. The error is
// fault.Invalid for what the hub did not sign: whoever sent it, it says nothing.
func (m *Monitor) See(ctx context.Context, tx *store.Tx, hub alliance.NodeID, shown []Shown) error {
	for i := range shown {
		if err := m.see(ctx, tx, hub, &shown[i]); err != nil {
			return fmt.Errorf("log of hub %s: %w", hub, err)
		}
	}
	return nil
}

func (m *Monitor) see(ctx context.Context, tx *store.Tx, hub alliance.NodeID, s *Shown) error {
	c, number, err := m.open(ctx, tx, hub, s.Checkpoint)
	if err != nil {
		return err
	}
	if len(s.Steps) > maxMarks+1 || len(s.Entries) > maxEntries || len(s.Included) > maxEnvelopes+1 {
		return fmt.Errorf("more is shown than can be asked for: %w", fault.Invalid)
	}
	good, err := m.advance(ctx, tx, hub, number, &c, s)
	if err != nil || !good {
		return err
	}
	if err := m.keep(ctx, tx, &c, s); err != nil {
		return err
	}
	if err := m.connect(ctx, tx, &c, s.Steps); err != nil {
		return err
	}
	for i := range s.Included {
		if err := m.included(ctx, tx, hub, &c, &s.Included[i]); err != nil {
			return err
		}
	}
	return m.lookUp(ctx, tx, hub, c.Origin)
}

// advance makes a checkpoint the last one verified if it goes on from that, and
// reports whether it is that now.
func (m *Monitor) advance(ctx context.Context, tx *store.Tx, hub alliance.NodeID, number int64, c *Checkpoint, s *Shown) (bool, error) {
	forked, err := m.compare(ctx, tx, hub, c, "")
	if err != nil || forked {
		return false, err
	}
	last, known, err := verified(ctx, tx, c.Origin)
	switch {
	case err != nil:
		return false, err
	case !known:
		ok, err := m.begins(ctx, tx, hub, number, c, s)
		if err != nil || !ok {
			return false, err
		}
	case c.Size == last.Size:
		return true, nil // compare has seen that the root is the same
	case c.Size < last.Size:
		return false, m.note(ctx, tx, hub, c, "")
	default:
		step, given := stepFrom(s.Steps, last.Size)
		if !given {
			return false, m.note(ctx, tx, hub, c, "")
		}
		if checkConsistency(c, last.Size, last.Root, step) != nil {
			if err := putSeen(ctx, tx, hub, c, "", m.Now(), other); err != nil {
				return false, err
			}
			return false, m.raise(ctx, tx, Alarm{
				Hub: hub, Kind: NotConsistent, Notes: []string{last.Note, c.Note},
				Text: fmt.Sprintf("Hub %s does not show that its log of %d entries goes on from the one of %d that was verified here: its proof is wrong.", hub, c.Size, last.Size),
			})
		}
	}
	if err := putSeen(ctx, tx, hub, c, "", m.Now(), same); err != nil {
		return false, err
	}
	return true, putVerified(ctx, tx, hub, number, c, m.Now())
}

// begins decides on the first checkpoint that is seen of a log. The first log of a
// hub that is seen is taken as it is; one that takes the place of another must
// begin with what it says of that.
func (m *Monitor) begins(ctx context.Context, tx *store.Tx, hub alliance.NodeID, number int64, c *Checkpoint, s *Shown) (bool, error) {
	before, known, err := newestOf(ctx, tx, hub)
	if err != nil || !known {
		return err == nil, err
	}
	if _, last, err := ParseOrigin(before.Origin); err != nil || number < last {
		// A log older than the one known, whose entries somebody waits for: nothing here
		// to compare it with but what others saw.
		return err == nil, err
	}
	a := Alarm{Hub: hub, Kind: NewLog, Notes: []string{before.Note, c.Note}}
	said, ok := succession(c, s.Included)
	if !ok {
		a.Text = fmt.Sprintf("Hub %s shows log %s in the place of %s, and not what it says of that one. It is not accepted.", hub, c.Origin, before.Origin)
		return false, m.raise(ctx, tx, a)
	}
	covered := false
	if said != "" {
		old, _, err := m.open(ctx, tx, hub, said)
		if err == nil && old.Origin == before.Origin {
			forked, err := m.compare(ctx, tx, hub, &old, "")
			if err != nil {
				return false, err
			}
			covered = !forked && old.Size >= before.Size
			a.Notes = append(a.Notes, said)
			if covered && old.Size > before.Size {
				if err := m.note(ctx, tx, hub, &old, ""); err != nil {
					return false, err
				}
			}
		}
	}
	a.Text = fmt.Sprintf("Hub %s began a new log, %s, in the place of %s. What it says of the old one covers all that was seen here.", hub, c.Origin, before.Origin)
	if !covered {
		a.Text = fmt.Sprintf("Hub %s began a new log, %s, in the place of %s. It does not vouch for all of the old one that was seen here, %d entries: ask it why.", hub, c.Origin, before.Origin, before.Size)
	}
	return true, m.raise(ctx, tx, a)
}

// succession returns what a log says of the one before, if that is shown.
func succession(c *Checkpoint, included []Included) (note string, ok bool) {
	for i := range included {
		in := &included[i]
		if in.Index != 0 || checkInclusion(c, 0, in.Record, in.Proof) != nil {
			continue
		}
		e, err := ParseRecord(in.Record)
		return e.Before, err == nil && e.Kind == Succession
	}
	return "", false
}

func stepFrom(steps []Step, size int64) (Proof, bool) {
	for _, s := range steps {
		if s.Size == size {
			return s.Proof, true
		}
	}
	return nil, false
}
