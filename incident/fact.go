package incident

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan/fact"
)

// Stated is a fact as somebody stated it, in the words of the dictionary of
// facts.
type Stated struct {
	Key       string          `json:"key"`
	State     string          `json:"state"` // known, estimated, unknown, not_applicable
	Statement json.RawMessage `json:"statement"`
	By        string          `json:"by"`
	At        time.Time       `json:"at"`
	// Version is the incident's when it was stated.
	Version int64 `json:"version"`
}

// The facts that the states of a case rest on.
const (
	factContained = "times.contained"
	factRecovered = "times.recovered"
)

// maxFactsAtOnce bounds one change: more than any form asks for.
const maxFactsAtOnce = 200

// State states facts, by their keys as the dictionary writes them, or takes one
// back by null. What says what is said already changes nothing. The error is
// fault.Invalid for a fact that the dictionary refuses, and nothing of the
// change is then made.
func (r *Register) State(ctx context.Context, c Change, facts map[string]json.RawMessage) (Incident, error) {
	if len(facts) == 0 || len(facts) > maxFactsAtOnce {
		return Incident{}, fmt.Errorf("%d facts; state 1 to %d at once: %w", len(facts), maxFactsAtOnce, fault.Invalid)
	}
	stated := make([]Stated, 0, len(facts))
	for _, key := range sortedKeys(facts) {
		s, err := r.read(key, facts[key])
		if err != nil {
			return Incident{}, err
		}
		stated = append(stated, s)
	}
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		before, err := selectFacts(ctx, tx, i.ID)
		if err != nil {
			return err
		}
		for _, s := range stated {
			if old, ok := before[s.Key]; ok && bytes.Equal(old.Statement, s.Statement) {
				continue
			}
			if err := r.stateOne(ctx, tx, c, i, before[s.Key], s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *Register) stateOne(ctx context.Context, tx *store.Tx, c Change, i *Incident, before, s Stated) error {
	s.By, s.At, s.Version = c.Who.Name, r.now(), i.Version+1
	if err := insertFact(ctx, tx, i.ID, &s); err != nil {
		return err
	}
	return r.tell(ctx, tx, c, i, &Entry{
		Kind: EntryFact, Text: fmt.Sprintf("%s: %s", s.Key, s.Statement),
		Data: object("key", s.Key, "before", orNull(before.Statement), "after", s.Statement),
	})
}

// read checks a fact against the dictionary and writes it in the one form in
// which two that say the same are the same.
func (r *Register) read(key string, text json.RawMessage) (Stated, error) {
	f, err := r.config.Facts.Read(key, text)
	if err != nil {
		return Stated{}, err
	}
	written, err := r.config.Facts.Definition(key).Write(f)
	if err != nil {
		return Stated{}, fmt.Errorf("fact %s: %w", key, err)
	}
	return Stated{Key: key, State: f.State.String(), Statement: written}, nil
}

// Facts returns what is stated of an incident now, by key.
func (r *Register) Facts(ctx context.Context, id string) (facts map[string]Stated, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		facts, err = selectFacts(ctx, tx, id)
		return err
	})
	return facts, err
}

// FactHistory returns all that was ever stated under a key, oldest first.
func (r *Register) FactHistory(ctx context.Context, id, key string) (stated []Stated, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		stated, err = selectFactHistory(ctx, tx, id, key)
		return err
	})
	return stated, err
}

func known(facts map[string]Stated, key string) bool {
	return facts[key].State == fact.Known.String()
}

func orNull(text json.RawMessage) json.RawMessage {
	if len(text) == 0 {
		return json.RawMessage("null")
	}
	return text
}
