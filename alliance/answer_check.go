package alliance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// MinimumTotals is how many members must contribute to a total before it is told: of
// fewer, one that knows its own answer could reckon the others'.
const MinimumTotals = 5

const (
	maxGroups   = 1_000 // by verdict, reason and coverage
	maxCarriers = 100   // log sources
	maxCount    = 1 << 53
)

// Check reports what of an answer will not do. w is the warning that is answered, or
// nil where it is not known: then the numbers of questions are checked for form. The
// error is fault.Invalid.
//
// A verdict on the whole is the gravest of its parts, every question is answered
// once, and a 'clear' of a question says what it rests on. An answer without parts,
// which a member may release, says the verdict alone.
func (a *Answer) Check(w *Warning) error {
	k := newCheck("answer")
	k.id("/warning", a.Warning)
	k.want(a.Revision >= 1, "/revision", "it counts from 1")
	k.want(a.Member.Valid(), "/member", "it is no node")
	k.want(a.Sequence >= 1, "/sequence", "it counts from 1")
	k.moment("/at", a.At)
	k.want(slices.Contains(Verdicts(), a.Verdict), "/verdict", "%.40q is none of %v", a.Verdict, Verdicts())
	k.text("/reason", a.Reason, maxNote, "\n\t")
	checkSightings(k, "", &a.Sightings)
	if a.Told != nil {
		a.Told.check(k)
	}
	a.checkParts(k, w)
	if w != nil {
		k.want(w.ID == a.Warning, "/warning", "it is another warning")
		k.want(a.Revision <= w.Revision, "/revision", "revision %d is answered, and there are %d", a.Revision, w.Revision)
	}
	return k.err()
}

func (a *Answer) checkParts(k *check, w *Warning) {
	if !k.count("/hits", len(a.Hits), MaxQuestions) || !k.count("/rest", len(a.Rest), maxGroups) {
		return
	}
	if len(a.Hits)+len(a.Rest) == 0 {
		k.want(a.Verdict != CannotTell || a.Reason != "", "/reason", "it does not say why it cannot tell")
		return
	}
	gravest := Verdict("")
	var answered []span
	for i := range a.Hits {
		h, field := &a.Hits[i], fmt.Sprintf("/hits/%d", i)
		h.check(k, field)
		gravest = Gravest(gravest, h.Verdict)
		answered = append(answered, span{h.Question, h.Question})
		if k.full() {
			return
		}
	}
	for i := range a.Rest {
		g, field := &a.Rest[i], fmt.Sprintf("/rest/%d", i)
		g.check(k, field, a.Told != nil)
		gravest = Gravest(gravest, g.Verdict)
		questions, err := ParseRanges(g.Questions)
		if err != nil {
			k.wrong(field+"/questions", "%s", err)
			return
		}
		k.want(questions.Len() > 0, field+"/questions", "it answers nothing")
		answered = append(answered, questions.spans...)
	}
	k.want(gravest == a.Verdict, "/verdict", "it says %s, and the gravest of its parts says %s", a.Verdict, gravest)
	a.checkAnswered(k, answered, w)
}

// checkAnswered checks that no question is answered twice, none that was not asked,
// and, where it answers the revision that is known, that all are.
func (a *Answer) checkAnswered(k *check, answered []span, w *Warning) {
	slices.SortFunc(answered, func(a, b span) int { return a.first - b.first })
	next, total := 0, 0
	for _, s := range answered {
		if s.first < next {
			k.wrong("/rest", "question %d is answered twice", s.first)
			return
		}
		next = s.last + 1
		total += s.last - s.first + 1
	}
	if w == nil || a.Revision != w.Revision {
		return
	}
	asked := w.Questions()
	k.want(next <= asked, "/rest", "question %d is answered, and there are %d", next-1, asked)
	k.want(a.Partial || total == asked, "/rest", "%d questions are answered, and there are %d", total, asked)
}

func checkSightings(k *check, field string, s *Sightings) {
	k.want(s.Events <= maxCount, field+"/events", "nobody counts that far")
	k.want(s.Hosts <= maxCount, field+"/hosts", "nobody counts that far")
	k.want((s.First == nil) == (s.Last == nil), field+"/first", "of first and last one is missing")
	k.want(s.First == nil || s.Last == nil || !s.Last.Before(*s.First), field+"/last", "it is before the first")
	for _, at := range []*time.Time{s.First, s.Last} {
		if at != nil {
			k.moment(field+"/first", *at)
		}
	}
}

func (h *QuestionHit) check(k *check, field string) {
	k.want(h.Question >= 0 && h.Question < MaxQuestions, field+"/question", "there is no such question")
	k.want(h.Verdict == Hit || h.Verdict == Exposed, field+"/verdict", "%.40q found nothing", h.Verdict)
	k.want(h.Verdict != Hit || h.Events > 0, field+"/events", "it was seen no time")
	checkSightings(k, field, &h.Sightings)
}

func (g *Group) check(k *check, field string, told bool) {
	k.want(g.Verdict == CannotTell || g.Verdict == Clear, field+"/verdict", "%.40q is neither cannot_tell nor clear", g.Verdict)
	k.text(field+"/reason", g.Reason, maxNote, "\n\t")
	k.want(g.Verdict != CannotTell || strings.TrimSpace(g.Reason) != "", field+"/reason", "it does not say why it cannot tell")
	switch {
	case told:
		k.want(g.Coverage == nil, field+"/coverage", "what was told was not measured")
	case g.Coverage == nil:
		k.want(g.Verdict != Clear, field+"/coverage", "it says clear, and not what that rests on")
	}
	if g.Coverage != nil {
		g.Coverage.check(k, field+"/coverage")
	}
}

func (c *Coverage) check(k *check, field string) {
	k.want(!c.Until.Before(c.Since), field+"/until", "it is before since")
	k.want(c.HostsKnown >= 0 && c.HostsCovered >= 0 && c.HostsCovered <= c.HostsKnown, field+"/hosts_covered", "%d of %d", c.HostsCovered, c.HostsKnown)
	k.want(c.Share >= 0 && c.Share <= 1, field+"/share", "it is a part of 1")
	if !k.count(field+"/carriers", len(c.Carriers), maxCarriers) {
		return
	}
	for i := range c.Carriers {
		l, at := &c.Carriers[i], fmt.Sprintf("%s/carriers/%d", field, i)
		k.line(at+"/log_source", l.LogSource, maxLine)
		k.want(l.Sources >= 0 && l.Hosts >= 0, at, "there are less than none")
	}
}

func (t *Told) check(k *check) {
	k.line("/told/by", t.By, maxLine)
	k.want(slices.Contains([]string{"telephone", "form", "mail"}, t.How), "/told/how", "%.40q is none of telephone, form, mail", t.How)
	k.text("/told/to", t.To, maxLine, "")
	k.want(t.How == "form" || t.To != "", "/told/to", "who wrote it down?")
	k.moment("/told/when", t.When)
}

// Check reports what of a member's report on a measure will not do. w is the warning,
// or nil where it is not known. The error is fault.Invalid.
func (m *MeasureReport) Check(w *Warning) error {
	k := newCheck("report on a measure")
	k.id("/warning", m.Warning)
	k.want(m.Revision >= 1, "/revision", "it counts from 1")
	k.id("/measure", m.Measure)
	k.want(slices.Contains(MeasureStates(), m.State), "/state", "%.40q is none of %v", m.State, MeasureStates())
	k.text("/reason", m.Reason, maxNote, "\n\t")
	k.want(m.State != MeasureCannot || strings.TrimSpace(m.Reason) != "", "/reason", "say why it cannot be done")
	k.text("/evidence", m.Evidence, maxProse, "\n\t")
	k.line("/by", m.By, maxLine)
	k.moment("/at", m.At)
	if w == nil {
		return k.err()
	}
	k.want(w.ID == m.Warning, "/warning", "it is another warning")
	at := slices.IndexFunc(w.Measures, func(x Measure) bool { return x.ID == m.Measure })
	switch {
	case at >= 0:
		k.want(m.State != MeasureDone || !w.Measures[at].Evidence || strings.TrimSpace(m.Evidence) != "", "/evidence", "the warning asks for evidence")
	case m.Revision == w.Revision:
		k.wrong("/measure", "the warning has no measure %.70q", m.Measure)
	}
	return k.err()
}

// MeasureStates returns the states of a measure.
func MeasureStates() []MeasureState {
	return []MeasureState{MeasureOpen, MeasureAcknowledged, MeasureInProgress, MeasureDone, MeasureCannot}
}

// Check reports what of totals will not do: too few contribute to the whole or to a
// sector, or more verdicts than members. The error is fault.Invalid.
func (t *Totals) Check() error {
	k := newCheck("totals")
	k.id("/warning", t.Warning)
	k.want(t.Revision >= 1, "/revision", "it counts from 1")
	k.want(t.Sequence >= 1, "/sequence", "it counts from 1")
	k.moment("/at", t.At)
	k.want(t.Members >= MinimumTotals, "/members", "%d contribute; below %d nothing is told", t.Members, MinimumTotals)
	k.want(t.Members <= maxCount, "/members", "there are not that many")
	if !k.count("/sectors", len(t.Sectors), maxSectors) {
		return k.err()
	}
	for _, code := range slices.Sorted(maps.Keys(t.Sectors)) {
		sum, field := t.Sectors[code], "/sectors/"+code
		k.sector(field, code)
		k.want(sum.Members >= MinimumTotals, field+"/members", "%d contribute; below %d nothing is told of a sector", sum.Members, MinimumTotals)
		k.want(sum.Members <= t.Members, field+"/members", "more than in all")
		left := sum.Members
		for verdict, n := range sum.Verdicts {
			k.want(slices.Contains(Verdicts(), verdict), field+"/verdicts", "%.40q is none of %v", verdict, Verdicts())
			k.want(n >= 0 && n <= left, field+"/verdicts", "more verdicts than members")
			left -= max(n, 0)
		}
	}
	return k.err()
}

// Check reports what of a receipt will not do. The error is fault.Invalid.
func (r *Receipt) Check() error {
	k := newCheck("receipt")
	k.id("/message", r.Message)
	k.want(len(r.SHA256) == 64 && !strings.ContainsFunc(r.SHA256, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'f')
	}), "/sha256", "64 digits of hexadecimal are wanted")
	k.moment("/at", r.At)
	k.text("/number", r.Number, maxLine, "")
	return k.err()
}
