package warning

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/people"
)

// SuspendedKind is the kind of an envelope that says what of a warning a member
// holds. Its body is a Flood.
const SuspendedKind = "suspended"

// WithdrawnKind is the kind of an envelope that says that what a warning brought is
// gone at its sender, since it was recalled. Its body is an alliance.Receipt of the
// recall.
const WithdrawnKind = "withdrawn"

// Flood says that questions of a warning would flood their sender, which holds
// them. It does not say how often they were seen: that is an answer's to say, as
// the member releases it.
type Flood struct {
	Warning   string    `json:"warning"`
	Revision  int       `json:"revision"`
	Questions []int     `json:"questions"`
	At        time.Time `json:"at"`
}

func flood(a *Arrived, held []Suspended, at time.Time) Flood {
	f := Flood{Warning: a.ID, Revision: a.Revision, At: at}
	for _, s := range held {
		f.Questions = append(f.Questions, s.Question)
	}
	return f
}

// QuestionText says what a question of a warning asks for, on one line.
func QuestionText(w *alliance.Warning, question int) string {
	n := question
	switch {
	case n < 0:
	case n < len(w.Indicators):
		i := &w.Indicators[n]
		text := i.Kind.String() + " " + i.Value
		if m := i.Match.String(); m != "" {
			text += " (" + m + ")"
		}
		if i.Port != 0 {
			text += fmt.Sprintf(" port %d", i.Port)
		}
		return text
	case n < len(w.Indicators)+len(w.Rules):
		return "rule " + w.Rules[n-len(w.Indicators)].ID
	case n < w.Questions():
		p := &w.Products[n-len(w.Indicators)-len(w.Rules)]
		return strings.TrimSpace("product " + p.CPE + p.PURL + " " + p.Versions)
	}
	return fmt.Sprintf("question %d", question)
}

// suspension is what people here are told of what is held.
func (a *Arrived) suspension(held []Suspended, limit uint64) Notice {
	var t strings.Builder
	fmt.Fprintf(&t, "Of warning %s (%s) %d questions would have hit more than %d times in an hour of the last day. They are held and raise nothing:\n\n", a.Number, a.Colour, len(held), limit)
	for k, s := range held {
		if k == 20 {
			fmt.Fprintf(&t, "  and %d more\n", len(held)-k)
			break
		}
		fmt.Fprintf(&t, "  %4d  %s: %d in the worst hour\n", s.Question, s.What, s.Hits)
	}
	fmt.Fprintf(&t, "\nIts author is told. What to do: look at what was seen (tocsin hunt), and let through what is meant: tocsin warn release %s QUESTION --why …\n", a.Number)
	return Notice{
		Key: fmt.Sprintf("warning/%s/suspended/%d", a.ID, a.Revision), Kind: NoticeSuspended, Warning: a.ID, Number: a.Number, Colour: a.Colour,
		To: []string{dutyOfficer}, Subject: fmt.Sprintf("[%s] %d questions of the warning are held: they would flood", a.Number, len(held)), Text: t.String(),
	}
}

// Release lets a question through that is held: a person saw that what it finds is
// meant. It holds for later revisions that ask the same.
func (i *Inbox) Release(ctx context.Context, c Change, question int) (a Arrived, err error) {
	if err := (by{people.AnswerWarnings, false}).allows(c.Who, "let questions through"); err != nil {
		return a, err
	}
	if strings.TrimSpace(c.Why) == "" || checkTexts(text{c.Why, maxText}) != nil {
		return a, fmt.Errorf("a reason is needed, of at most %d bytes: %w", maxText, fault.Invalid)
	}
	err = i.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if a, err = i.get(ctx, tx, c.Warning); err != nil {
			return err
		}
		if a.State != StandingInForce {
			return fmt.Errorf("warning %s is %s: nothing of it is in force: %w", a.Number, a.State, fault.Conflict)
		}
		n, err := releaseSuspended(ctx, tx, a.ID, a.Revision, question, c.Who.Name, strings.TrimSpace(c.Why), i.now())
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("question %d of warning %s is not held: %w", question, a.Number, fault.Conflict)
		}
		w, err := a.said()
		if err != nil {
			return err
		}
		held, err := selectHeld(ctx, tx, a.ID, a.Revision)
		if err != nil {
			return err
		}
		if err := i.config.InForce(ctx, tx, w, held); err != nil {
			return err
		}
		return i.config.Trail.Record(ctx, tx, c.Who.Actor, "warning.release", audit.Subject{Kind: "warning", ID: a.ID}, nil,
			map[string]any{"question": question, "why": c.Why})
	})
	return a, err
}

// Replied takes what recipients say about a warning, as link's handler of
// SuspendedKind and WithdrawnKind: of our own it is kept, of one that we
// passed on it goes on to where that came from, unless its sender may not be named.
func (i *Inbox) Replied(ctx context.Context, tx *store.Tx, in Message) error {
	switch in.Header.Kind {
	case WithdrawnKind:
		return i.receipted(ctx, tx, in)
	case SuspendedKind:
		return i.flooded(ctx, tx, in)
	}
	return refused("kind %q is no reply to a warning", in.Header.Kind)
}

func (i *Inbox) receipted(ctx context.Context, tx *store.Tx, in Message) error {
	var r alliance.Receipt
	if err := json.Unmarshal(in.Body, &r); err != nil {
		return malformed(err)
	}
	if err := r.Check(); err != nil {
		return malformed(err)
	}
	if i.config.Desk != nil {
		rev, ours, err := selectMessage(ctx, tx, r.Message)
		if err != nil {
			return err
		}
		if ours {
			gone := time.Time{}
			if rev.Change == alliance.RecalledChange {
				gone = r.At
			}
			return markHad(ctx, tx, rev.Warning, rev.Revision, in.Header.Author, r.At, gone)
		}
	}
	source, ok, err := selectMessageSource(ctx, tx, r.Message)
	if err != nil {
		return err
	}
	if !ok {
		return refused("message %s was no warning of ours, nor passed on by us", r.Message)
	}
	return i.sendUp(ctx, tx, in, source)
}

func malformed(err error) error {
	return &envelope.Refusal{Reason: envelope.Malformed, Detail: err.Error()}
}

// sendUp passes on what a member says to where the warning came from.
func (i *Inbox) sendUp(ctx context.Context, tx *store.Tx, in Message, to alliance.NodeID) error {
	named, err := i.config.Named(ctx, tx, in.Header.Author)
	if err != nil || !named {
		return err
	}
	return i.config.Forward(ctx, tx, in, to)
}

func (i *Inbox) flooded(ctx context.Context, tx *store.Tx, in Message) error {
	var f Flood
	if err := json.Unmarshal(in.Body, &f); err != nil {
		return malformed(err)
	}
	if len(f.Warning) > store.IDLength || len(f.Questions) == 0 || len(f.Questions) > maxProblems {
		return malformed(fmt.Errorf("it holds %d questions; 1 to %d are told", len(f.Questions), maxProblems))
	}
	if i.config.Desk != nil {
		r, ours, err := selectRecord(ctx, tx, f.Warning)
		if err != nil {
			return err
		}
		if ours {
			return i.config.Desk.flooded(ctx, tx, &r, in.Header.Author, &f)
		}
	}
	a, ok, err := selectArrived(ctx, tx, f.Warning)
	if err != nil {
		return err
	}
	if !ok {
		return refused("warning %.40q is none of ours, nor passed on by us", f.Warning)
	}
	return i.sendUp(ctx, tx, in, a.From)
}

// Held is a question that a member holds.
type Held struct {
	Node     alliance.NodeID `json:"node"`
	Name     string          `json:"name"`
	Question int             `json:"question"`
	Revision int             `json:"revision"`
	What     string          `json:"what"`
	At       time.Time       `json:"at"`
}

// flooded keeps what a member holds of a warning of ours, and tells people.
func (d *Desk) flooded(ctx context.Context, tx *store.Tx, r *Record, from alliance.NodeID, f *Flood) error {
	w, err := d.said(ctx, tx, r, f.Revision)
	if err != nil {
		return malformed(err)
	}
	name, ok, err := selectSentName(ctx, tx, r.ID, from)
	if err != nil {
		return err
	}
	if !ok {
		return refused("warning %s did not go to node %s", r.Number, from)
	}
	var lines strings.Builder
	for _, q := range f.Questions {
		if q < 0 || q >= w.Questions() {
			return malformed(fmt.Errorf("the warning has no question %d", q))
		}
		h := Held{Node: from, Question: q, Revision: f.Revision, What: QuestionText(w, q), At: f.At}
		if err := insertFlood(ctx, tx, r.ID, &h); err != nil {
			return err
		}
		fmt.Fprintf(&lines, "  %4d  %s\n", q, h.What)
	}
	n := r.notice(NoticeSuspended, f.At)
	n.Key = fmt.Sprintf("warning/%s/suspended/%d/%s", r.ID, f.Revision, from)
	n.To = []string{dutyOfficer}
	n.Subject = fmt.Sprintf("[%s] %s holds %d questions of the warning", r.Number, name, len(f.Questions))
	n.Text = fmt.Sprintf("At %s these questions of warning %s hit too often in the last day, and are held:\n\n%s\nWhat to do: if they are too wide, narrow them: tocsin warn amend %s\n", name, r.Number, &lines, r.Number)
	return d.config.Tell(ctx, tx, n)
}

// Held returns what members hold of a warning.
func (d *Desk) Held(ctx context.Context, word string) (all []Held, err error) {
	err = d.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := d.get(ctx, tx, word)
		if err != nil {
			return err
		}
		all, err = selectFloods(ctx, tx, r.ID)
		return err
	})
	return all, err
}
