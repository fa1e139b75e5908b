package regime

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/strict"
	"tocsin/plan/criterion"
	"tocsin/plan/fact"
)

// checker checks one pack, and says of what is wrong where it stands.
type checker struct {
	pack     *Pack
	document *strict.Document
	library  *Library
	language *criterion.Language
	sources  []string
	forms    []string
	ids      map[string]bool
	err      error // the first
}

// wrong notes that something is wrong at a path.
func (c *checker) wrong(path, format string, args ...any) {
	if c.err == nil {
		c.err = c.document.Problem(path, format, args...)
	}
}

func (c *checker) check() error {
	language, err := criterion.New(c.pack.dictionary)
	if err != nil {
		return c.document.Problem("regime", "%s", err)
	}
	c.language = language
	c.ids = map[string]bool{}
	c.header()
	c.categories("categories", c.pack.Categories, true)
	c.levels()
	c.recipients()
	c.formList()
	c.responses()
	c.warnings()
	c.clocks()
	return c.err
}

var (
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,60}$`)
	idForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,60}$`)
	codeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_+-]{0,60}$`)
)

func (c *checker) header() {
	p := c.pack
	if !nameForm.MatchString(p.Regime) {
		c.wrong("regime", "regime %q: a name as cn-plan-2017", p.Regime)
	}
	if p.Version < 1 {
		c.wrong("version", "version is a number from 1")
	}
	c.title("title", p.Title)
	if p.Jurisdiction == "" {
		c.wrong("jurisdiction", "jurisdiction is missing: CN, EU, US, …")
	}
	c.among("status", string(p.Status), words(statuses))
	if p.VerifiedOn.IsZero() {
		c.wrong("verified_on", "verified_on is missing: the day somebody compared the pack with its sources")
	}
	if p.Effective.From.IsZero() && p.Status == InForce {
		c.wrong("effective", "effective.from is missing: since when it is in force")
	}
	if e := p.Effective; !e.To.IsZero() && !e.From.Before(e.To) {
		c.wrong("effective", "effective.to is not after effective.from")
	}
	for i, s := range p.Sources {
		path := fmt.Sprintf("sources[%d]", i)
		if !idForm.MatchString(s.ID) || s.ID == Unconfirmed || s.ID == Own || slices.Contains(c.sources, s.ID) {
			c.wrong(path, "source %q: an ID of letters and digits, once", s.ID)
		}
		if s.Title == "" {
			c.wrong(path, "source %s has no title", s.ID)
		}
		c.among(path+".grade", s.Grade, []string{"official", "secondary", "press", "dataset"})
		c.sources = append(c.sources, s.ID)
	}
	if len(p.Sources) == 0 {
		c.wrong("sources", "sources are missing: the legal texts")
	}
	c.condition("binds.who", &p.Binds.Who)
	if p.Binds.Who.IsZero() {
		c.wrong("binds", "binds.who is missing: a condition over the organisation")
	}
	c.ofEntity("binds.who", p.Binds.Who)
	c.title("binds.text", p.Binds.Text)
	c.mark("binds", p.Binds.Mark, true)
	c.calendar()
	for i := range p.Standing {
		path := fmt.Sprintf("standing[%d]", i)
		s := &p.Standing[i]
		c.id(path, "standing", s.ID)
		c.title(path+".who", s.Who)
		c.title(path+".text", s.Text)
		c.mark(path, s.Mark, true)
		if s.EveryMonths < 0 || s.EveryMonths > 120 {
			c.wrong(path, "every_months is 0 to 120")
		}
	}
}

func (c *checker) calendar() {
	k := &c.pack.Calendar
	switch k.Zone {
	case "":
		c.wrong("calendar", "calendar.zone is missing: a time zone as Asia/Shanghai, or %s", OfOrganisation)
	case OfOrganisation:
	default:
		zone, err := time.LoadLocation(k.Zone)
		if err != nil || k.Zone == "Local" {
			c.wrong("calendar.zone", "time zone %q is not known", k.Zone)
		}
		k.location = zone
	}
	k.table = c.library.tables[k.Holidays]
	if k.table == nil && k.Holidays != "" && k.Holidays != OfOrganisation {
		c.wrong("calendar.holidays", "no table of holidays is called %q", k.Holidays)
	}
}

// words makes texts of a list of words.
func words[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i, w := range list {
		all[i] = string(w)
	}
	return all
}

func (c *checker) among(path, word string, list []string) {
	if !slices.Contains(list, word) {
		c.wrong(path, "%s %q is none of %s%s", path[strings.LastIndex(path, ".")+1:], word, strings.Join(list, ", "), strict.Nearest(word, list))
	}
}

func (c *checker) title(path string, t fact.Title) {
	if strings.TrimSpace(t.EN) == "" {
		c.wrong(path, "%s.en is missing", path)
	}
}

// id takes care that an ID is well formed and once among its kind.
func (c *checker) id(path, kind, id string) {
	if !idForm.MatchString(id) {
		c.wrong(path, "id %q: letters, digits and _ . -", id)
	}
	if c.ids[kind+" "+id] {
		c.wrong(path, "%s %s stands twice", kind, id)
	}
	c.ids[kind+" "+id] = true
}

// mark takes care that every entry says what it rests on.
func (c *checker) mark(path string, m Mark, needed bool) {
	if needed && len(m) == 0 {
		c.wrong(path, "mark is missing: the IDs of the sources that say so, %s or %s", Unconfirmed, Own)
	}
	for _, word := range m {
		if word == Unconfirmed || word == Own {
			continue
		}
		at := slices.Index(c.sources, word)
		switch {
		case at < 0:
			c.wrong(path+".mark", "mark %q is the ID of no source%s", word, strict.Nearest(word, c.sources))
		case !c.pack.Sources[at].Confirms && !slices.Contains(m, Unconfirmed):
			c.wrong(path+".mark", "source %s confirms nothing, by its own words: mark it %s too", word, Unconfirmed)
		}
	}
}

// condition compiles a condition; none is none.
func (c *checker) condition(path string, k *Condition) {
	if k.IsZero() {
		return
	}
	compiled, err := c.language.Compile(k.text)
	if err != nil {
		c.wrong(path, "%s", strings.TrimSuffix(err.Error(), ": "+fault.Invalid.Error()))
		return
	}
	k.compiled = compiled
}

// ofEntity refuses a condition that asks for facts of an incident.
func (c *checker) ofEntity(path string, k Condition) {
	if k.compiled == nil {
		return
	}
	for _, key := range k.compiled.Facts() {
		if !strings.HasPrefix(key, "entity.") {
			c.wrong(path, "%s asks for %s: only facts below entity. are known of an organisation", path, key)
		}
	}
}

func (c *checker) categories(path string, list []Category, top bool) {
	rsit := c.pack.dictionary.Definition("incident.types").Codes()
	seen := map[string]bool{}
	for i, k := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if !codeForm.MatchString(k.Code) || seen[k.Code] {
			c.wrong(at, "category %q: a code of letters, digits and _ + -, once", k.Code)
		}
		seen[k.Code] = true
		c.title(at+".title", k.Title)
		c.mark(at, k.Mark, top)
		for _, r := range k.RSIT {
			c.among(at+".rsit", r, rsit)
		}
		if !top && len(k.Types) > 0 {
			c.wrong(at, "types within types are not allowed")
		}
		c.categories(at+".types", k.Types, false)
	}
}

func (c *checker) levels() {
	if len(c.pack.Levels) == 0 {
		c.wrong("levels", "levels are missing")
	}
	for i := range c.pack.Levels {
		l := &c.pack.Levels[i]
		path := fmt.Sprintf("levels[%d]", i)
		last := i == len(c.pack.Levels)-1
		if !codeForm.MatchString(l.Code) || c.ids["level "+l.Code] {
			c.wrong(path, "level %q: a code of letters, digits and _ + -, once", l.Code)
		}
		c.ids["level "+l.Code] = true
		c.title(path+".title", l.Title)
		c.mark(path, l.Mark, true)
		if last != (len(l.Criteria) == 0) {
			c.wrong(path, "every level has criteria but the last, which is what an incident is of which none holds")
		}
		for j := range l.Criteria {
			c.criterion(fmt.Sprintf("%s.criteria[%d]", path, j), &l.Criteria[j], l.Mark)
		}
	}
}

func (c *checker) criterion(path string, k *Criterion, levels Mark) {
	c.id(path, "criterion", k.ID)
	c.title(path+".title", k.Title)
	if k.When.IsZero() {
		c.wrong(path, "when is missing: a condition over facts")
	}
	c.condition(path+".when", &k.When)
	c.mark(path, k.Mark, false)
	if len(k.Mark) == 0 {
		k.Mark = levels
	}
	if k.When.compiled == nil {
		return
	}
	for _, key := range k.When.compiled.Facts() {
		k.Judged = k.Judged || c.pack.dictionary.Definition(key).Type == fact.Judgement
	}
}

func (c *checker) responses() {
	for i := range c.pack.Responses {
		r := &c.pack.Responses[i]
		path := fmt.Sprintf("responses[%d]", i)
		if !codeForm.MatchString(r.Code) || c.ids["response "+r.Code] {
			c.wrong(path, "response %q: a code, once", r.Code)
		}
		c.ids["response "+r.Code] = true
		c.title(path+".title", r.Title)
		c.title(path+".decided_by", r.DecidedBy)
		c.mark(path, r.Mark, true)
		for _, l := range r.Levels {
			c.level(path+".levels", l)
		}
		c.duties(path, r.Duties, r.Mark)
	}
}

func (c *checker) level(path, code string) {
	if c.pack.Rank(code) < 0 {
		var codes []string
		for _, l := range c.pack.Levels {
			codes = append(codes, l.Code)
		}
		c.wrong(path, "no level is called %q%s", code, strict.Nearest(code, codes))
	}
}

func (c *checker) duties(path string, duties []Duty, above Mark) {
	if len(duties) == 0 {
		c.wrong(path, "duties are missing")
	}
	for i := range duties {
		d := &duties[i]
		at := fmt.Sprintf("%s.duties[%d]", path, i)
		c.id(at, "duty", d.ID)
		c.title(at+".who", d.Who)
		c.title(at+".text", d.Text)
		c.condition(at+".when", &d.When)
		c.mark(at, d.Mark, false)
		if len(d.Mark) == 0 {
			d.Mark = above
		}
	}
}

func (c *checker) warnings() {
	for i := range c.pack.Warnings {
		w := &c.pack.Warnings[i]
		path := fmt.Sprintf("warnings[%d]", i)
		switch {
		case w.Colour == "":
			c.wrong(path, "colour is missing")
		case slices.ContainsFunc(c.pack.Warnings[:i], func(o Warning) bool { return o.Colour == w.Colour }):
			c.wrong(path, "colour %s stands twice", w.Colour)
		}
		c.condition(path+".may", &w.May)
		c.ofEntity(path+".may", w.May)
		for j := range w.Duties {
			at := fmt.Sprintf("%s.duties[%d].when", path, j)
			c.condition(at, &w.Duties[j].When) // what happened is not known of a warning: only whom it binds
			c.ofEntity(at, w.Duties[j].When)
		}
		c.title(path+".title", w.Title)
		c.title(path+".issued_by", w.IssuedBy)
		c.level(path+".level", w.Level)
		c.mark(path, w.Mark, true)
		c.duties(path, w.Duties, w.Mark)
	}
}

func (c *checker) recipients() {
	for i, r := range c.pack.Recipients {
		path := fmt.Sprintf("recipients[%d]", i)
		c.id(path, "recipient", r.ID)
		c.title(path+".title", r.Title)
	}
}

func (c *checker) recipient(path, id string) {
	if c.pack.Recipient(id) == nil {
		var ids []string
		for _, r := range c.pack.Recipients {
			ids = append(ids, r.ID)
		}
		c.wrong(path, "no recipient is called %q%s", id, strict.Nearest(id, ids))
	}
}
