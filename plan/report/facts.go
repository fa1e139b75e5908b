package report

import (
	"math"
	"strings"
	"time"

	"tocsin/internal/document"
	"tocsin/plan/fact"
)

// shown is a fact in both languages as of a time: values by their titles, times
// in the organisation's zone. What a person typed stands as they typed it.
func shown(d *fact.Definition, f fact.Fact, at time.Time, zone *time.Location) (w Words, empty bool) {
	switch f.State {
	case fact.Unknown:
		return ours("unknown", "未知"), true
	case fact.NotApplicable:
		return ours("not applicable", "不适用"), false
	}
	if d.Type == fact.Text {
		return said(f.Text), false
	}
	now := f.At(at)
	if f.Growth != nil { // whole minutes: nobody reports a part of one
		now.Min, now.Max = math.Floor(now.Min), math.Floor(now.Max)
	}
	text := value(d, now, zone)
	if f.Growth != nil && !f.Growth.Ends(at) {
		text = joinTitles("", "", text, both(", still growing", "，仍在增加"))
	}
	if f.State == fact.Estimated {
		text = joinTitles("", "", both("estimated ", "估计"), text)
	}
	return titled(text), false
}

// value is what a fact says.
func value(d *fact.Definition, f fact.Fact, zone *time.Location) fact.Title {
	switch d.Type {
	case fact.Number:
		text := joinTitles(" ", " ", between(f.Min, f.Max), unitTitle(d.Unit))
		if d.Unit == "%" {
			text = joinTitles("", "", between(f.Min, f.Max), same(" %"))
		}
		if d.Unit == "min" {
			text = joinTitles("", "", text, spoken(f.Min, f.Max))
		}
		return text
	case fact.Money:
		return joinTitles(" ", " ", same(f.Currency), between(f.Min, f.Max))
	case fact.Bool:
		if f.Bool {
			return both("yes", "是")
		}
		return both("no", "否")
	case fact.Time:
		from, to := plainMoment(f.From, zone).String(), plainMoment(f.To, zone).String()
		if from == to {
			return same(from)
		}
		return both(from+" to "+to, from+"至"+to)
	case fact.Judgement:
		return joinTitles("", "", words(d, f.Words), both(" (judged by "+f.By+": "+f.Reason+")", "（由"+f.By+"判定："+f.Reason+"）"))
	}
	if f.State == fact.Known {
		if len(f.Words) == 0 {
			return both("none", "无")
		}
		return words(d, f.Words)
	}
	if d.Type == fact.Enum {
		return joinTitles("", "", both("one of: ", "以下之一："), words(d, f.Possible))
	}
	text := joinTitles("", "", both("at least: ", "至少："), words(d, f.Words))
	if len(f.Words) == 0 {
		text = fact.Title{}
	}
	if f.Possible != nil {
		text = joinTitles("; ", "；", text, joinTitles("", "", both("at most: ", "至多："), words(d, f.Possible)))
	}
	return text
}

// words are codes by their titles; one without is the code.
func words(d *fact.Definition, codes []string) fact.Title {
	all := make([]fact.Title, len(codes))
	for i, code := range codes {
		all[i] = same(code)
		for _, v := range d.Values {
			if v.Code == code {
				all[i] = v.Title
			}
		}
	}
	return list(all...)
}

// moment is a time as the organisation's clocks show it.
func moment(at time.Time, zone *time.Location) document.Moment {
	if at.IsZero() {
		return document.Moment{}
	}
	at = at.In(zone).Truncate(time.Second)
	name := zone.String()
	// The offset is kept with the time, so that a later table of zones shows an old
	// report as this one does.
	abbreviation, offset := at.Zone()
	return document.Moment{At: at.In(time.FixedZone(abbreviation, offset)), Zone: name}
}

// plainMoment is a time without the name of its zone, for tables and timelines
// whose paper names it once.
func plainMoment(at time.Time, zone *time.Location) document.Moment {
	return document.Moment{At: moment(at, zone).At}
}

// fact returns a fact as a piece of a field; false where nobody said anything.
func (s *source) fact(part, key string, labelled bool) (Piece, bool) {
	d := s.pack.Dictionary().Definition(key)
	f, stated := s.facts().Facts[key]
	if d == nil || !stated {
		return Piece{}, false
	}
	p := Piece{Part: part, Keys: []string{key}}
	p.Line, p.Empty = shown(d, f, s.now, s.zone)
	if labelled {
		p.Label = d.Title
	}
	return p, true
}

// impactFacts are what a fact's key begins with where it tells of the impact.
var impactFacts = []string{
	"outage.", "site.", "service.", "impact.", "data.", "trade_secret.", "defacement.", "loss.", "harm.", "reputation.", "geo.", "incident.duration_minutes",
}

// factsUnder returns the facts that are stated and whose keys begin with one of
// some words, in the dictionary's order; without own the pack's own are left out.
func (s *source) factsUnder(part string, begin []string, own bool) []Piece {
	var all []Piece
	for _, key := range s.pack.Dictionary().Keys() {
		mine := own && s.isOwn(key)
		for _, word := range begin {
			mine = mine || strings.HasPrefix(key, word)
		}
		if !mine || s.facts().Facts[key].State == fact.Unknown {
			continue
		}
		if p, ok := s.fact(part, key, true); ok {
			all = append(all, p)
		}
	}
	return all
}

// isOwn says that a pack defines a fact itself: all that we know of such is that
// the regime asks for it.
func (s *source) isOwn(key string) bool {
	for k := range s.pack.Facts {
		if s.pack.Facts[k].Key == key {
			return true
		}
	}
	return false
}
