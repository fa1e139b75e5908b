package people

import (
	"cmp"
	"slices"
	"time"
)

// Period is the time from one instant up to, and without, another.
type Period struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// within returns the part of the period that is in another; it is empty when
// they do not meet.
func (p Period) within(other Period) (Period, bool) {
	if p.From.Before(other.From) {
		p.From = other.From
	}
	if p.Until.After(other.Until) {
		p.Until = other.Until
	}
	return p, p.From.Before(p.Until)
}

// Duty is a time in which somebody holds a post.
type Duty struct {
	Post string `json:"post"`
	// Account is the ID of who is on duty; Name, Display and Mail are that
	// account's.
	Account string `json:"account"`
	Name    string `json:"name,omitempty"`
	Display string `json:"display,omitempty"`
	Mail    string `json:"mail,omitempty"`
	Period
	// Zone is the time zone that it was planned in.
	Zone string `json:"zone"`
	// Rotation or Shift is the ID of what it comes from.
	Rotation string `json:"rotation,omitempty"`
	Shift    string `json:"shift,omitempty"`
}

// Gap is a time in which nobody holds a post.
type Gap struct {
	Post string `json:"post"`
	Period
}

// layer puts shifts over what the rotations plan: for the time of a shift, the
// rotations' duties at that post give way. Both are sorted by their beginning;
// so is what is returned.
func layer(shifts, rotated []Duty) []Duty {
	planned := slices.Clone(shifts)
	for _, d := range rotated {
		planned = append(planned, outside(d, shifts)...)
	}
	slices.SortStableFunc(planned, compareDuties)
	return planned
}

func compareDuties(a, b Duty) int {
	return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Post, b.Post), cmp.Compare(a.Account, b.Account))
}

// outside returns what is left of a duty outside the shifts at its post.
func outside(d Duty, shifts []Duty) []Duty {
	var left []Duty
	for _, s := range shifts {
		if s.Post != d.Post || !s.Until.After(d.From) {
			continue
		}
		if !s.From.Before(d.Until) {
			break // sorted: nor do the later ones meet it
		}
		if s.From.After(d.From) {
			before := d
			before.Until = s.From
			left = append(left, before)
		}
		d.From = s.Until
		if !d.From.Before(d.Until) {
			return left
		}
	}
	return append(left, d)
}

// gaps returns when in a period nobody holds a post. The duties are sorted by
// their beginning.
func gaps(post string, duties []Duty, in Period) []Gap {
	var found []Gap
	covered := in.From
	for _, d := range duties {
		if d.Post != post || !d.Until.After(covered) {
			continue
		}
		if !d.From.Before(in.Until) {
			break
		}
		if d.From.After(covered) {
			found = append(found, Gap{post, Period{covered, d.From}})
		}
		covered = d.Until
	}
	if covered.Before(in.Until) {
		found = append(found, Gap{post, Period{covered, in.Until}})
	}
	return found
}
