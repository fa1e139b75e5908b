package incident

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Evidence is a file that belongs to a case. It is kept as it came, and never
// run or shown in place.
type Evidence struct {
	ID       string    `json:"id"`
	Incident string    `json:"incident"`
	Name     string    `json:"name"` // as it was called; never a path
	SHA256   store.Sum `json:"sha256"`
	Bytes    int64     `json:"bytes"`
	Note     string    `json:"note,omitempty"`
	AddedBy  string    `json:"added_by"`
	Added    time.Time `json:"added"`
}

// CustodyAction is what somebody did with evidence.
type CustodyAction string

// What is done with evidence.
const (
	Received   CustodyAction = "received"
	ReadOut    CustodyAction = "read"        // somebody took a copy
	HandedOver CustodyAction = "handed_over" // to somebody outside
	Returned   CustodyAction = "returned"
	Verified   CustodyAction = "verified" // its hash was reckoned again, and is the same
)

// Custody is one link of the chain of custody.
type Custody struct {
	ID     string        `json:"id"`
	Action CustodyAction `json:"action"`
	By     string        `json:"by"`
	Person string        `json:"person,omitempty"` // to or from whom
	Why    string        `json:"why,omitempty"`
	At     time.Time     `json:"at"`
}

// maxEvidence holds a disk image's memory dump; larger things stay where they are
// and their hash is noted.
const maxEvidence = 64 << 30

// AddEvidence keeps a file, which is read to its end and is on disk before it is
// listed. The error is fault.Invalid when it is larger than is kept.
func (r *Register) AddEvidence(ctx context.Context, c Change, name, note string, file io.Reader) (Evidence, error) {
	e := Evidence{Name: fileName(name), Note: note}
	if err := checkTexts(text{"name", &e.Name, maxTitle, true}, text{"note", &e.Note, maxText, false}); err != nil {
		return Evidence{}, err
	}
	if _, err := r.Get(ctx, c.Incident); err != nil {
		return Evidence{}, err // before a gigabyte is read
	}
	var err error
	if e.SHA256, e.Bytes, err = r.config.Blobs.Put(ctx, file, maxEvidence); err != nil {
		return Evidence{}, fmt.Errorf("evidence %s: %w", e.Name, err)
	}
	_, err = r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		now := r.now()
		e.ID, e.Incident, e.AddedBy, e.Added = r.ids.Next(now), i.ID, c.Who.Name, now
		if err := insertEvidence(ctx, tx, &e); err != nil {
			return err
		}
		if err := r.custody(ctx, tx, c, e.ID, Custody{Action: Received}); err != nil {
			return err
		}
		return r.tell(ctx, tx, c, i, &Entry{
			Kind: EntryEvidence, Text: fmt.Sprintf("evidence %s, %d bytes, SHA-256 %s", e.Name, e.Bytes, e.SHA256), Data: object("evidence", e.ID),
		})
	})
	return e, err
}

// fileName keeps the last part of whatever path a browser or a malicious client
// sends, without what a terminal or a file system would take for a command.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`<>:"|?*`, r) || isBidi(r) {
			return '_'
		}
		return r
	}, name)
	if strings.Trim(name, ". ") == "" || name == "/" {
		return "unnamed"
	}
	return name
}

// isBidi finds what makes a name read as another: "exe.fdp" as "pdf.exe".
func isBidi(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069)
}

// OpenEvidence opens a file for reading, and writes into the chain of custody
// that it was read, by whom and why. The caller closes it.
func (r *Register) OpenEvidence(ctx context.Context, c Change, id string) (Evidence, io.ReadCloser, error) {
	e, err := r.handle(ctx, c, id, Custody{Action: ReadOut})
	if err != nil {
		return Evidence{}, nil, err
	}
	file, err := r.config.Blobs.Open(e.SHA256)
	return e, file, err
}

// Handle writes a link of the chain of custody: whom evidence was handed to, or
// from whom it came back.
func (r *Register) Handle(ctx context.Context, c Change, id string, link Custody) (Evidence, error) {
	if link.Action != HandedOver && link.Action != Returned {
		return Evidence{}, fmt.Errorf("custody %q: use handed_over or returned: %w", link.Action, fault.Invalid)
	}
	if err := checkTexts(text{"person", &link.Person, maxShort, true}); err != nil {
		return Evidence{}, err
	}
	return r.handle(ctx, c, id, link)
}

// Verify reckons a file's hash again. The error says when it is not what it was:
// then the file was damaged or changed.
func (r *Register) Verify(ctx context.Context, c Change, id string) (Evidence, error) {
	e, err := r.evidence(ctx, c.Incident, id)
	if err != nil {
		return Evidence{}, err
	}
	if err := r.config.Blobs.Verify(ctx, e.SHA256); err != nil {
		return e, fmt.Errorf("evidence %s: %w", e.Name, err)
	}
	return r.handle(ctx, c, id, Custody{Action: Verified})
}

func (r *Register) handle(ctx context.Context, c Change, id string, link Custody) (e Evidence, err error) {
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if e, err = r.evidenceIn(ctx, tx, c.Incident, id); err != nil {
			return err
		}
		return r.custody(ctx, tx, c, e.ID, link)
	})
	return e, err
}

func (r *Register) custody(ctx context.Context, tx *store.Tx, c Change, evidence string, link Custody) error {
	link.ID, link.By, link.At = r.ids.Next(r.now()), c.Who.Name, r.now()
	link.Why = cmp.Or(link.Why, c.Why)
	return insertCustody(ctx, tx, evidence, &link)
}

func (r *Register) evidence(ctx context.Context, incident, id string) (e Evidence, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		e, err = r.evidenceIn(ctx, tx, incident, id)
		return err
	})
	return e, err
}

func (r *Register) evidenceIn(ctx context.Context, tx *store.Tx, incident, id string) (Evidence, error) {
	i, err := r.get(ctx, tx, incident)
	if err != nil {
		return Evidence{}, err
	}
	e, ok, err := selectEvidence(ctx, tx, i.ID, id)
	if err == nil && !ok {
		err = fmt.Errorf("incident %s has no evidence %.80q: %w", i.Number, id, fault.NotFound)
	}
	return e, err
}

// AllEvidence returns the evidence of an incident, oldest first.
func (r *Register) AllEvidence(ctx context.Context, id string) (all []Evidence, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectAllEvidence(ctx, tx, id)
		return err
	})
	return all, err
}

// Chain returns the chain of custody of evidence, from its first link.
func (r *Register) Chain(ctx context.Context, incident, id string) (links []Custody, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		e, err := r.evidenceIn(ctx, tx, incident, id)
		if err != nil {
			return err
		}
		links, err = selectCustody(ctx, tx, e.ID)
		return err
	})
	return links, err
}
