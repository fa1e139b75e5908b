package audit

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Actor is who did something.
type Actor struct {
	ID   string `json:"id"`   // of the account or token; "node" for the node itself
	Name string `json:"name"` // as it was called then
	From string `json:"from"` // the address it came from, or the verb
}

// Subject is what something was done to.
type Subject struct {
	Kind string `json:"kind"` // "incident"
	ID   string `json:"id"`
}

// Entry is one thing that somebody did.
type Entry struct {
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	By      Actor           `json:"by"`
	Action  string          `json:"action"` // "incident.close"
	Subject Subject         `json:"subject"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

// Limits of an entry. A change is a few fields of a record; what is larger
// belongs into a file whose hash is recorded.
const (
	maxText  = 512
	maxState = 1 << 20
)

// Trail is the audit trail of a node. It may be used concurrently.
type Trail struct {
	db  *store.DB
	now func() time.Time
	ids store.IDs
}

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "audit", Files: schema} }

// New returns the trail that is in the database.
func New(db *store.DB, now func() time.Time) *Trail {
	return &Trail{db: db, now: now}
}

// Record writes an entry in the caller's transaction. Before and after are what
// JSON makes of them, nil for nothing: hand in what a reader of the trail should
// see, and no secrets. The error is fault.Invalid for texts longer than 512
// bytes and states larger than a megabyte.
func (t *Trail) Record(ctx context.Context, tx *store.Tx, by Actor, action string, subject Subject, before, after any) error {
	e := Entry{By: by, Action: action, Subject: subject}
	var err error
	if e.Before, err = state(before); err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	if e.After, err = state(after); err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	for _, text := range [...]string{by.ID, by.Name, by.From, action, subject.Kind, subject.ID} {
		if len(text) > maxText {
			return fmt.Errorf("audit %.100s: a text is longer than %d bytes: %w", action, maxText, fault.Invalid)
		}
	}
	now := t.now()
	e.ID, e.At = t.ids.Next(now), now
	if err := insert(ctx, tx, e); err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

func state(value any) (json.RawMessage, error) {
	if value == nil {
		return nil, nil
	}
	text, err := json.Marshal(value)
	if err == nil && len(text) > maxState {
		err = fmt.Errorf("a state is larger than %d bytes: %w", maxState, fault.Invalid)
	}
	return text, err
}

// Filter chooses entries; what is empty chooses all.
type Filter struct {
	Actor        string
	Action       string
	Kind         string
	Subject      string // needs Kind
	Since, Until time.Time
}

// MaxPage is how many entries List returns at most.
const MaxPage = 1000

// List returns entries, the last one first. Before is empty, or the ID of the
// last entry of the page before.
func (t *Trail) List(ctx context.Context, f Filter, before string, limit int) ([]Entry, error) {
	var entries []Entry
	err := t.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		entries, err = list(ctx, tx, f, before, max(1, min(limit, MaxPage)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the audit trail: %w", err)
	}
	return entries, nil
}
