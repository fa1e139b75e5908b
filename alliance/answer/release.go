package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// ReleaseState is what became of a release.
type ReleaseState string

// The states of a release.
const (
	Waiting  ReleaseState = "waiting" // for a person, or the deadline
	Sent     ReleaseState = "sent"
	Withheld ReleaseState = "withheld"
	Replaced ReleaseState = "replaced" // a later answer came before it was decided
)

// Release is what goes out of an answer, or waits to.
type Release struct {
	Warning  string          `json:"warning"`
	Sequence int             `json:"sequence"`
	Uplink   alliance.NodeID `json:"uplink"`
	How      How             `json:"how"`
	State    ReleaseState    `json:"state"`
	// Body is what was sent, or is sent unless a person decides otherwise, to the
	// byte.
	Body json.RawMessage `json:"body"`
	// Anonymous: it goes to the uplink alone, which adds it up.
	Anonymous bool      `json:"anonymous,omitempty"`
	By        string    `json:"by,omitempty"` // who decided
	Decided   time.Time `json:"decided,omitzero"`
	Due       time.Time `json:"due,omitzero"`
	Message   string    `json:"message,omitempty"` // the envelope
}

// keepAnswers is how long an answer may be under way: a member that was off for a
// quarter has more to tell than that.
const keepAnswers = 90 * 24 * time.Hour

// answerSchema is the version of the form of answers.
const answerSchema = 1

// release lets an answer out as the policy says.
func (a *Answers) release(ctx context.Context, tx *store.Tx, w *Warned, answer *alliance.Answer) error {
	policy, err := policyFor(ctx, tx, w.Uplink, w.Colour)
	if err != nil {
		return err
	}
	r := Release{Warning: w.ID, Sequence: answer.Sequence, Uplink: w.Uplink, How: policy.How, State: Waiting}
	out := *answer
	switch policy.How {
	case VerdictOnly, Anonymous:
		out, r.Anonymous = verdictOf(answer), policy.How == Anonymous
	case AskFirst:
		return a.askFirst(ctx, tx, w, &r, answer, policy)
	}
	if r.Body, err = json.Marshal(&out); err != nil {
		return err
	}
	r.By = "policy"
	if r.Anonymous && w.Uplink == w.Author {
		return a.withhold(ctx, tx, &r)
	}
	return a.send(ctx, tx, w, &r)
}

// withhold keeps an anonymous answer here that nobody stands between to add up: by
// name it must not go.
func (a *Answers) withhold(ctx context.Context, tx *store.Tx, r *Release) error {
	r.State, r.Decided, r.Due = Withheld, a.now(), time.Time{}
	return upsertRelease(ctx, tx, r)
}

// verdictOf is an answer with no more than its verdict, and why it is no better.
func verdictOf(answer *alliance.Answer) alliance.Answer {
	out := *answer
	out.Sightings, out.Hits, out.Rest = alliance.Sightings{}, nil, nil
	return out
}

// askFirst has a release wait. One that waited for an earlier answer is replaced,
// and its deadline stays: who is asked is not given longer by every new hit.
func (a *Answers) askFirst(ctx context.Context, tx *store.Tx, w *Warned, r *Release, answer *alliance.Answer, policy Policy) (err error) {
	r.Due = a.now().Add(policy.Wait)
	waiting, err := selectWaiting(ctx, tx, w.ID)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	asked := err == nil
	if asked {
		r.Due = waiting.Due
		waiting.State, waiting.Due = Replaced, time.Time{}
		if err := upsertRelease(ctx, tx, &waiting); err != nil {
			return err
		}
	}
	if r.Body, err = json.Marshal(answer); err != nil {
		return err
	}
	if err := upsertRelease(ctx, tx, r); err != nil {
		return err
	}
	payload, err := json.Marshal(policy.AtDeadline)
	if err != nil {
		return err
	}
	if err := a.timers.Schedule(ctx, tx, timer.Timer{ID: releaseKind + ":" + w.ID, Kind: releaseKind, Subject: w.ID, Due: r.Due, Payload: payload}); err != nil {
		return err
	}
	if asked {
		return nil
	}
	return a.notify(ctx, tx, Notice{Kind: ReleaseWaits, Warning: w.ID, Number: w.Number, Title: w.Title, Colour: w.Colour, Due: r.Due})
}

// releaseDue does what the policy says at the deadline.
func (a *Answers) releaseDue(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	var how How
	if err := json.Unmarshal(t.Payload, &how); err != nil {
		return fmt.Errorf("release of warning %s: %w: %w", t.Subject, err, timer.ErrHopeless)
	}
	_, err := a.decide(ctx, tx, audit.Actor{ID: "node", Name: "deadline"}, t.Subject, how)
	if errors.Is(err, fault.NotFound) {
		return nil // a person was faster
	}
	return err
}

// Release decides what goes out of the answer that waits: Automatic is all of it,
// VerdictOnly, Anonymous, or Nothing. The error is fault.NotFound where none waits,
// fault.Invalid for another way.
func (a *Answers) Release(ctx context.Context, who audit.Actor, warning string, how How) (r Release, err error) {
	if how != Automatic && how != VerdictOnly && how != Anonymous && how != Nothing {
		return r, fmt.Errorf("release %q: use one of %q: %w", how, []How{Automatic, VerdictOnly, Anonymous, Nothing}, fault.Invalid)
	}
	err = a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		w, err := findWarned(ctx, tx, warning)
		if err != nil {
			return err
		}
		r, err = a.decide(ctx, tx, who, w.ID, how)
		return err
	})
	return r, err
}

func (a *Answers) decide(ctx context.Context, tx *store.Tx, who audit.Actor, warning string, how How) (Release, error) {
	r, err := selectWaiting(ctx, tx, warning)
	if err != nil {
		return r, fmt.Errorf("warning %s: no answer waits to be released: %w", warning, err)
	}
	w, err := selectWarned(ctx, tx, warning)
	if err != nil {
		return r, err
	}
	before := r
	r.By, r.Due = who.Name, time.Time{}
	if how == VerdictOnly || how == Anonymous {
		var answer alliance.Answer
		if err := json.Unmarshal(r.Body, &answer); err != nil {
			return r, err
		}
		out := verdictOf(&answer)
		r.Anonymous = how == Anonymous
		if r.Body, err = json.Marshal(&out); err != nil {
			return r, err
		}
	}
	switch {
	case how == Anonymous && w.Uplink == w.Author:
		return r, fmt.Errorf("warning %s came from its author: nobody is between who could add the answer up: %w", w.Number, fault.Conflict)
	case how == Nothing:
		err = a.withhold(ctx, tx, &r)
	default:
		err = a.send(ctx, tx, &w, &r)
	}
	if err != nil {
		return r, err
	}
	if err := a.timers.Cancel(ctx, tx, releaseKind+":"+warning); err != nil {
		return r, err
	}
	return r, a.config.Trail.Record(ctx, tx, who, "answer.release", subject(warning),
		map[string]any{"state": before.State, "sequence": before.Sequence}, map[string]any{"state": r.State, "as": how, "message": r.Message})
}

// send signs what is released, and has it delivered.
func (a *Answers) send(ctx context.Context, tx *store.Tx, w *Warned, r *Release) error {
	r.State, r.Decided = Sent, a.now()
	e, err := a.seal(w, alliance.AnswerKind, r.Body, r.Anonymous)
	if err != nil {
		return err
	}
	h, err := e.Open()
	if err != nil {
		return err
	}
	r.Message = h.ID
	if err := upsertRelease(ctx, tx, r); err != nil {
		return err
	}
	if a.config.Send == nil {
		return nil
	}
	return a.config.Send(ctx, tx, e, w.Uplink)
}

// seal signs a message about a warning to its author, and to the uplink that it
// passes; an anonymous one to the uplink alone, which may pass it on to nobody.
func (a *Answers) seal(w *Warned, kind string, body []byte, anonymous bool) (*envelope.Envelope, error) {
	to := []alliance.NodeID{w.Uplink}
	if !anonymous && w.Author != w.Uplink {
		to = append(to, w.Author)
	}
	exercise, err := w.isExercise()
	if err != nil {
		return nil, fmt.Errorf("warning %s: %w", w.Number, err)
	}
	now := a.now()
	return a.config.Seal(envelope.Header{
		ID: a.ids.Next(now), Kind: kind, Schema: answerSchema, Audience: alliance.To(to...), Marking: intel.TLPAmber,
		Issued: now, Expires: now.Add(keepAnswers), About: w.message, Exercise: exercise,
	}, body)
}
