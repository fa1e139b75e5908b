package filing_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/filing"
	"tocsin/alliance/link"
	"tocsin/alliance/link/linktest"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// office is a node with a desk.
type office struct {
	id    alliance.NodeID
	db    *store.DB
	desk  *filing.Desk
	ways  map[alliance.NodeID]alliance.NodeID
	mu    sync.Mutex
	heard []filing.Heard  // guarded by mu
	done  []filing.Filing // guarded by mu
	// unfit is what meeting a clock fails with.
	unfit  error
	logged int
}

// country is a hospital below an association below an authority.
type country struct {
	net                             linktest.Net
	ring                            envelope.Passports
	hospital, association, ministry *office
}

var ann = audit.Actor{Name: "ann"}

func newCountry(t *testing.T, config func(testing.TB) store.Config) *country {
	t.Helper()
	c := &country{ring: envelope.Passports{}}
	var identities []*envelope.Identity
	for range 3 {
		i, err := envelope.Create(t.TempDir(), time.Now().Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		c.ring[i.ID()] = i.Passport()
		identities = append(identities, i)
	}
	h, a, m := identities[0].ID(), identities[1].ID(), identities[2].ID()
	c.hospital = c.open(t, config(t), identities[0], map[alliance.NodeID]alliance.NodeID{a: a, m: a})
	c.association = c.open(t, config(t), identities[1], map[alliance.NodeID]alliance.NodeID{h: h, m: m})
	c.ministry = c.open(t, config(t), identities[2], map[alliance.NodeID]alliance.NodeID{a: a, h: a})
	return c
}

func (c *country) open(t *testing.T, config store.Config, identity *envelope.Identity, ways map[alliance.NodeID]alliance.NodeID) *office {
	t.Helper()
	o := &office{id: identity.ID(), ways: ways, db: storetest.Open(t, config, audit.Room(), link.Room(), filing.Room())}
	blobs, err := store.OpenBlobs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	links, err := link.New(link.Config{
		DB: o.db, Identity: identity, Ring: c.ring, Blobs: blobs, Carrier: c.net.Carrier(o.id),
		Neighbour: func(_ context.Context, _ *store.Tx, node alliance.NodeID) (link.Role, bool, error) {
			return link.Below, ways[node] == node, nil
		},
		Carries: func(context.Context, *store.Tx, alliance.NodeID, *envelope.Header) (bool, error) { return true, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	o.desk, err = filing.New(filing.Config{
		DB: o.db, Trail: audit.New(o.db, time.Now), Identity: identity, Links: links,
		Way: func(_ context.Context, _ *store.Tx, node alliance.NodeID) (alliance.NodeID, error) {
			if way, ok := ways[node]; ok {
				return way, nil
			}
			return "", fault.NotFound
		},
		Export: func(_ context.Context, report, recipient, _ string) (filing.Exported, error) {
			if report == "unsigned" {
				return filing.Exported{}, fault.Conflict
			}
			return filing.Exported{ID: "id-" + report, IncidentID: "case", Marking: intel.TLPAmber, Report: filing.Report{
				Number: report, Version: 1, Incident: "2017-0001", Regime: "cn-plan-2017", Recipient: recipient, Form: "first", Title: "Files renamed",
				Content: json.RawMessage(`{"fields":[]}`),
			}}, nil
		},
		Delivered: func(_ context.Context, _ *store.Tx, f *filing.Filing) error {
			if o.unfit != nil {
				return o.unfit
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			o.done = append(o.done, *f)
			return nil
		},
		Arrived: func(_ context.Context, _ *store.Tx, in *filing.Incoming) (string, error) {
			return "case of " + in.Report.Number, nil
		},
		Logged: func(_ context.Context, tx *store.Tx, _ *envelope.Envelope) error {
			tx.Committed(func() { o.logged++ })
			return nil
		},
		Heard: func(_ context.Context, tx *store.Tx, h *filing.Heard) error {
			tx.Committed(func() {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.heard = append(o.heard, *h)
			})
			return nil
		},
		Merged: func(_ context.Context, _ *store.Tx, incident string) ([]string, error) {
			return []string{incident, "case of second", "case of third"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.net.Join(o.id, links)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- links.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return o
}

// until waits for something that comes by itself.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not in time: %s", what)
}

func (o *office) received(t *testing.T, report string) filing.Filing {
	t.Helper()
	var f filing.Filing
	until(t, "the receipt of "+report, func() bool {
		all, err := o.desk.Filings(t.Context(), "id-"+report, "")
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		f = all[0]
		return f.State != filing.Sent
	})
	return f
}

func (o *office) hears(t *testing.T, n int) []filing.Heard {
	t.Helper()
	var heard []filing.Heard
	until(t, fmt.Sprint(n, " words"), func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		heard = slices.Clone(o.heard)
		return len(heard) >= n
	})
	return heard
}

func each(t *testing.T, test func(t *testing.T, c *country)) {
	t.Helper()
	for name, config := range map[string]func(testing.TB) store.Config{"sqlite": storetest.SQLite, "postgresql": storetest.PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newCountry(t, config))
		})
	}
}

func TestReportGoesUpThroughARelayAndItsReceiptMeetsTheClock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *country) {
		h, m := c.hospital, c.ministry
		if _, err := h.desk.Send(t.Context(), ann, filing.Order{Report: "first", Recipient: "emergency_office", Node: ""}); !errors.Is(err, fault.NotFound) {
			t.Errorf("nobody's address: %v", err)
		}
		if err := h.desk.SetAddress(t.Context(), ann, filing.Address{Regime: "cn-plan-2017", Recipient: "emergency_office", Node: m.id}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.desk.Send(t.Context(), ann, filing.Order{Report: "unsigned", Recipient: "emergency_office", Node: ""}); !errors.Is(err, fault.Conflict) {
			t.Errorf("unsigned: %v", err)
		}
		sent, err := h.desk.Send(t.Context(), ann, filing.Order{Report: "first", Recipient: "emergency_office", Node: ""})
		if err != nil {
			t.Fatal(err)
		}
		again, err := h.desk.Send(t.Context(), ann, filing.Order{Report: "first", Recipient: "emergency_office", Node: ""})
		if err != nil || again.ID != sent.ID {
			t.Errorf("sent again: %+v, %v", again, err)
		}
		f := h.received(t, "first")
		if f.State != filing.Received || !strings.HasPrefix(f.Theirs, "R-") || f.Received.Before(f.At) || f.Detail != "" {
			t.Errorf("%+v", f)
		}
		// The receipt proves itself to anyone who has the authority's card.
		e, err := envelope.Parse(f.Receipt)
		if err != nil {
			t.Fatal(err)
		}
		if header, err := e.Verify(c.ring, time.Now()); err != nil || header.Author != m.id {
			t.Errorf("receipt: %+v, %v", header, err)
		}
		in, signed, err := m.desk.Get(t.Context(), f.Theirs)
		if err != nil || in.Author != h.id || in.Report.Number != "first" || in.Incident != "case of first" {
			t.Errorf("%+v, %v", in, err)
		}
		if e, err = envelope.Parse(signed); err != nil || len(e.Signatures) != 2 {
			t.Errorf("the report as it came: %v", err)
		}
		if len(h.done) != 1 || m.logged != 1 {
			t.Errorf("%d clocks met, %d receipts in the log", len(h.done), m.logged)
		}
	})
}

func TestMoreIsAskedForAndGuidanceComesDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *country) {
		h, m := c.hospital, c.ministry
		var numbers []string
		for _, report := range []string{"first", "second"} {
			if _, err := h.desk.Send(t.Context(), ann, filing.Order{Report: report, Recipient: "emergency_office", Node: m.id}); err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, h.received(t, report).Theirs)
		}
		if _, err := m.desk.Ask(t.Context(), ann, "R-1999-000001", "How many?", time.Time{}); !errors.Is(err, fault.NotFound) {
			t.Errorf("about nothing: %v", err)
		}
		if _, err := m.desk.Ask(t.Context(), ann, numbers[0], " ", time.Time{}); !errors.Is(err, fault.Invalid) {
			t.Errorf("nothing: %v", err)
		}
		due := time.Now().Add(time.Hour)
		if _, err := m.desk.Ask(t.Context(), ann, numbers[0], "How many computers?", due); err != nil {
			t.Fatal(err)
		}
		asked := h.hears(t, 1)[0]
		if asked.Kind != filing.InquiryKind || asked.Text != "How many computers?" || asked.Incident != "case" || asked.Due == nil || !asked.Due.Equal(due) {
			t.Errorf("%+v", asked)
		}
		if _, err := h.desk.Reply(t.Context(), ann, asked.ID, "Forty."); err != nil {
			t.Fatal(err)
		}
		reply := m.hears(t, 1)[0]
		if reply.Kind != filing.ReplyKind || reply.About != asked.ID || reply.Text != "Forty." || reply.Incident != "case of first" {
			t.Errorf("%+v", reply)
		}
		// Both reports were merged into one case: who sent both is told once.
		said, err := m.desk.Guide(t.Context(), ann, "case of first", "Take it off the network.")
		if err != nil || len(said) != 1 {
			t.Fatalf("%+v, %v", said, err)
		}
		if got := h.hears(t, 2)[1]; got.Kind != filing.GuidanceKind || got.Number != numbers[1] {
			t.Errorf("%+v", got)
		}
	})
}

func TestAClockThatCannotBeMetIsSaidAndTheReceiptKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *country) {
		c.hospital.unfit = fmt.Errorf("the incident is closed: %w", fault.Conflict)
		if _, err := c.hospital.desk.Send(t.Context(), ann, filing.Order{Report: "first", Recipient: "emergency_office", Node: c.ministry.id}); err != nil {
			t.Fatal(err)
		}
		f := c.hospital.received(t, "first")
		if f.State != filing.Received || !strings.Contains(f.Detail, "the incident is closed") || len(f.Receipt) == 0 {
			t.Errorf("%+v", f)
		}
	})
}
