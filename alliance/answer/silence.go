package answer

import (
	"context"
	"time"

	"tocsin/alliance"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// Patience is how long after a warning went out its silent members are reminded,
// then called, then counted as blind.
type Patience struct{ Remind, Escalate, Blind time.Duration }

// DefaultPatience is shorter the graver a warning is: who watches by a node answers
// within seconds, so that silence means a link that is down, or a person who must
// decide and has not.
func DefaultPatience(c alliance.Colour) Patience {
	switch c {
	case alliance.Red:
		return Patience{15 * time.Minute, 30 * time.Minute, time.Hour}
	case alliance.Orange:
		return Patience{30 * time.Minute, time.Hour, 2 * time.Hour}
	case alliance.Yellow:
		return Patience{2 * time.Hour, 4 * time.Hour, 8 * time.Hour}
	default:
		return Patience{8 * time.Hour, 24 * time.Hour, 48 * time.Hour}
	}
}

// The steps of the chase. The number of a step is how many were taken.
const (
	stepRemind = iota
	stepEscalate
	stepBlind
	stepsTaken
)

// stepAt is when the next step of the chase is; zero when all were taken.
func (a *Answers) stepAt(w *alliance.Warning, b *sheet) time.Time {
	p := a.config.Patience(b.Colour)
	from := a.now()
	if w != nil && w.Ask.By.After(from) { // it says itself when silence is first chased
		from = w.Ask.By.Add(-p.Remind)
	}
	return from.Add(p.Remind)
}

// after is how long after a step the next one is.
func (p Patience) after(step int) time.Duration {
	switch step {
	case stepRemind:
		return p.Escalate - p.Remind
	case stepEscalate:
		return p.Blind - p.Escalate
	}
	return 0
}

// chasedAtOnce is how many members one transaction chases: others write meanwhile.
const chasedAtOnce = 200

// chase takes the next step with those that are silent, some at a time.
func (a *Answers) chase(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	b, err := selectAsked(ctx, tx, t.Subject)
	if err != nil || !b.Open || b.Step >= stepsTaken {
		return err
	}
	silent, err := selectSilent(ctx, tx, b.Warning, b.Step, chasedAtOnce)
	if err != nil {
		return err
	}
	for i := range silent {
		if err := a.chaseOne(ctx, tx, &b, &silent[i]); err != nil {
			return err
		}
	}
	next := a.now()
	if len(silent) < chasedAtOnce { // the step is done
		next = b.StepAt.Add(a.config.Patience(b.Colour).after(b.Step))
		b.Step++
		b.StepAt = next
		if b.Step == stepsTaken {
			b.StepAt = time.Time{}
		}
		if err := updateStep(ctx, tx, &b); err != nil || b.Step == stepsTaken {
			return err
		}
	}
	return a.timers.Schedule(ctx, tx, timer.Timer{ID: chaseKind + ":" + b.Warning, Kind: chaseKind, Subject: b.Warning, Due: next})
}

func (a *Answers) chaseOne(ctx context.Context, tx *store.Tx, b *sheet, p *place) error {
	p.Chased = b.Step + 1
	kind := [...]NoticeKind{MemberReminded, MemberEscalated, MemberBlind}[b.Step]
	if b.Step == stepBlind {
		var sums counts
		sums.add(&p.Expected, p.State, -1)
		p.State = Blind
		sums.add(&p.Expected, p.State, 1)
		if err := addCounts(ctx, tx, b.Warning, sums); err != nil {
			return err
		}
		if err := addBlind(ctx, tx, p.Member); err != nil {
			return err
		}
	}
	if err := updatePlace(ctx, tx, p); err != nil {
		return err
	}
	return a.notify(ctx, tx, Notice{Kind: kind, Warning: b.Warning, Number: b.Number, Title: b.Title, Colour: b.Colour, Member: p.Member, Name: p.Name})
}
