package regime

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/strict"
	"tocsin/plan/calendar"
)

func (c *checker) clocks() {
	for i := range c.pack.Clocks {
		c.clock(fmt.Sprintf("clocks[%d]", i), &c.pack.Clocks[i])
	}
	for i := range c.pack.Clocks {
		c.chain(fmt.Sprintf("clocks[%d]", i), &c.pack.Clocks[i])
	}
}

func (c *checker) clock(path string, k *Clock) {
	if k.Kind == "" {
		k.Kind = Obligatory
	}
	c.id(path, "clock", k.ID)
	c.title(path+".title", k.Title)
	c.title(path+".from", k.From)
	c.among(path+".kind", string(k.Kind), words(kinds))
	c.mark(path, k.Mark, true)
	c.condition(path+".who", &k.Who)
	c.ofEntity(path+".who", k.Who)
	c.condition(path+".when", &k.When)
	if k.AtLeast != "" {
		c.level(path+".at_least", k.AtLeast)
	}
	c.among(path+".start", string(k.Start), words(Events()))
	c.among(path+".which", k.Which, []string{"", "first", "last"})
	c.among(path+".rise", k.Rise, []string{"", "level", "start"})
	if k.Each && k.Which != "" {
		c.wrong(path, "each runs a clock for every event: which is not of it")
	}
	if len(k.To) == 0 {
		c.wrong(path, "to is missing: who gets it")
	}
	for _, id := range k.To {
		c.recipient(path+".to", id)
	}
	if k.Content != "" && c.pack.Form(k.Content) == nil {
		c.wrong(path+".content", "no form is called %q%s", k.Content, strict.Nearest(k.Content, c.forms))
	}
	c.limits(path, k)
}

// limits takes care that a clock says one thing about when it is due.
func (c *checker) limits(path string, k *Clock) {
	whole := k.Limit.Unit == calendar.Days || k.Limit.Unit == calendar.BusinessDays || k.Limit.Unit == calendar.Months
	switch {
	case !c.document.Has(path + ".limit"):
		c.wrong(path, "limit is missing: 4 h, 1 month, or immediately")
	case k.Moment && !whole, k.By.Set && !whole, k.Moment && k.By.Set:
		c.wrong(path, "moment and by are of limits in days or months, and one of the two at most")
	case k.Limit.IsZero() && (k.Outer != nil || k.Roll != nil || k.Suspend != nil || k.Anew != nil || k.Until != ""):
		c.wrong(path, "a limit without a number has no outer limit, roll, suspension, anew or until")
	}
	if k.Until != "" {
		c.among(path+".until", string(k.Until), words(Events()))
	}
	if a := k.Anew; a != nil {
		c.among(path+".anew.start", string(a.Start), words(Events()))
		c.mark(path+".anew", a.Mark, false)
		if a.Limit.IsZero() || a.Start == PreviousSubmitted || a.Start == k.Start {
			c.wrong(path+".anew", "anew has a number, and an event of its own to start from")
		}
	}
	if o := k.Outer; o != nil {
		c.among(path+".outer.start", string(o.Start), words(Events()))
		c.mark(path+".outer", o.Mark, false)
		if o.Limit.IsZero() || o.Start == PreviousSubmitted {
			c.wrong(path+".outer", "an outer limit has a number, and an event of its own to start from")
		}
	}
	if k.Roll != nil {
		c.condition(path+".roll.unless", &k.Roll.Unless)
		c.mark(path+".roll", k.Roll.Mark, false)
	}
	if s := k.Suspend; s != nil {
		c.title(path+".suspend.by", s.By)
		c.among(path+".suspend.effect", s.Effect, []string{"pause", "extend", "restart"})
		c.mark(path+".suspend", s.Mark, false)
	}
}

// chain takes care that what a clock comes after is there, and not after it.
func (c *checker) chain(path string, k *Clock) {
	if (k.Start == PreviousSubmitted) != (k.After != "") || k.After == "" && len(k.AlsoAfter) > 0 {
		c.wrong(path, "after names the clock whose report starts it, with start: %s", PreviousSubmitted)
		return
	}
	c.before(path, k, []string{k.ID}, map[string]bool{})
}

// before follows every clock that another comes after: line is how it came
// here, done are those that were followed.
func (c *checker) before(path string, k *Clock, line []string, done map[string]bool) {
	for _, id := range k.Previous() {
		next := c.pack.Clock(id)
		switch {
		case next == nil:
			var ids []string
			for _, other := range c.pack.Clocks {
				ids = append(ids, other.ID)
			}
			c.wrong(path+".after", "no clock is called %q%s", id, strict.Nearest(id, ids))
		case slices.Contains(line, id):
			c.wrong(path+".after", "clocks come after each other in a circle: %s", strings.Join(line, ", "))
		case !done[id]:
			c.before(path, next, append(slices.Clip(line), id), done)
			done[id] = true
		}
	}
}

// needs are how urgent a field of a form can be.
var needs = []string{"now", "later", "if_known"}

func (c *checker) formList() {
	for i := range c.pack.Forms {
		f := &c.pack.Forms[i]
		path := fmt.Sprintf("forms[%d]", i)
		c.id(path, "form", f.ID)
		c.forms = append(c.forms, f.ID)
		c.title(path+".title", f.Title)
		c.mark(path, f.Mark, true)
		if len(f.Fields) == 0 {
			c.wrong(path, "fields are missing")
		}
		for j := range f.Fields {
			c.field(fmt.Sprintf("%s.fields[%d]", path, j), f, &f.Fields[j])
		}
	}
}

func (c *checker) field(path string, form *Form, f *Field) {
	c.id(path, "field of "+form.ID, f.ID)
	c.title(path+".title", f.Title)
	c.among(path+".need", f.Need, needs)
	c.condition(path+".when", &f.When)
	c.mark(path, f.Mark, false)
	if len(f.Mark) == 0 {
		f.Mark = form.Mark
	}
	if len(f.From) == 0 {
		c.wrong(path, "from is missing: the parts of the case that it is filled from, or text")
	}
	for _, part := range f.From {
		key, isFact := strings.CutPrefix(part, "fact:")
		switch keys := c.pack.dictionary.Keys(); {
		case isFact && !slices.Contains(keys, key):
			c.wrong(path+".from", "no fact is called %q%s", key, strict.Nearest(key, keys))
		case !isFact && !slices.Contains(CaseParts(), part):
			c.wrong(path+".from", "%q is no part of a case%s", part, strict.Nearest(part, CaseParts()))
		}
	}
	for _, id := range f.HiddenFrom {
		c.recipient(path+".hidden_from", id)
	}
}
