package regime

// Unconfirmed counts the entries of the pack that no source confirms in whole:
// criteria, clocks, duties and the rest, each once, and none of which only a part
// below is unconfirmed.
func (p *Pack) Unconfirmed() (unconfirmed, entries int) {
	count := func(m Mark) {
		entries++
		if !m.Confirmed() {
			unconfirmed++
		}
	}
	count(p.Binds.Mark)
	for _, c := range p.Categories {
		count(c.Mark)
	}
	for _, l := range p.Levels {
		if len(l.Criteria) == 0 {
			count(l.Mark)
		}
		for _, k := range l.Criteria {
			count(k.Mark)
		}
	}
	for _, r := range p.Responses {
		countDuties(r.Duties, count)
	}
	for _, w := range p.Warnings {
		countDuties(w.Duties, count)
	}
	for _, s := range p.Standing {
		count(s.Mark)
	}
	for _, c := range p.Clocks {
		count(c.Mark)
	}
	for _, f := range p.Forms {
		for _, field := range f.Fields {
			count(field.Mark)
		}
	}
	return unconfirmed, entries
}

func countDuties(duties []Duty, count func(Mark)) {
	for _, d := range duties {
		count(d.Mark)
	}
}
