package answer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Telling is what a person says for a member.
type Telling struct {
	Verdict alliance.Verdict `json:"verdict"`
	By      string           `json:"by"`            // who told it
	How     string           `json:"how,omitempty"` // telephone, by default
	When    time.Time        `json:"when,omitzero"` // now, by default
	Note    string           `json:"note,omitempty"`
}

func (t *Telling) check(now time.Time) error {
	t.By, t.Note = strings.TrimSpace(t.By), strings.TrimSpace(t.Note)
	if t.How == "" {
		t.How = "telephone"
	}
	if t.When.IsZero() {
		t.When = now
	}
	const maxName = 200
	switch {
	case !slices.Contains(alliance.Verdicts(), t.Verdict):
		return fmt.Errorf("verdict %q: use one of %q: %w", t.Verdict, alliance.Verdicts(), fault.Invalid)
	case t.By == "" || len(t.By) > maxName || len(t.How) > maxName:
		return fmt.Errorf("say who told it, in at most %d bytes: %w", maxName, fault.Invalid)
	case t.How != "telephone" && t.How != "mail" && t.How != byForm:
		return fmt.Errorf("told by %q: use telephone, mail or form: %w", t.How, fault.Invalid)
	case t.Verdict == alliance.CannotTell && t.Note == "":
		return fmt.Errorf("say in the note why they cannot tell: %w", fault.Invalid)
	case len(t.Note) > maxSaid:
		return fmt.Errorf("the note has %d bytes; at most %d: %w", len(t.Note), maxSaid, fault.Invalid)
	case t.When.After(now.Add(time.Minute)):
		return fmt.Errorf("it was told at %s, which is in the future: %w", t.When.Format(time.RFC3339), fault.Invalid)
	}
	return nil
}

// Tell writes down an answer that an officer was told. It is marked so, and never
// stands in the place of what a node measured: the error is fault.Conflict then.
func (a *Answers) Tell(ctx context.Context, who audit.Actor, warning string, member alliance.NodeID, t Telling) error {
	if err := t.check(a.now()); err != nil {
		return fmt.Errorf("told answer of %s: %w", member, err)
	}
	return a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, err := findAsked(ctx, tx, warning)
		if err != nil {
			return err
		}
		p, err := selectPlace(ctx, tx, b.Warning, member)
		if err != nil {
			return fmt.Errorf("member %s on the board of warning %s: %w", member, b.Number, err)
		}
		return a.tell(ctx, tx, who, &b, &p, &t)
	})
}

func (a *Answers) tell(ctx context.Context, tx *store.Tx, who audit.Actor, b *sheet, p *place, t *Telling) error {
	if !p.First.IsZero() && !p.Told {
		return fmt.Errorf("the node of %s has answered warning %s itself: what is told does not replace that: %w", p.Name, b.Number, fault.Conflict)
	}
	answer := alliance.Answer{
		Warning: b.Warning, Revision: b.Revision, Member: p.Member, Sequence: p.Sequence + 1, At: a.now(), Verdict: t.Verdict, Reason: t.Note,
		Told: &alliance.Told{By: t.By, How: t.How, To: who.Name, When: t.When.UTC()},
	}
	if t.How == byForm {
		answer.Told.To = ""
	}
	before := p.State
	if err := a.place(ctx, tx, p, &answer, ""); err != nil {
		return err
	}
	return a.config.Trail.Record(ctx, tx, who, "answer.told", subject(b.Warning),
		map[string]any{"member": p.Member, "state": before}, map[string]any{"member": p.Member, "state": p.State, "told": answer.Told})
}

const (
	// byForm is how an answer by form was told.
	byForm = "form"
	// formFor is how long a form may be used.
	formFor = 14 * 24 * time.Hour
	// secretBytes make a link that nobody guesses.
	secretBytes = 20
)

var secretEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// sendForm gives a member without a node a link to answer at, once.
func (a *Answers) sendForm(ctx context.Context, tx *store.Tx, b *sheet, w *alliance.Warning, e *Expected) error {
	var random [secretBytes]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	secret := secretEncoding.EncodeToString(random[:])
	until := a.now().Add(formFor)
	if err := insertForm(ctx, tx, hashOf(secret), b.Warning, e.Member, until); err != nil {
		return err
	}
	return a.notify(ctx, tx, Notice{
		Kind: FormLink, Warning: b.Warning, Number: b.Number, Title: b.Title, Colour: b.Colour, Member: e.Member, Name: e.Name, Link: secret, Due: until,
		Asked: w,
	})
}

func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Form is what a member without a node answers.
type Form struct {
	Number string
	Title  string
	Colour alliance.Colour
	Name   string // the member's
	Until  time.Time
}

type formRow struct {
	warning string
	member  alliance.NodeID
	until   time.Time
	used    time.Time
}

// ReadForm returns what a link is for. The error is fault.NotFound for one that was
// used, is too old, or never was.
func (a *Answers) ReadForm(ctx context.Context, secret string) (f Form, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, p, row, err := a.form(ctx, tx, secret)
		f = Form{Number: b.Number, Title: b.Title, Colour: b.Colour, Name: p.Name, Until: row.until}
		return err
	})
	return f, err
}

func (a *Answers) form(ctx context.Context, tx *store.Tx, secret string) (b sheet, p place, row formRow, err error) {
	row, err = selectForm(ctx, tx, hashOf(secret))
	if errors.Is(err, fault.NotFound) || err == nil && (!row.used.IsZero() || !a.now().Before(row.until)) {
		return b, p, row, fmt.Errorf("this link was used, or is too old: %w", fault.NotFound)
	}
	if err != nil {
		return b, p, row, err
	}
	if b, err = selectAsked(ctx, tx, row.warning); err != nil {
		return b, p, row, err
	}
	p, err = selectPlace(ctx, tx, row.warning, row.member)
	return b, p, row, err
}

// FillForm takes an answer by form, and uses its link up.
func (a *Answers) FillForm(ctx context.Context, secret string, from string, t Telling) error {
	t.How, t.When = byForm, time.Time{}
	if err := t.check(a.now()); err != nil {
		return err
	}
	return a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, p, _, err := a.form(ctx, tx, secret)
		if err != nil {
			return err
		}
		if err := useForm(ctx, tx, hashOf(secret), a.now()); err != nil {
			return err
		}
		return a.tell(ctx, tx, audit.Actor{ID: "form", Name: t.By, From: from}, &b, &p, &t)
	})
}
