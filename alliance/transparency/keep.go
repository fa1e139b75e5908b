package transparency

import (
	"context"
	"fmt"
	"slices"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// keep adds the entries shown to those kept of the log, if they are the next ones
// and those of the checkpoint. A member that keeps them can give them back to a hub
// that lost them, and prove what it saw.
func (m *Monitor) keep(ctx context.Context, tx *store.Tx, c *Checkpoint, s *Shown) error {
	if len(s.Entries) == 0 {
		return nil
	}
	if err := insertTree(ctx, tx, c.Origin); err != nil {
		return err
	}
	kept, err := sizeOf(ctx, tx, c.Origin)
	end := s.First + int64(len(s.Entries))
	if err != nil || s.First != kept || end > c.Size {
		return err // asked for twice: the other answer was faster
	}
	for _, record := range s.Entries {
		if len(record) > maxRecord {
			return m.altered(ctx, tx, c, kept)
		}
	}
	whole, err := tree{tx, c.Origin}.whole(ctx, kept)
	if err != nil {
		return err
	}
	r, err := newReplay(kept, whole)
	if err != nil {
		return err
	}
	for _, record := range s.Entries {
		r.add(record)
	}
	step, given := stepFrom(s.Steps, end)
	if end == c.Size {
		step, given = nil, true
	}
	if !given || checkConsistency(c, end, r.root(), step) != nil {
		return m.altered(ctx, tx, c, kept)
	}
	if _, err := grow(ctx, tx, c.Origin, end-kept); err != nil {
		return err
	}
	for i, record := range s.Entries {
		if err := (tree{tx, c.Origin}).append(ctx, kept+int64(i), record); err != nil {
			return err
		}
	}
	return nil
}

// altered raises that entries do not fit, which are not kept.
func (m *Monitor) altered(ctx context.Context, tx *store.Tx, c *Checkpoint, from int64) error {
	hub, _, err := ParseOrigin(c.Origin)
	if err != nil {
		return err
	}
	return m.raise(ctx, tx, Alarm{
		Hub: hub, Kind: Altered, Notes: []string{c.Note},
		Text: fmt.Sprintf("Hub %s showed entries from %d on that are not those of its checkpoint of %d entries. They are not kept.", hub, from, c.Size),
	})
}

// Want is what a hub is to be asked, on connecting and whenever something came from
// it.
func (m *Monitor) Want(ctx context.Context, tx *store.Tx, hub alliance.NodeID) (Want, error) {
	var w Want
	logs, err := verifiedLogs(ctx, tx, hub)
	if err != nil {
		return w, err
	}
	for i := range logs {
		l := &logs[i]
		w.Seen = l.Note // the newest comes last
		w.From = append(w.From, Mark{l.Origin, l.Size})
		waits, err := undecided(ctx, tx, l.Origin, maxSize, maxMarks/2)
		if err != nil {
			return w, err
		}
		for i := range waits {
			w.From = append(w.From, Mark{l.Origin, waits[i].Size})
		}
		kept, err := sizeOf(ctx, tx, l.Origin)
		if err != nil {
			return w, err
		}
		w.Kept = append(w.Kept, Mark{l.Origin, kept})
	}
	if len(w.From) > maxMarks {
		w.From = w.From[len(w.From)-maxMarks:]
	}
	w.Envelopes, err = notShown(ctx, tx, hub, maxEnvelopes)
	return w, err
}

// Watched is what a member knows of a hub's log.
type Watched struct {
	Hub    alliance.NodeID `json:"hub"`
	Origin string          `json:"origin"`
	Size   int64           `json:"size"` // verified
	Note   string          `json:"checkpoint"`
	Kept   int64           `json:"kept"`    // entries
	Waits  int             `json:"waiting"` // received, and not yet shown to be in the log
	Heard  int             `json:"heard"`   // checkpoints that others saw, not yet connected
}

// Watched returns what is known of the newest log of each hub.
func (m *Monitor) Watched(ctx context.Context) ([]Watched, error) {
	all := []Watched{}
	err := m.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all = all[:0]
		hubs, err := watchedHubs(ctx, tx)
		if err != nil {
			return err
		}
		for _, hub := range hubs {
			w, err := watchedOf(ctx, tx, hub)
			if err != nil {
				return err
			}
			all = append(all, w)
		}
		return nil
	})
	return all, err
}

func watchedOf(ctx context.Context, tx *store.Tx, hub alliance.NodeID) (w Watched, err error) {
	w.Hub = hub
	last, known, err := newestOf(ctx, tx, hub)
	if err != nil {
		return w, err
	}
	if known {
		w.Origin, w.Size, w.Note = last.Origin, last.Size, last.Note
		if w.Kept, err = sizeOf(ctx, tx, last.Origin); err != nil {
			return w, err
		}
		waits, err := undecided(ctx, tx, last.Origin, maxSize, maxMarks)
		if err != nil {
			return w, err
		}
		w.Heard = len(waits)
	}
	missing, err := notShown(ctx, tx, hub, maxEnvelopes)
	w.Waits = len(missing)
	return w, err
}

// Alarms returns the newest alarms, at most so many and at most 1000.
func (m *Monitor) Alarms(ctx context.Context, most int) ([]Alarm, error) {
	alarms := []Alarm{}
	err := m.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		alarms, err = newestAlarms(ctx, tx, max(1, min(most, maxEntries)))
		return err
	})
	return alarms, err
}

// Verified returns the last checkpoint verified of a hub's newest log. The error is
// fault.NotFound when there is none.
func (m *Monitor) Verified(ctx context.Context, hub alliance.NodeID) (Checkpoint, error) {
	var c Checkpoint
	err := m.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		last, known, err := newestOf(ctx, tx, hub)
		if err == nil && !known {
			err = fmt.Errorf("log of hub %s: nothing of it was seen here: %w", hub, fault.NotFound)
		}
		c = last
		return err
	})
	return c, err
}

// Compared is what came of comparing a checkpoint that somebody else saw.
type Compared struct {
	// Alarms are those about it; none where it is of the history that was verified
	// here, or not known yet.
	Alarms []Alarm `json:"alarms"`
	// Known says that it is of the history that was verified here. Otherwise the hub
	// is asked.
	Known bool `json:"known"`
}

// Compare is Heard in a transaction of its own, and tells what came of it.
func (m *Monitor) Compare(ctx context.Context, hub alliance.NodeID, from, signed string) (Compared, error) {
	var told Compared
	err := m.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		told = Compared{Alarms: []Alarm{}}
		if err := m.Heard(ctx, tx, hub, from, signed); err != nil {
			return err
		}
		c, err := ReadCheckpoint(signed)
		if err != nil {
			return err
		}
		found, err := verdictOn(ctx, tx, &c)
		if err != nil {
			return err
		}
		told.Known = found == same
		alarms, err := newestAlarms(ctx, tx, maxEntries)
		for i := range alarms {
			if slices.Contains(alarms[i].Notes, signed) {
				told.Alarms = append(told.Alarms, alarms[i])
			}
		}
		return err
	})
	return told, err
}
