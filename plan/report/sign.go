package report

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan"
)

// Act is what somebody put their name under.
type Act string

// The acts.
const (
	Approve Act = "reviewed"
	Return  Act = "returned" // changes are wanted: it is not signed as it is
	Sign    Act = "signed"
)

// Signature is a person's name under a version.
type Signature struct {
	Act    Act    `json:"act"`
	Person string `json:"person"` // ID of the account
	Name   string `json:"name"`
	Role   string `json:"role,omitempty"` // as it is printed: duty officer
	Note   string `json:"note,omitempty"`
	// SHA256 is of the content that was signed.
	SHA256 string          `json:"sha256"`
	At     document.Moment `json:"at"`
}

// MissingError refuses to sign a report that lacks what it must say now. It is
// fault.Conflict.
type MissingError struct {
	Number string
	Fields []Missing
}

func (e *MissingError) Error() string {
	names := make([]string, len(e.Fields))
	for k := range e.Fields {
		names[k] = e.Fields[k].Title.EN
	}
	return fmt.Sprintf("report %s lacks what it must say now: %s", e.Number, strings.Join(names, "; "))
}

// Unwrap makes it fault.Conflict.
func (e *MissingError) Unwrap() error { return fault.Conflict }

// maxNote is of a role, a remark, a proof.
const maxNote = 10_000

// Review says that somebody read the last version and approves it, or returns it
// with what is to be changed, which keeps it from being signed.
func (r *Reports) Review(ctx context.Context, c Change, approve bool, note string) (Report, error) {
	act := Approve
	if !approve {
		act = Return
		if strings.TrimSpace(note) == "" {
			return Report{}, fmt.Errorf("a report is returned with what is to be changed: say it: %w", fault.Invalid)
		}
	}
	return r.put(ctx, c, Signature{Act: act, Note: note})
}

// Sign signs the last version of a report. A report is signed when as many
// different people did as must: two where the regime's level is one of its two
// highest. It is refused with a *MissingError while a field that is asked for now
// is empty, and with fault.Conflict when a reviewer returned the version, when
// the person signed it already, and once it is signed by all or submitted.
func (r *Reports) Sign(ctx context.Context, c Change, role string) (Report, error) {
	return r.put(ctx, c, Signature{Act: Sign, Role: role})
}

// nodeID is who acts where no person does, as package audit names it.
const nodeID = "node"

// put puts a name under the last version.
func (r *Reports) put(ctx context.Context, c Change, s Signature) (p Report, err error) {
	for _, text := range []*string{&s.Role, &s.Note} {
		*text = strings.TrimSpace(*text)
		if len(*text) > maxNote || !utf8.ValidString(*text) || strings.ContainsRune(*text, 0) {
			return Report{}, fmt.Errorf("a role or note has %d bytes or is not UTF-8; at most %d: %w", len(*text), maxNote, fault.Invalid)
		}
	}
	if c.Who.ID == "" || c.Who.ID == nodeID {
		return Report{}, fmt.Errorf("only a person with an account signs: %w", fault.Forbidden)
	}
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		of, err := r.seen(ctx, tx, c)
		if err != nil {
			return err
		}
		if p, err = r.whole(ctx, tx, of, of.Version); err != nil {
			return err
		}
		if p.Signers, err = r.signersNow(ctx, tx, &p); err != nil {
			return err
		}
		p.Status = p.status()
		if err := p.maySign(&s, c.Who); err != nil {
			return err
		}
		s.Person, s.Name, s.SHA256 = c.Who.ID, c.Who.Name, p.SHA256
		s.At = document.Moment{At: r.now().In(p.Content.At.At.Location()), Zone: p.Content.At.Zone}
		if err := insertSignature(ctx, tx, r.ids.Next(r.now()), of.ID, of.Version, &s); err != nil {
			return err
		}
		before := p.Status
		p.Signatures = append(p.Signatures, s)
		p.Status = p.status()
		return r.config.Trail.Record(ctx, tx, c.Who, "report."+string(s.Act), subject(&of),
			map[string]any{"version": of.Version, "status": before}, map[string]any{"version": of.Version, "status": p.Status, "sha256": p.SHA256, "note": s.Note})
	})
	return p, err
}

// maySign says why somebody may not put their name under a version.
func (p *Report) maySign(s *Signature, who Who) error {
	if p.Status == Submitted || p.Status == Signed {
		return fmt.Errorf("version %d of report %s is %s: a change makes a version that is to be reviewed and signed: %w", p.Version, p.Number, p.Status, fault.Conflict)
	}
	if s.Act != Sign {
		return nil
	}
	if p.Status == Returned {
		return fmt.Errorf("version %d of report %s was returned with changes wanted: %w", p.Version, p.Number, fault.Conflict)
	}
	for _, other := range p.signers() {
		if other.Person == who.ID {
			return fmt.Errorf("%s signed version %d of report %s already; another person must: %w", who.Name, p.Version, p.Number, fault.Conflict)
		}
	}
	if now := p.lackingNow(); len(now) > 0 {
		return &MissingError{Number: p.Number, Fields: now}
	}
	return nil
}

// lackingNow are the missing fields without which the report is incomplete.
func (p *Report) lackingNow() []Missing {
	var now []Missing
	for _, m := range p.Missing {
		if m.Need == "now" && !m.Unsure {
			now = append(now, m)
		}
	}
	return now
}

// signers are the signatures of the version.
func (p *Report) signers() []Signature {
	var all []Signature
	for _, s := range p.Signatures {
		if s.Act == Sign && s.SHA256 == p.SHA256 {
			all = append(all, s)
		}
	}
	return all
}

// signersNow is how many must sign: as many as when the version was drawn, or
// more where the level rose since, in force or while nobody graded by the facts.
func (r *Reports) signersNow(ctx context.Context, tx *store.Tx, p *Report) (int, error) {
	pack, err := r.config.Library().Pack(p.Regime)
	if errors.Is(err, fault.NotFound) {
		return p.Content.Signers, nil // the pack was taken out
	}
	if err != nil {
		return 0, err
	}
	standings, err := r.config.Duties.Standings(ctx, tx, p.Incident)
	if err != nil {
		return 0, err
	}
	for k := range standings {
		if s := &standings[k]; s.Regime == p.Regime {
			return max(p.Content.Signers, signersOf(pack, levelOf(s, &plan.Grading{Level: s.Proved}))), nil
		}
	}
	return p.Content.Signers, nil
}
