package answer

import (
	"context"
	"errors"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// Expected is a member that is asked, as its hub knows it.
type Expected struct {
	Member alliance.NodeID
	Name   string
	Sector string // the first of its card; the board counts it there
	Region string // likewise
	Via    alliance.NodeID
	Linked bool // it has a node; the others get a form
}

// Asking is a warning as it goes out to members.
type Asking struct {
	Warning *alliance.Warning
	// Message is the envelope, and Uplink where it came from: empty at its author.
	Message string
	Uplink  alliance.NodeID
	Members []Expected
	// Peers says that members may see the totals.
	Peers bool
}

// State is what a member's place on the board shows: a verdict, or one of these.
type State string

// The states of silence.
const (
	Silent State = "silent"
	Blind  State = "blind" // it stayed silent however it was asked: it counts as not watching
)

// States returns the states, in the order in which a board shows them.
func States() []State {
	return []State{State(alliance.Hit), State(alliance.Exposed), State(alliance.CannotTell), State(alliance.Clear), Silent, Blind}
}

// place is a member's row of a board.
type place struct {
	Warning string
	Expected
	State    State
	Sequence int
	Revision int
	Partial  bool
	Told     bool
	Asked    time.Time
	First    time.Time
	Last     time.Time
	Chased   int
}

// Asked opens the board of a warning, or adds to it what a later revision asks, in
// the transaction in which it goes out.
func (a *Answers) Asked(ctx context.Context, tx *store.Tx, q Asking) error {
	w := q.Warning
	known, err := selectAsked(ctx, tx, w.ID)
	isNew := errors.Is(err, fault.NotFound)
	if err != nil && !isNew {
		return err
	}
	now := a.now()
	b := sheet{
		Warning: w.ID, Number: w.Number, Title: title(w), Colour: w.Colour, Author: w.Author, Uplink: q.Uplink, Revision: w.Revision,
		Message: q.Message, Issued: w.Issued, Open: true, Peers: q.Peers, Step: known.Step, StepAt: known.StepAt,
	}
	if isNew {
		b.StepAt = a.stepAt(w, &b)
	}
	if err := upsertAsked(ctx, tx, &b); err != nil {
		return err
	}
	added, err := insertPlaces(ctx, tx, w.ID, q.Members, now)
	if err != nil {
		return err
	}
	if err := a.expect(ctx, tx, &b, w, added); err != nil {
		return err
	}
	if b.StepAt.IsZero() {
		return nil
	}
	return a.timers.Schedule(ctx, tx, timer.Timer{ID: chaseKind + ":" + w.ID, Kind: chaseKind, Subject: w.ID, Due: b.StepAt})
}

// expect counts the members that are new on a board, and gives a form to those
// without a node. w is what they are asked, nil where that is not new.
func (a *Answers) expect(ctx context.Context, tx *store.Tx, b *sheet, w *alliance.Warning, added []Expected) error {
	var sums counts
	members := make([]alliance.NodeID, 0, len(added))
	for i := range added {
		sums.add(&added[i], Silent, 1)
		members = append(members, added[i].Member)
		if !added[i].Linked {
			if err := a.sendForm(ctx, tx, b, w, &added[i]); err != nil {
				return err
			}
		}
	}
	if err := addCounts(ctx, tx, b.Warning, sums); err != nil {
		return err
	}
	if err := addAsked(ctx, tx, members); err != nil {
		return err
	}
	if w != nil {
		if err := insertDemands(ctx, tx, w); err != nil {
			return err
		}
	}
	if err := demandOfMembers(ctx, tx, b.Warning); err != nil {
		return err
	}
	return a.remind(ctx, tx, b.Warning)
}

// Closed ends the chase for answers to a warning that is over. The board stays.
func (a *Answers) Closed(ctx context.Context, tx *store.Tx, warning string) error {
	if err := closeAsked(ctx, tx, warning); err != nil {
		return err
	}
	for _, kind := range [...]string{chaseKind, totalsKind, peersKind, measureKind} {
		if err := a.timers.Cancel(ctx, tx, kind+":"+warning); err != nil {
			return err
		}
	}
	return nil
}

// sheet is what a board is of: a warning that asked members.
type sheet struct {
	Warning  string
	Number   string
	Title    string
	Colour   alliance.Colour
	Author   alliance.NodeID
	Uplink   alliance.NodeID
	Revision int
	Message  string
	Issued   time.Time
	Open     bool
	Peers    bool
	Step     int
	StepAt   time.Time
}

// countKey is one sum of a board.
type countKey struct {
	part, code string
	state      State
}

// counts are changes of a board's sums.
type counts map[countKey]int

// The parts of a board that are summed.
const (
	partAll    = "all"
	partSector = "sector"
	partRegion = "region"
	partTime   = "time"
)

func (c *counts) add(e *Expected, s State, n int) {
	if *c == nil {
		*c = counts{}
	}
	(*c)[countKey{partAll, "", s}] += n
	(*c)[countKey{partSector, e.Sector, s}] += n
	(*c)[countKey{partRegion, e.Region, s}] += n
}
