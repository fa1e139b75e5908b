package fact

import "fmt"

// Share is a part and the whole that it is of: two numbers, or two amounts.
type Share struct {
	Of string `yaml:"of" json:"of"`
	In string `yaml:"in" json:"in"`
}

// checkShares takes care that every share is of facts that there are.
func (d *Dictionary) checkShares() error {
	for _, key := range d.keys {
		share := d.byKey[key].Share
		if share == nil {
			continue
		}
		part, whole := d.byKey[share.Of], d.byKey[share.In]
		if part == nil || whole == nil || part.Type != whole.Type || part.Type != Number && part.Type != Money || part.Grows || whole.Grows {
			return fmt.Errorf("fact %s: a share is of two numbers or two amounts that do not grow, not of %s in %s", key, share.Of, share.In)
		}
	}
	return nil
}

// WithShares returns the sheet with every share that it does not state and that
// follows from what it does: "5 % of the clients" from how many were affected
// and how many there are. What is known within a range gives a range.
func (s *Sheet) WithShares(d *Dictionary) *Sheet {
	more := Facts{}
	for _, key := range d.keys {
		if d.byKey[key].Share == nil || s.Facts[key].State != Unknown {
			continue
		}
		if f, ok := s.share(d.byKey[key].Share); ok {
			more[key] = f
		}
	}
	if len(more) == 0 {
		return s
	}
	return s.With(more)
}

// share works one out. Of money in two currencies it needs a stated rate, and of
// a whole that may be nothing there is none.
func (s *Sheet) share(of *Share) (f Fact, ok bool) {
	part, whole := s.Facts[of.Of], s.Facts[of.In]
	if !part.stated() || !whole.stated() || whole.Max <= 0 {
		return f, false
	}
	rate, ok := s.Rate(part.Currency, whole.Currency)
	if !ok {
		return f, false
	}
	f = Fact{State: Estimated, Max: 100, Source: of.Of + " of " + of.In}
	f.Min = min(100, 100*part.Min*rate/whole.Max)
	if whole.Min > 0 {
		f.Max = min(100, 100*part.Max*rate/whole.Min)
	}
	if f.Min == f.Max {
		f.State = Known
	}
	return f, true
}

func (f Fact) stated() bool { return f.State == Known || f.State == Estimated }
