package warning_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/warning"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/store"
)

// inbox is a member of the office's alliance: its own identity, in the same
// database, since a desk's tables and an inbox's have nothing in common.
type inbox struct {
	*warning.Inbox
	o        *office
	self     *envelope.Identity
	up       alliance.NodeID
	loads    map[string]uint64 // what a dry run finds, by question
	inForce  map[string][]int  // what is held, by warning in force
	arrived  []alliance.Change
	replies  []*envelope.Envelope
	forwards []alliance.NodeID
	below    warning.Reach
	needs    []warning.RosterNeed
	duties   map[alliance.Colour][]warning.Duty
}

func newInbox(t testing.TB, o *office) *inbox {
	t.Helper()
	self, err := envelope.Create(t.TempDir(), morning.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	card := alliance.Card{Kind: alliance.Enterprise, Issued: morning, Names: map[string]string{"en": "Hospital"}, Sectors: []string{"health.hospital"}}
	if err := self.Describe(card); err != nil {
		t.Fatal(err)
	}
	o.ring[self.ID()] = self.Passport()
	i := &inbox{o: o, self: self, up: o.self.ID(), loads: map[string]uint64{}, inForce: map[string][]int{}}
	described, err := self.Passport().Card()
	if err != nil {
		t.Fatal(err)
	}
	o.cards = append(o.cards, &described)
	i.duties = map[alliance.Colour][]warning.Duty{
		alliance.Red:    {{Name: "xx/red.duty", Who: "Operators", Task: "Duty around the clock", Roster: true, Mark: []string{"unconfirmed"}}},
		alliance.Yellow: {{Name: "xx/yellow.watch", Who: "Operators", Task: "Watch more closely"}},
	}
	i.Inbox = warning.NewInbox(warning.InboxConfig{
		DB: o.db, Trail: audit.New(o.db, o.now), Identity: self, Desk: o.Desk, Now: o.now,
		Uplink: func(_ context.Context, _ *store.Tx, n alliance.NodeID) (bool, error) { return n == i.up, nil },
		Recipients: func(context.Context, *store.Tx, alliance.NodeID, intel.Marking, alliance.Scope) (warning.Reach, error) {
			return i.below, nil
		},
		Forward: func(_ context.Context, tx *store.Tx, _ warning.Message, to ...alliance.NodeID) error {
			tx.Committed(func() { i.forwards = append(i.forwards, to...) })
			return nil
		},
		Send: func(_ context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error {
			if len(to) != 1 || to[0] != i.up {
				return errors.New("a reply does not go to where the warning came from")
			}
			tx.Committed(func() { i.o.mu.Lock(); i.replies = append(i.replies, e); i.o.mu.Unlock() })
			return nil
		},
		Named: func(context.Context, *store.Tx, alliance.NodeID) (bool, error) { return true, nil },
		Tell: func(_ context.Context, tx *store.Tx, n warning.Notice) error {
			tx.Committed(func() { o.mu.Lock(); o.notices = append(o.notices, n); o.mu.Unlock() })
			return nil
		},
		Arrived: func(_ context.Context, tx *store.Tx, b *alliance.Bulletin, _ warning.Message) error {
			tx.Committed(func() { i.arrived = append(i.arrived, b.Change) })
			return nil
		},
		DryRun: func(_ context.Context, w *alliance.Warning, _ time.Time) ([]warning.Load, error) {
			var all []warning.Load
			for q := range w.Questions() {
				if hits := i.loads[warning.QuestionText(w, q)]; hits > 0 {
					all = append(all, warning.Load{Question: q, Hits: hits})
				}
			}
			return all, nil
		},
		InForce: func(_ context.Context, _ *store.Tx, w *alliance.Warning, held []int) error {
			// At once, since transactions that follow each other may commit together.
			i.o.mu.Lock()
			defer i.o.mu.Unlock()
			i.inForce[w.ID] = held
			return nil
		},
		Withdraw: func(_ context.Context, _ *store.Tx, id string, _ alliance.Change) error {
			i.o.mu.Lock()
			defer i.o.mu.Unlock()
			delete(i.inForce, id)
			return nil
		},
		Duties: func(_ context.Context, _ *store.Tx, w *alliance.Warning) ([]warning.Duty, error) {
			return append([]warning.Duty(nil), i.duties[w.Colour]...), nil
		},
		Roster: func(_ context.Context, tx *store.Tx, n warning.RosterNeed) error {
			tx.Committed(func() { i.o.mu.Lock(); i.needs = append(i.needs, n); i.o.mu.Unlock() })
			return nil
		},
	})
	return i
}

// takes hands the member a message from a neighbour.
func (i *inbox) takes(e *envelope.Envelope, from alliance.NodeID) error {
	return i.o.hand(e, from, i.Handle)
}

// hand hands a message to a handler as link does: verified, in a transaction.
func (o *office) hand(e *envelope.Envelope, from alliance.NodeID, handle func(context.Context, *store.Tx, warning.Message) error) error {
	h, err := e.Verify(o.ring, o.now())
	if err != nil {
		return err
	}
	return o.db.Tx(o.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return handle(ctx, tx, warning.Message{From: from, Envelope: e, Header: h, Body: e.Body, At: o.now()})
	})
}

// deliver hands the member what the office sent to it from the n-th message on.
func (i *inbox) deliver(t *testing.T, from int) int {
	t.Helper()
	for _, e := range i.o.sent[from:] {
		h, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		if !contains(i.o.to[h.ID], i.self.ID()) {
			continue
		}
		if err := i.takes(e, i.up); err != nil {
			t.Fatal(err)
		}
	}
	return len(i.o.sent)
}
