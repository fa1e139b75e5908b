package answer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// Warned is a warning as this node answers it.
type Warned struct {
	ID       string          `json:"id"`
	Number   string          `json:"number"`
	Title    string          `json:"title"`
	Revision int             `json:"revision"`
	Author   alliance.NodeID `json:"author"`
	Uplink   alliance.NodeID `json:"uplink"`
	Colour   alliance.Colour `json:"colour"`
	Open     bool            `json:"open"`
	Issued   time.Time       `json:"issued"`
	Arrived  time.Time       `json:"arrived"`
	// Sequence, Verdict, Partial and Answered are those of the last answer.
	Sequence int              `json:"sequence"`
	Verdict  alliance.Verdict `json:"verdict,omitempty"`
	Partial  bool             `json:"partial,omitempty"`
	Answered time.Time        `json:"answered,omitzero"`
	Looked   time.Time        `json:"looked,omitzero"`

	message string
	content string // JSON; read where it is needed, since it may be megabytes
}

// said reads what the warning says.
func (w *Warned) said() (*alliance.Warning, error) {
	content := &alliance.Warning{}
	if err := json.Unmarshal([]byte(w.content), content); err != nil {
		return nil, fmt.Errorf("warning %s: %w", w.Number, err)
	}
	return content, nil
}

// isExercise reads of the warning only whether it is an exercise.
func (w *Warned) isExercise() (bool, error) {
	var content struct {
		Exercise bool `json:"exercise"`
	}
	err := json.Unmarshal([]byte(w.content), &content)
	return content.Exercise, err
}

// Why is why an answer was made.
type Why string

// The reasons for an answer.
const (
	Arrived   Why = "arrived"
	Completed Why = "archive"   // the archive was gone through
	Corrected Why = "corrected" // the warning was
	NewHit    Why = "hit"
	Late      Why = "late" // telemetry of the past came
	Looked    Why = "looked"
)

// Arrived takes in a warning, or a change of it, in the transaction in which it was
// accepted. It is answered as soon as that is committed.
func (a *Answers) Arrived(ctx context.Context, tx *store.Tx, in Received, b *alliance.Bulletin) error {
	known, err := selectWarned(ctx, tx, b.Warning)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if err == nil && b.Revision <= known.Revision {
		return nil // overtaken by a later change
	}
	if b.Change.Ends() {
		return a.end(ctx, tx, b, err == nil)
	}
	if b.Content == nil {
		return fmt.Errorf("warning %s: a bulletin that %s it has no content: %w", b.Warning, b.Change, fault.Invalid)
	}
	content, err := json.Marshal(b.Content)
	if err != nil {
		return err
	}
	w := Warned{
		ID: b.Warning, Number: b.Number, Title: title(b.Content), Revision: b.Revision, Author: b.Content.Author, Uplink: in.From, Colour: b.Content.Colour,
		Open: true, Issued: b.Content.Issued, Arrived: a.now(), message: in.Header.ID, content: string(content),
	}
	if err := upsertWarned(ctx, tx, &w); err != nil {
		return err
	}
	if err := a.demand(ctx, tx, b.Content); err != nil {
		return err
	}
	expires := timer.Timer{ID: expireKind + ":" + b.Warning, Kind: expireKind, Subject: b.Warning}
	if b.Content.Expires == nil {
		err = a.timers.Cancel(ctx, tx, expires.ID)
	} else {
		expires.Due = *b.Content.Expires
		err = a.timers.Schedule(ctx, tx, expires)
	}
	if err != nil {
		return err
	}
	why := Arrived
	if known.Revision > 0 {
		why = Corrected
	}
	if err := a.timers.Schedule(ctx, tx, timer.Timer{ID: watchKind, Kind: watchKind, Due: a.now()}); err != nil {
		return err
	}
	return a.again(ctx, tx, b.Warning, hunted{Why: why}, 0)
}

func title(w *alliance.Warning) string {
	if len(w.Texts) == 0 {
		return ""
	}
	return w.Texts[0].Title
}

// end stops answering a warning that is over.
func (a *Answers) end(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, known bool) error {
	if !known { // a change that came before what it changes: that is then too old
		return upsertWarned(ctx, tx, &Warned{ID: b.Warning, Number: b.Number, Revision: b.Revision, Issued: b.At, Arrived: a.now(), content: "{}"})
	}
	if err := endWarned(ctx, tx, b.Warning, b.Revision); err != nil {
		return err
	}
	if err := endMeasures(ctx, tx, b.Warning); err != nil {
		return err
	}
	if err := a.Closed(ctx, tx, b.Warning); err != nil { // where it was passed on
		return err
	}
	if err := a.timers.CancelAll(ctx, tx, b.Warning); err != nil {
		return err
	}
	return a.timers.Schedule(ctx, tx, timer.Timer{ID: watchKind, Kind: watchKind, Due: a.now()})
}

// Watching is an open warning that is watched for, but for the questions that are
// held, by their numbers: those that would flood. They are hunted all the same.
type Watching struct {
	*alliance.Warning
	Held []int
}

// Rest is the warning without the questions that are held, to be installed: its
// questions have other numbers.
func (w *Watching) Rest() *alliance.Warning {
	rest := *w.Warning
	rest.Indicators, rest.Rules = nil, nil
	for i := range w.Indicators {
		if !slices.Contains(w.Held, i) {
			rest.Indicators = append(rest.Indicators, w.Indicators[i])
		}
	}
	for i := range w.Rules {
		if !slices.Contains(w.Held, len(w.Indicators)+i) {
			rest.Rules = append(rest.Rules, w.Rules[i])
		}
	}
	return &rest
}

// Hold says which questions of a warning are not to be watched for; it replaces what
// was said before.
func (a *Answers) Hold(ctx context.Context, tx *store.Tx, warning string, held []int) error {
	if err := updateHeld(ctx, tx, warning, alliance.RangesOf(held...).String()); err != nil {
		return err
	}
	return a.timers.Schedule(ctx, tx, timer.Timer{ID: watchKind, Kind: watchKind, Due: a.now()})
}

// expire ends a warning whose time ran out, whether or not its author says so.
func (a *Answers) expire(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	w, err := selectWarned(ctx, tx, t.Subject)
	if err != nil || !w.Open {
		return err
	}
	return a.end(ctx, tx, &alliance.Bulletin{Warning: w.ID, Number: w.Number, Revision: w.Revision}, true)
}

// watch makes the node watch for what is asked now.
func (a *Answers) watch(ctx context.Context, _ timer.Timer) (timer.Effect, error) {
	var open []Watching
	err := a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		open, err = selectOpen(ctx, tx)
		return err
	})
	if err == nil && a.config.Watch != nil {
		err = a.config.Watch(ctx, open)
	}
	if err == nil {
		a.forget(open)
	}
	return func(context.Context, *store.Tx) error { return nil }, err
}

// hunted is a hunt that is to be made.
type hunted struct {
	Why   Why           `json:"why"`
	Whole bool          `json:"whole,omitempty"` // the archive too
	Gap   time.Duration `json:"gap,omitempty"`   // until the next look, where nothing changes
	Looks int           `json:"looks,omitempty"`
}

// again schedules a hunt. Of each sort one waits for a warning, whatever the
// reason: to hunt for one is to hunt for all.
func (a *Answers) again(ctx context.Context, tx *store.Tx, warning string, h hunted, after time.Duration) error {
	payload, err := json.Marshal(h)
	if err != nil {
		return err
	}
	id := huntKind + ":" + warning
	if h.Whole { // takes long: what is quick does not stand in its place
		id = huntKind + ".whole:" + warning
	}
	return a.timers.Schedule(ctx, tx, timer.Timer{ID: id, Kind: huntKind, Subject: warning, Due: a.now().Add(after), Payload: payload})
}

// hunt answers one warning: the act asks memory, the effect records what it said.
func (a *Answers) hunt(ctx context.Context, t timer.Timer) (timer.Effect, error) {
	var h hunted
	if err := json.Unmarshal(t.Payload, &h); err != nil {
		return nil, fmt.Errorf("answer warning %s: %w: %w", t.Subject, err, timer.ErrHopeless)
	}
	var w Warned
	var before, base alliance.Answer
	err := a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if w, err = selectWarned(ctx, tx, t.Subject); err == nil {
			before, err = selectAnswer(ctx, tx, w.ID, w.Sequence)
		}
		if err == nil {
			base, err = selectLastWhole(ctx, tx, w.ID, w.Revision)
		}
		return err
	})
	if errors.Is(err, fault.NotFound) {
		err = fmt.Errorf("%w: %w", err, timer.ErrHopeless)
	}
	if err != nil || !w.Open {
		return func(context.Context, *store.Tx) error { return nil }, err
	}
	watched := a.watched(w.ID)
	content, err := w.said()
	if err != nil {
		return nil, errors.Join(err, timer.ErrHopeless)
	}
	answer, err := a.config.Hunt(ctx, content, h.Whole)
	if err != nil {
		return nil, err
	}
	if h.Whole {
		a.archived(w.ID, watched)
	}
	answer.Revision = w.Revision
	settle(&answer, &base, watched.seen)
	return func(ctx context.Context, tx *store.Tx) error { return a.heard(ctx, tx, &w, &answer, &before, h) }, nil
}

// heard records an answer if it says something new, and schedules the next hunt.
func (a *Answers) heard(ctx context.Context, tx *store.Tx, w *Warned, answer, before *alliance.Answer, h hunted) error {
	now, err := selectWarned(ctx, tx, w.ID)
	switch {
	case err != nil || !now.Open || now.Revision != w.Revision:
		return err // a change has scheduled a hunt of its own
	case now.Sequence != w.Sequence && !h.Whole: // the archive's came first
		return a.again(ctx, tx, w.ID, h, 0)
	case now.Sequence != w.Sequence:
		last, err := selectAnswer(ctx, tx, w.ID, now.Sequence)
		if err != nil {
			return err
		}
		before = &last
	}
	changed := differs(answer, before)
	if changed {
		if err := a.record(ctx, tx, &now, answer, h.Why); err != nil {
			return err
		}
	}
	if err := updateLooked(ctx, tx, w.ID, a.now()); err != nil {
		return err
	}
	switch {
	case answer.Partial && !h.Whole:
		next := hunted{Why: Completed, Whole: true}
		if h.Why != Arrived && h.Why != Corrected {
			next.Why = h.Why
			return a.again(ctx, tx, w.ID, next, archiveAfter)
		}
		return a.again(ctx, tx, w.ID, next, 0)
	case changed:
		h.Gap, h.Looks = 0, 0
	}
	next := hunted{Why: Looked, Gap: min(cmp.Or(2*h.Gap, firstLook), lastLook), Looks: h.Looks + 1}
	next.Whole = next.Looks%wholeEvery == 0
	return a.again(ctx, tx, w.ID, next, next.Gap)
}

const (
	// firstLook is when the memory is asked again of its own accord, twice as long
	// each time it says nothing new, up to lastLook: hits and late telemetry do not
	// wait for it, but what was covered changes with time alone.
	firstLook = time.Minute
	lastLook  = time.Hour
	// wholeEvery is how many looks go by until one goes through the archive too:
	// about a day's.
	wholeEvery = 24
	// archiveAfter is how long after a new hit of a rule the archive is gone through
	// for its true count: events come in bursts.
	archiveAfter = 10 * time.Second
)

// record keeps an answer and has it released.
func (a *Answers) record(ctx context.Context, tx *store.Tx, w *Warned, answer *alliance.Answer, why Why) error {
	w.Sequence++
	answer.Warning, answer.Member, answer.Sequence, answer.At = w.ID, a.config.Self(), w.Sequence, a.now()
	w.Verdict, w.Partial, w.Answered = answer.Verdict, answer.Partial, answer.At
	if err := insertAnswer(ctx, tx, answer, why); err != nil {
		return err
	}
	if err := updateAnswered(ctx, tx, w); err != nil {
		return err
	}
	after := map[string]any{"sequence": answer.Sequence, "verdict": answer.Verdict, "why": why}
	if err := a.config.Trail.Record(ctx, tx, node(), "warning.answer", subject(w.ID), nil, after); err != nil {
		return err
	}
	return a.release(ctx, tx, w, answer)
}
