package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Roster says who is on duty when. It is safe for concurrent use.
type Roster struct {
	db    *store.DB
	trail *audit.Trail
	now   func() time.Time
}

// NewRoster returns the roster of a database, which has the tables of Room.
func NewRoster(db *store.DB, trail *audit.Trail, now func() time.Time) *Roster {
	return &Roster{db, trail, now}
}

// Shift is a duty planned for itself. Rotations at the same post give way to
// it: it is how somebody stands in for somebody else.
type Shift struct {
	ID   string `json:"id"`
	Post string `json:"post"`
	// Account is who it is, by ID or name; what is returned has the ID.
	Account string `json:"account"`
	Period
	// Zone is the time zone that it was planned in, as Europe/Vienna.
	Zone string `json:"zone"`
}

// Note is what who had the watch tells who takes it.
type Note struct {
	ID     string    `json:"id"`
	Post   string    `json:"post"`
	Author string    `json:"author"` // the name of an account or token
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
}

// Plan is who is on duty in a period, and when nobody is.
type Plan struct {
	Period
	Duties []Duty `json:"duties"`
	Gaps   []Gap  `json:"gaps"`
}

// limits of a roster.
const (
	maxPost      = 40
	maxRotations = 200
	maxShifts    = 100_000
	maxShiftDays = 31
	maxPlanDays  = 400
	maxNote      = 16 << 10
	maxNotes     = 200
	someNotes    = 20 // how many are told when nobody says how many
)

// OnDuty returns who is on duty at a time, for reminders: at each post those who
// hold it, none where nobody does.
func (r *Roster) OnDuty(ctx context.Context, at time.Time) ([]Duty, error) {
	plan, err := r.Plan(ctx, Period{at, at.Add(time.Microsecond)})
	return plan.Duties, err
}

// Plan returns who is on duty in a period, and the gaps: at every post that is
// in use then, or at the default one when none is. Who is disabled is on duty no
// more. The error is fault.Invalid for a period of more than 400 days.
func (r *Roster) Plan(ctx context.Context, in Period) (Plan, error) {
	plan := Plan{Period: in, Duties: []Duty{}, Gaps: []Gap{}}
	if !in.From.Before(in.Until) || in.Until.Sub(in.From) > maxPlanDays*day || !plausible(in.From.UTC()) || !plausible(in.Until.UTC()) {
		return plan, fmt.Errorf("roster: a period of up to %d days, which ends after it begins: %w", maxPlanDays, fault.Invalid)
	}
	var shifts []Duty
	var rotations []Rotation
	var accounts []Account
	err := r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if shifts, err = selectShifts(ctx, tx, in); err != nil {
			return err
		}
		if rotations, err = selectRotations(ctx, tx); err != nil {
			return err
		}
		accounts, err = selectAccounts(ctx, tx)
		return err
	})
	if err != nil {
		return plan, err
	}
	var rotated []Duty
	posts := map[string]bool{}
	for i := range rotations {
		read, err := rotations[i].parse()
		if err != nil {
			return plan, fmt.Errorf("rotation %s: %w", rotations[i].ID, err)
		}
		if read.meets(in) {
			posts[read.Post] = true
		}
		rotated = append(rotated, read.duties(in)...)
	}
	for _, s := range shifts {
		posts[s.Post] = true
	}
	for _, d := range layer(present(shifts, accounts), present(rotated, accounts)) {
		if p, ok := d.within(in); ok {
			d.Period = p
			plan.Duties = append(plan.Duties, d)
		}
	}
	if len(posts) == 0 {
		posts[DefaultPost] = true
	}
	for post := range posts {
		plan.Gaps = append(plan.Gaps, gaps(post, plan.Duties, in)...)
	}
	slices.SortFunc(plan.Gaps, func(a, b Gap) int {
		if c := a.From.Compare(b.From); c != 0 {
			return c
		}
		return strings.Compare(a.Post, b.Post)
	})
	return plan, nil
}

// meets reports whether the rotation is in force in a period, duty or not.
func (r *rotation) meets(in Period) bool {
	first := wall(r.start, r.from, r.zone)
	return first.Before(in.Until) && (r.end.IsZero() || in.From.Before(wall(r.end, 0, r.zone)))
}

// present names who is on duty, and leaves those out who are disabled.
func present(duties []Duty, accounts []Account) []Duty {
	by := make(map[string]*Account, len(accounts))
	for i := range accounts {
		by[accounts[i].ID] = &accounts[i]
	}
	var here []Duty
	for _, d := range duties {
		if who := by[d.Account]; who != nil && who.Disabled.IsZero() {
			d.Name, d.Display, d.Mail = who.Name, who.Display, who.Mail
			here = append(here, d)
		}
	}
	return here
}

// AddShift plans a shift. The error is fault.Invalid, or fault.NotFound for an
// account that is not.
func (r *Roster) AddShift(ctx context.Context, s Shift) (Shift, error) {
	s.From, s.Until = s.From.UTC().Truncate(time.Microsecond), s.Until.UTC().Truncate(time.Microsecond)
	if err := s.check(); err != nil {
		return s, err
	}
	s.ID = store.NewID(r.now())
	err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := countShifts(ctx, tx)
		if err != nil || n >= maxShifts {
			return orFull(err, "shifts", n)
		}
		who, err := account1(ctx, tx, s.Account)
		if err != nil {
			return err
		}
		s.Account = who.ID
		if err := insertShift(ctx, tx, s); err != nil {
			return err
		}
		return r.record(ctx, tx, "roster.shift.add", "shift", s.ID, nil, s)
	})
	return s, err
}

func orFull(err error, what string, n int) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("roster: there are %d %s: %w", n, what, fault.Conflict)
}

func (s *Shift) check() error {
	var err error
	if s.Post, err = checkPost(s.Post); err != nil {
		return err
	}
	if s.Zone == "" {
		s.Zone = "UTC"
	}
	if _, err := zone(s.Zone); err != nil {
		return err
	}
	if !s.From.Before(s.Until) || s.Until.Sub(s.From) > maxShiftDays*day || !plausible(s.From) || !plausible(s.Until) {
		return fmt.Errorf("shift: it begins before it ends, and lasts %d days at most: %w", maxShiftDays, fault.Invalid)
	}
	return nil
}

func checkPost(post string) (string, error) {
	if post == "" {
		return DefaultPost, nil
	}
	if !oneLine(post, maxPost) || strings.TrimSpace(post) != post {
		return "", fmt.Errorf("post: use up to %d bytes on one line: %w", maxPost, fault.Invalid)
	}
	return post, nil
}

// EndShift ends a shift now, or takes it out of the plan when it has not begun.
// The error is fault.NotFound, or fault.Conflict when it is over.
func (r *Roster) EndShift(ctx context.Context, id string) error {
	return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, found, err := selectShift(ctx, tx, id)
		if err != nil {
			return err
		}
		now := r.now().UTC().Truncate(time.Microsecond)
		switch {
		case !found:
			return fmt.Errorf("no shift %q: %w", id, fault.NotFound)
		case !now.Before(s.Until):
			return fmt.Errorf("shift %s is over: who was on duty stays on record: %w", id, fault.Conflict)
		case !now.After(s.From):
			err = deleteShift(ctx, tx, id)
		default:
			err = updateShift(ctx, tx, id, now)
		}
		if err != nil {
			return err
		}
		return r.record(ctx, tx, "roster.shift.end", "shift", id, s, nil)
	})
}

// End ends a shift or a rotation, whichever has the ID.
func (r *Roster) End(ctx context.Context, id, end string) error {
	err := r.EndShift(ctx, id)
	if errors.Is(err, fault.NotFound) {
		err = r.EndRotation(ctx, id, end)
	}
	return err
}

// Rotations returns all rotations, with those that have ended.
func (r *Roster) Rotations(ctx context.Context) (list []Rotation, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err = selectRotations(ctx, tx)
		return err
	})
	return list, err
}

// AddRotation plans a rotation, whose members may be named by ID or name. The
// error is fault.Invalid, or fault.NotFound for a member that is not.
func (r *Roster) AddRotation(ctx context.Context, o Rotation) (Rotation, error) {
	var err error
	if o.Post, err = checkPost(o.Post); err != nil {
		return o, err
	}
	if o.Weeks == 0 {
		o.Weeks = 1
	}
	if _, err := o.parse(); err != nil {
		return o, err
	}
	o.ID, o.Members = store.NewID(r.now()), slices.Clone(o.Members)
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := selectRotations(ctx, tx)
		if err != nil || len(before) >= maxRotations {
			return orFull(err, "rotations", len(before))
		}
		for i, member := range o.Members {
			who, err := account1(ctx, tx, member)
			if err != nil {
				return err
			}
			o.Members[i] = who.ID
		}
		if err := insertRotation(ctx, tx, o); err != nil {
			return err
		}
		return r.record(ctx, tx, "roster.rotation.add", "rotation", o.ID, nil, o)
	})
	return o, err
}

// EndRotation lets a rotation end: no duty of it begins on a day or later. When
// no day is named it is the day after today, by the rotation's clock; a day that
// is past is refused, since who was on duty stays on record. The error is
// fault.NotFound or fault.Invalid.
func (r *Roster) EndRotation(ctx context.Context, id, end string) error {
	return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err := selectRotations(ctx, tx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(o Rotation) bool { return o.ID == id })
		if i < 0 {
			return fmt.Errorf("no rotation %q: %w", id, fault.NotFound)
		}
		before, after := list[i], list[i]
		read, err := before.parse()
		if err != nil {
			return err
		}
		tomorrow := midnight(r.now().In(read.zone)).Add(day)
		after.End = end
		if end == "" {
			after.End = tomorrow.Format(time.DateOnly)
		}
		last, err := time.Parse(time.DateOnly, after.End)
		if err != nil || last.Before(tomorrow) {
			return fmt.Errorf("end %q: name a day that has not begun, as %s: %w", end, tomorrow.Format(time.DateOnly), fault.Invalid)
		}
		if last.After(read.start) {
			err = updateRotation(ctx, tx, after)
		} else { // it never began
			err = deleteRotation(ctx, tx, id)
		}
		if err != nil {
			return err
		}
		return r.record(ctx, tx, "roster.rotation.end", "rotation", id, before, after)
	})
}

// HandOver keeps a note for who takes the watch over. The error is
// fault.Invalid.
func (r *Roster) HandOver(ctx context.Context, post, text string) (Note, error) {
	post, err := checkPost(post)
	if err != nil {
		return Note{}, err
	}
	if strings.TrimSpace(text) == "" || len(text) > maxNote || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return Note{}, fmt.Errorf("hand-over note: write up to %d bytes of text: %w", maxNote, fault.Invalid)
	}
	now := r.now().UTC().Truncate(time.Microsecond)
	note := Note{ID: store.NewID(now), Post: post, Author: From(ctx).Name, At: now, Text: text}
	return note, r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertNote(ctx, tx, note); err != nil {
			return err
		}
		return r.record(ctx, tx, "roster.hand-over", "post", post, nil, note)
	})
}

// Notes returns hand-over notes before a time, newest first: 20 when the limit
// is 0, 200 at most. The zero time is now.
func (r *Roster) Notes(ctx context.Context, before time.Time, limit int) (notes []Note, err error) {
	if limit <= 0 {
		limit = someNotes
	}
	if before.IsZero() {
		before = r.now().Add(day)
	}
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		notes, err = selectNotes(ctx, tx, before, min(limit, maxNotes))
		return err
	})
	return notes, err
}
