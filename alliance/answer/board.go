package answer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Board is how the members that a warning asked have answered so far.
type Board struct {
	Warning  string          `json:"warning"`
	Number   string          `json:"number"`
	Title    string          `json:"title"`
	Colour   alliance.Colour `json:"colour"`
	Revision int             `json:"revision"`
	Issued   time.Time       `json:"issued"`
	Open     bool            `json:"open"`
	Sum      Sum             `json:"sum"`
	Sectors  []Part          `json:"sectors"`
	Regions  []Part          `json:"regions"`
	// Half and NearlyAll are within how many seconds half and 95 % of those that
	// answered did first, rounded up to the next step of a scale; 0 while nobody has.
	Half      int `json:"half_seconds"`
	NearlyAll int `json:"p95_seconds"`
	// Measures says of each how many members are how far.
	Measures []MeasureSum `json:"measures,omitempty"`
	// Associations are the sums of those whose members do not want to be named. They
	// are not in Sum.
	Associations []Association `json:"associations,omitempty"`
}

// Sum is how many members are in which state.
type Sum struct {
	Members    int `json:"members"`
	Hit        int `json:"hit"`
	Exposed    int `json:"exposed"`
	CannotTell int `json:"cannot_tell"`
	Clear      int `json:"clear"`
	Silent     int `json:"silent"`
	Blind      int `json:"blind"`
}

func (s *Sum) add(state State, n int) {
	s.Members += n
	switch state {
	case State(alliance.Hit):
		s.Hit += n
	case State(alliance.Exposed):
		s.Exposed += n
	case State(alliance.CannotTell):
		s.CannotTell += n
	case State(alliance.Clear):
		s.Clear += n
	case Silent:
		s.Silent += n
	case Blind:
		s.Blind += n
	}
}

// Part is the sum of a sector or region.
type Part struct {
	Code string `json:"code"`
	Sum
}

// MeasureSum is how many members are how far with a measure.
type MeasureSum struct {
	Measure string                        `json:"measure"`
	States  map[alliance.MeasureState]int `json:"states"`
	Overdue int                           `json:"overdue"`
}

// Association is what one of them added up.
type Association struct {
	Node alliance.NodeID `json:"node"`
	Name string          `json:"name,omitempty"`
	alliance.Totals
}

// Board returns the board of a warning, by its ID or number. It reads sums alone,
// and takes the same time however many members there are. The error is
// fault.NotFound.
func (a *Answers) Board(ctx context.Context, warning string) (b Board, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		w, err := findAsked(ctx, tx, warning)
		if err != nil {
			return err
		}
		b = Board{Warning: w.Warning, Number: w.Number, Title: w.Title, Colour: w.Colour, Revision: w.Revision, Issued: w.Issued, Open: w.Open}
		sums, err := selectCounts(ctx, tx, w.Warning)
		if err != nil {
			return err
		}
		b.sum(sums)
		if b.Measures, err = selectMeasureSums(ctx, tx, w.Warning); err != nil {
			return err
		}
		b.Associations, err = selectTotals(ctx, tx, w.Warning, a.config.Self())
		return err
	})
	return b, err
}

func (b *Board) sum(sums counts) {
	took := map[string]int{}
	for k, n := range sums {
		switch k.part {
		case partAll:
			b.Sum.add(k.state, n)
		case partSector:
			b.Sectors = addPart(b.Sectors, k, n)
		case partRegion:
			b.Regions = addPart(b.Regions, k, n)
		case partTime:
			took[k.code] += n
		}
	}
	for _, parts := range [...][]Part{b.Sectors, b.Regions} {
		slices.SortFunc(parts, func(x, y Part) int { return strings.Compare(x.Code, y.Code) })
	}
	b.Half, b.NearlyAll = quantile(took, 50), quantile(took, 95)
}

func addPart(parts []Part, k countKey, n int) []Part {
	at := slices.IndexFunc(parts, func(p Part) bool { return p.Code == k.code })
	if at < 0 {
		at = len(parts)
		parts = append(parts, Part{Code: k.code})
	}
	parts[at].add(k.state, n)
	return parts
}

// steps is the scale on which times to the first answer are counted, in seconds.
var steps = [...]int{1, 2, 3, 5, 8, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 86400, 259200, 604800, 1 << 30}

func bucketOf(took time.Duration) string {
	for i, s := range steps {
		if took <= time.Duration(s)*time.Second {
			return fmt.Sprintf("%02d", i)
		}
	}
	return fmt.Sprintf("%02d", len(steps)-1)
}

// quantile returns within how many seconds so many percent answered.
func quantile(took map[string]int, percent int) int {
	all := 0
	for _, n := range took {
		all += n
	}
	so := 0
	for i, s := range steps {
		so += took[fmt.Sprintf("%02d", i)]
		if all > 0 && so*100 >= all*percent {
			return s
		}
	}
	return 0
}

// Placed is a member on a board.
type Placed struct {
	Member   alliance.NodeID `json:"member"`
	Name     string          `json:"name"`
	Sector   string          `json:"sector"`
	Region   string          `json:"region"`
	Via      alliance.NodeID `json:"via,omitempty"`
	Linked   bool            `json:"linked"`
	State    State           `json:"state"`
	Partial  bool            `json:"partial,omitempty"`
	Told     bool            `json:"told,omitempty"`
	Sequence int             `json:"sequence,omitempty"`
	Revision int             `json:"revision,omitempty"`
	Asked    time.Time       `json:"asked"`
	First    time.Time       `json:"first,omitzero"`
	Last     time.Time       `json:"last,omitzero"`
	// Seconds are those from asking to the first answer.
	Seconds float64 `json:"seconds,omitempty"`
	Chased  int     `json:"chased,omitempty"`
}

func (p *place) placed() Placed {
	out := Placed{
		Member: p.Member, Name: p.Name, Sector: p.Sector, Region: p.Region, Via: p.Via, Linked: p.Linked, State: p.State, Partial: p.Partial,
		Told: p.Told, Sequence: p.Sequence, Revision: p.Revision, Asked: p.Asked, First: p.First, Last: p.Last, Chased: p.Chased,
	}
	if !p.First.IsZero() {
		out.Seconds = p.First.Sub(p.Asked).Seconds()
	}
	return out
}

// Places chooses members of a board; what is empty chooses all.
type Places struct {
	State  State
	Sector string
	Region string
	// After is the member after which to go on.
	After alliance.NodeID
}

// OnBoard reports whether a warning asked a member.
func (a *Answers) OnBoard(ctx context.Context, tx *store.Tx, warning string, member alliance.NodeID) (bool, error) {
	_, err := selectPlace(ctx, tx, warning, member)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Members returns members of a board in the order of their IDs. The error is
// fault.NotFound for a warning without a board.
func (a *Answers) Members(ctx context.Context, warning string, p Places, limit int) (all []Placed, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		w, err := findAsked(ctx, tx, warning)
		if err != nil {
			return err
		}
		found, err := selectPlaces(ctx, tx, w.Warning, p, limit)
		all = make([]Placed, 0, len(found))
		for i := range found {
			all = append(all, found[i].placed())
		}
		return err
	})
	return all, err
}

// Heard is everything that a member said to a warning, as its hub received it.
type Heard struct {
	Placed
	Answers  []ReceivedAnswer `json:"answers"`
	Measures []MeasureTold    `json:"measures"`
	Rate     Rate             `json:"rate"`
}

// ReceivedAnswer is one of a member's answers.
type ReceivedAnswer struct {
	At      time.Time       `json:"at"` // when it came
	Message string          `json:"message,omitempty"`
	Answer  alliance.Answer `json:"answer"`
}

// MeasureTold is how far a member said it is with a measure.
type MeasureTold struct {
	Measure  string                `json:"measure"`
	Due      time.Time             `json:"due"`
	State    alliance.MeasureState `json:"state"`
	Reason   string                `json:"reason,omitempty"`
	Evidence string                `json:"evidence,omitempty"`
	By       string                `json:"by,omitempty"`
	At       time.Time             `json:"at,omitzero"`
	Overdue  bool                  `json:"overdue,omitempty"`
}

// Rate is how a member has answered over all warnings.
type Rate struct {
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	Blind    int `json:"blind"`
	// Seconds is how long the first answer took, on average.
	Seconds float64 `json:"seconds"`
}

// Member returns what a member said to a warning, the last answer first. The error
// is fault.NotFound.
func (a *Answers) Member(ctx context.Context, warning string, member alliance.NodeID) (h Heard, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		w, err := findAsked(ctx, tx, warning)
		if err != nil {
			return err
		}
		p, err := selectPlace(ctx, tx, w.Warning, member)
		if err != nil {
			return fmt.Errorf("member %s on the board of warning %s: %w", member, w.Number, err)
		}
		h = Heard{Placed: p.placed()}
		if h.Answers, err = selectReceived(ctx, tx, w.Warning, member); err != nil {
			return err
		}
		if h.Measures, err = selectMeasuresTold(ctx, tx, w.Warning, member); err != nil {
			return err
		}
		h.Rate, err = selectRate(ctx, tx, member)
		return err
	})
	return h, err
}
