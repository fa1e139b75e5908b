package filing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/strictjson"
)

// Word is the body of inquiries, replies and guidance.
type Word struct {
	// Filing is the ID of the envelope of the report that it is about, Number what the
	// recipient calls it.
	Filing string     `json:"filing"`
	Number string     `json:"number"`
	Text   string     `json:"text"`
	Due    *time.Time `json:"due,omitempty"` // an inquiry's
}

// Heard is an inquiry, a reply or guidance, said or heard here.
type Heard struct {
	Word
	ID     string          `json:"id"` // of the envelope
	Kind   string          `json:"kind"`
	About  string          `json:"about,omitempty"` // a reply: the inquiry's ID
	Author alliance.NodeID `json:"author"`
	Node   alliance.NodeID `json:"node"` // whom it is for
	By     string          `json:"by,omitempty"`
	At     time.Time       `json:"at"`
	// Incident is ours, where the word came in.
	Incident string `json:"incident,omitempty"`
}

func (w *Word) check() error {
	w.Text = strings.TrimSpace(w.Text)
	switch {
	case w.Text == "" || len(w.Text) > maxText || !utf8.ValidString(w.Text):
		return fmt.Errorf("a text of 1 to %d bytes in UTF-8 is needed: %w", maxText, fault.Invalid)
	case w.Filing == "" || len(w.Filing) > 64 || len(w.Number) > maxShort:
		return fmt.Errorf("it does not say which report it is about: %w", fault.Invalid)
	}
	return nil
}

// Ask asks who filed a report for more, by when; number is ours.
func (d *Desk) Ask(ctx context.Context, who audit.Actor, number, text string, due time.Time) (h Heard, err error) {
	err = d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		in, _, err := selectReceived(ctx, tx, number)
		if err != nil {
			return err
		}
		w := Word{Filing: in.ID, Number: in.Number, Text: text}
		if !due.IsZero() {
			due = due.UTC()
			w.Due = &due
		}
		h, err = d.say(ctx, tx, who, InquiryKind, "", in.Author, w)
		return err
	})
	return h, err
}

// Reply answers an inquiry that came here.
func (d *Desk) Reply(ctx context.Context, who audit.Actor, inquiry, text string) (h Heard, err error) {
	err = d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		asked, err := selectWord(ctx, tx, inquiry)
		if err != nil {
			return err
		}
		if asked.Kind != InquiryKind || asked.Author == d.c.Identity.ID() {
			return fmt.Errorf("%s is no inquiry that was made of us: %w", inquiry, fault.Invalid)
		}
		h, err = d.say(ctx, tx, who, ReplyKind, asked.ID, asked.Author, Word{Filing: asked.Filing, Number: asked.Number, Text: text})
		return err
	})
	return h, err
}

// Guide sends guidance to all who reported an incident of ours, or one that was
// merged into it, once each. The error is fault.NotFound where nobody did.
func (d *Desk) Guide(ctx context.Context, who audit.Actor, incident, text string) (said []Heard, err error) {
	err = d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		said = nil
		all := []string{incident}
		if d.c.Merged != nil {
			if all, err = d.c.Merged(ctx, tx, incident); err != nil {
				return err
			}
		}
		latest := map[alliance.NodeID]Incoming{}
		var authors []alliance.NodeID
		for _, one := range all {
			reports, err := selectIncoming(ctx, tx, one, "", maxReporters)
			if err != nil {
				return err
			}
			for _, in := range reports {
				before, there := latest[in.Author]
				if !there {
					authors = append(authors, in.Author)
				}
				if in.Number > before.Number {
					latest[in.Author] = in
				}
			}
		}
		if len(authors) == 0 {
			return fmt.Errorf("nobody reported this incident over a link: %w", fault.NotFound)
		}
		slices.Sort(authors)
		for _, author := range authors {
			in := latest[author]
			h, err := d.say(ctx, tx, who, GuidanceKind, "", author, Word{Filing: in.ID, Number: in.Number, Text: text})
			if err != nil {
				return err
			}
			said = append(said, h)
		}
		return nil
	})
	return said, err
}

// maxReporters bounds how many reports of an incident guidance looks at.
const maxReporters = 10_000

func (d *Desk) say(ctx context.Context, tx *store.Tx, who audit.Actor, kind, about string, to alliance.NodeID, w Word) (Heard, error) {
	if err := w.check(); err != nil {
		return Heard{}, err
	}
	e, id, err := d.seal(kind, cmp.Or(about, w.Filing), to, intel.TLPAmber, w)
	if err != nil {
		return Heard{}, err
	}
	h := Heard{Word: w, ID: id, Kind: kind, About: about, Author: d.c.Identity.ID(), Node: to, By: who.Name, At: d.now()}
	if err := insertWord(ctx, tx, &h); err != nil {
		return Heard{}, err
	}
	if err := d.c.Trail.Record(ctx, tx, who, "filing."+kind, audit.Subject{Kind: "filing", ID: w.Filing}, nil, h); err != nil {
		return Heard{}, err
	}
	return h, d.send(ctx, tx, e, to)
}

// takeWord handles an inquiry, a reply or guidance that comes in.
func (d *Desk) takeWord(ctx context.Context, tx *store.Tx, in link.Received) error {
	if passed, err := d.passOn(ctx, tx, &in); passed || err != nil {
		return err
	}
	h := Heard{ID: in.Header.ID, Kind: in.Header.Kind, Author: in.Header.Author, Node: d.c.Identity.ID(), At: in.At.UTC()}
	if err := strictjson.Read(reader(in.Body), &h.Word); err != nil {
		return err
	}
	if err := h.check(); err != nil {
		return err
	}
	partner, incident, err := d.partner(ctx, tx, &h)
	switch {
	case err != nil:
		return err
	case partner != h.Author:
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: fmt.Sprintf("no report that node %s has to do with", h.Author)}
	}
	if h.Incident = incident; h.Kind == ReplyKind {
		h.About = in.Header.About
	}
	if err := insertWord(ctx, tx, &h); err != nil {
		return err
	}
	if d.c.Heard == nil {
		return nil
	}
	return d.c.Heard(ctx, tx, &h)
}

// partner returns who is on the other side of the report that a word is about, and
// our incident; a reply comes from who filed it, all else from who received it.
func (d *Desk) partner(ctx context.Context, tx *store.Tx, h *Heard) (alliance.NodeID, string, error) {
	if h.Kind == ReplyKind {
		in, err := selectReceivedBy(ctx, tx, h.Author, h.Filing)
		return in.Author, in.Incident, none(err)
	}
	f, err := selectSentBy(ctx, tx, h.Filing)
	return f.Node, f.Incident, none(err)
}

// Words returns what was asked, replied and advised about a report, by the ID of the
// envelope that it was filed in; all where that is empty, newest last.
func (d *Desk) Words(ctx context.Context, filing string) (all []Heard, err error) {
	err = d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectWords(ctx, tx, filing)
		return err
	})
	return all, err
}
