package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/store"
	"tocsin/memory"
	"tocsin/node"
)

// step is what one step of taking in and answering a warning costs a member, in
// microseconds of CPU.
type step struct {
	Name  string
	Micro float64
}

// stepsOf measures the steps one by one, with the last warning that arrived, on a
// member at rest.
func stepsOf(ctx context.Context, m *fullMember) ([]step, error) {
	list, _, err := m.inbox.List(ctx, nil, "", 1)
	if err != nil || len(list) == 0 {
		return nil, fmt.Errorf("no warning arrived: %w", err)
	}
	shown, err := m.answers.Show(ctx, list[0].ID)
	if err != nil {
		return nil, err
	}
	arrived, err := m.inbox.Show(ctx, list[0].ID)
	if err != nil {
		return nil, err
	}
	return m.measure(ctx, arrived.Content, shown.Answer)
}

// measure does each step some times.
func (m *fullMember) measure(ctx context.Context, w *alliance.Warning, last *alliance.Answer) (all []step, err error) {
	now := time.Now()
	header := envelope.Header{
		ID: store.NewID(now), Kind: alliance.WarningKind, Schema: 1, Audience: alliance.To(m.identity.ID()), Marking: intel.TLPAmber,
		Issued: now, Expires: now.Add(time.Hour),
	}
	body, err := json.Marshal(alliance.Bulletin{Change: alliance.IssuedChange, Warning: w.ID, Number: w.Number, Revision: w.Revision, At: now, Content: w})
	if err != nil {
		return nil, err
	}
	sealed, err := m.identity.Seal(header, body)
	if err != nil {
		return nil, err
	}
	text, err := sealed.Bytes()
	if err != nil {
		return nil, err
	}
	own := envelope.Passports{m.identity.ID(): m.identity.Passport()}
	hunt := node.Hunt{}
	for i := range w.Indicators {
		hunt.Questions = append(hunt.Questions, memory.Question{Observable: intel.Observable{Kind: w.Indicators[i].Kind, Value: w.Indicators[i].Value}})
	}
	answered, err := json.Marshal(last)
	if err != nil {
		return nil, err
	}
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"verify: read the envelope, check hash and signature", func() error {
			e, err := envelope.Parse(text)
			if err == nil {
				_, err = e.Verify(own, now)
			}
			return err
		}},
		{"read: the bulletin's JSON and its rules of form", func() error {
			var b alliance.Bulletin
			if err := json.Unmarshal(body, &b); err != nil {
				return err
			}
			return b.Check()
		}},
		{"hunt: the ledger and its coverage", func() error { _, err := m.warned.Hunt(ctx, hunt); return err }},
		{"hunt and compose the answer", func() error { _, err := m.warned.Answer(ctx, w, false); return err }},
		{"sign the answer", func() error { _, err := m.identity.Seal(header, answered); return err }},
		{"send: its rows in the outbox, with the commit", func() error {
			h := header
			h.ID, h.Kind = store.NewID(time.Now()), "bench.nothing"
			e, err := m.identity.Seal(h, answered)
			if err != nil {
				return err
			}
			return m.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
				if err := m.links.Send(ctx, tx, e, w.Author); err != nil {
					return err
				}
				_, err := m.links.Withdraw(ctx, tx, m.identity.ID(), h.ID)
				return err
			})
		}},
	} {
		micro, err := costOf(s.do)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		all = append(all, step{s.name, micro})
	}
	return all, nil
}

// costOf is the CPU that something takes, in microseconds, of some runs after one
// that does not count.
func costOf(do func() error) (float64, error) {
	if err := do(); err != nil {
		return 0, err
	}
	const enough = 300 * time.Millisecond
	began, before, n := time.Now(), used(), 0
	for time.Since(began) < enough || n < 3 {
		if err := do(); err != nil {
			return 0, err
		}
		n++
	}
	return float64(used()-before) / float64(time.Microsecond) / float64(n), nil
}
