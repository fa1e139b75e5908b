package duty

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// Filter chooses clocks; what is empty chooses all.
type Filter struct {
	// States are those asked for; without any, all.
	States []plan.State
	// Open chooses those by which a report is still owed, or may be.
	Open   bool
	Regime string
	// DueBefore chooses those by which somebody must act before a time.
	DueBefore time.Time
	// Incident chooses those of one, by its ID.
	Incident string
}

// Page is where a list goes on: after the last clock of the page before.
type Page struct {
	After string // as the list returned it; empty for the first page
	Most  int    // 0 is 100; at most 1000
}

// Listed is a clock among those of all incidents.
type Listed struct {
	ClockID
	Incident string      `json:"incident"`
	Number   string      `json:"number"`
	Title    string      `json:"title"` // of the incident
	Name     fact.Title  `json:"name"`  // of the clock
	Kind     regime.Kind `json:"kind"`
	State    plan.State  `json:"state"`
	Open     bool        `json:"open"`
	Started  time.Time   `json:"started,omitzero"`
	Due      time.Time   `json:"due,omitzero"`
	Target   time.Time   `json:"target,omitzero"`
	Sent     time.Time   `json:"sent,omitzero"`
	// Act is by when somebody must act: when it is due, else by the own target,
	// else, where it is owed at once, since when.
	Act time.Time `json:"act"`
}

const (
	defaultPage = 100
	maxPage     = 1000
)

// Clocks returns the clocks of all incidents that have started, by time left,
// and where the next page begins; it is empty when there is none. What a page
// says is as of each incident's last change or moment. The error is
// fault.Invalid for a page that this list did not give.
func (o *Office) Clocks(ctx context.Context, f Filter, p Page) (list []Listed, next string, err error) {
	most := min(cmp.Or(max(p.Most, 0), defaultPage), maxPage)
	after, err := readPlace(p.After)
	if err != nil {
		return nil, "", err
	}
	err = o.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err = selectClocks(ctx, tx, &f, after, most+1)
		if err != nil {
			return err
		}
		if len(list) > most {
			list = list[:most]
			next = list[most-1].place().String()
		}
		return o.name(ctx, tx, list)
	})
	return list, next, err
}

// name gives clocks their names and those of their incidents.
func (o *Office) name(ctx context.Context, tx *store.Tx, list []Listed) error {
	library := o.Library()
	for k := range list {
		l := &list[k]
		i, err := o.register.GetIn(ctx, tx, l.Incident)
		if err != nil {
			return err
		}
		l.Number, l.Title = i.Number, i.Title
		if pack, err := library.Pack(l.Regime); err == nil {
			if clock := pack.Clock(l.Clock); clock != nil {
				l.Name, l.Kind = clock.Title, clock.Kind
			}
		}
	}
	return nil
}

// place is where a clock stands in the list.
type place struct {
	act      int64
	incident string
	ClockID
}

func (l *Listed) place() place { return place{l.Act.UnixMicro(), l.Incident, l.ClockID} }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.act, q.act), cmp.Compare(p.incident, q.incident), cmp.Compare(p.Regime, q.Regime),
		cmp.Compare(p.Clock, q.Clock), cmp.Compare(p.Ref, q.Ref))
}

func (p place) String() string {
	return strings.Join([]string{strconv.FormatInt(p.act, 10), p.incident, p.Regime, p.Clock, p.Ref}, "/")
}

func readPlace(text string) (p place, err error) {
	if text == "" {
		return place{act: -1 << 62}, nil
	}
	parts := strings.SplitN(text, "/", 5)
	if len(parts) == 5 {
		p.act, err = strconv.ParseInt(parts[0], 10, 64)
		p.incident, p.Regime, p.Clock, p.Ref = parts[1], parts[2], parts[3], parts[4]
	}
	if len(parts) != 5 || err != nil {
		return p, fmt.Errorf("page %.80q is none that this list gave: %w", text, fault.Invalid)
	}
	return p, nil
}

// shelf is clocks that stand together in the index, in their order.
type shelf struct {
	regime string
	state  plan.State
	open   bool
}

// shelves are those that a filter asks for.
func (f *Filter) shelves(regimes []string) (all []shelf) {
	for _, name := range regimes {
		for _, s := range [...]struct {
			state plan.State
			open  bool
		}{
			{plan.Provisional, true},
			{plan.Running, true},
			{plan.Suspended, true},
			{plan.Missed, true},
			{plan.Missed, false},
			{plan.Met, false},
			{plan.Cancelled, false},
			{plan.Waiting, false},
		} {
			if (f.Regime == "" || f.Regime == name) && (len(f.States) == 0 || slices.Contains(f.States, s.state)) && (s.open || !f.Open) {
				all = append(all, shelf{name, s.state, s.open})
			}
		}
	}
	return all
}

// Outcome is how many clocks of one kind are in a state.
type Outcome struct {
	Regime string     `json:"regime"`
	Clock  string     `json:"clock"`
	State  plan.State `json:"state"`
	Count  int64      `json:"count"`
}

// Outcomes calls do for every regime, clock and state with how many of the clocks
// that started from since until but without until are in it: for statistics. Do
// must not ask the database.
func (o *Office) Outcomes(ctx context.Context, tx *store.Tx, since, until time.Time, do func(Outcome) error) error {
	return eachOutcome(ctx, tx, since, until, do)
}
