package warning

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
)

// Limits of what a person writes.
const (
	maxShort = 500
	maxText  = 200_000
	// maxTexts is more languages than anybody warns in.
	maxTexts = 20
	// MaxIndicators and the others bound what is asked for at once.
	MaxIndicators = 200_000
	MaxRules      = 1000
	MaxProducts   = 10_000
	MaxMeasures   = 200
	// maxProblems is how many problems are told at once.
	maxProblems = 100
)

// Problem is something that keeps a draft from being issued.
type Problem struct {
	Where string `json:"where"` // a JSON Pointer: /indicators/3
	Text  string `json:"text"`
	// Confirm names the field in which a reason settles it; empty where the draft
	// must be changed.
	Confirm string `json:"confirm,omitempty"`
}

// ProblemsError refuses to approve or issue a draft. It is fault.Conflict.
type ProblemsError struct {
	Name     string
	Problems []Problem
}

func (e *ProblemsError) Error() string {
	texts := make([]string, 0, 5)
	for i, p := range e.Problems {
		if i == cap(texts)-1 && len(e.Problems) > cap(texts) {
			texts = append(texts, fmt.Sprintf("and %d more", len(e.Problems)-i))
			break
		}
		texts = append(texts, p.Where+": "+p.Text)
	}
	return fmt.Sprintf("warning %s cannot be issued as it is: %s", e.Name, strings.Join(texts, "; "))
}

// Unwrap makes it fault.Conflict.
func (e *ProblemsError) Unwrap() error { return fault.Conflict }

// normal brings a draft into its normal form and refuses what could not be kept:
// what is wrong but can be kept is a Problem. The error is fault.Invalid.
func (d *Draft) normal() error {
	switch {
	case d.Colour.Rank() == 0:
		return invalid("colour %q: use one of %s", d.Colour, joined(alliance.Colours()))
	case d.ExpiresIn > 0 && !d.Expires.IsZero():
		return invalid("expires and expires_in are both given: one is wanted")
	case d.Ask.Within > 0 && !d.Ask.By.IsZero():
		return invalid("ask.by and ask.within are both given: one is wanted")
	case len(d.Texts) > maxTexts, len(d.Asked) > MaxIndicators, len(d.Rules) > MaxRules, len(d.Products) > MaxProducts, len(d.Measures) > MaxMeasures:
		return invalid("at most %d texts, %d indicators, %d rules, %d products and %d measures", maxTexts, MaxIndicators, MaxRules, MaxProducts, MaxMeasures)
	case !percent(d.Ask.TimePercent) || !percent(d.Ask.HostPercent):
		return invalid("ask: percentages are 0 to 100")
	case !slices.Contains([]string{"", "clear", "green", "amber", "red"}, d.PAP):
		return invalid("pap %q: use clear, green, amber or red", d.PAP)
	}
	for k := range d.Asked {
		i := &d.Asked[k]
		if i.Match == intel.MatchSubstring { // a part of a value has no normal form
			if err := checkTexts(text{i.Value, maxShort}); err != nil || i.Value == "" {
				return invalid("indicators[%d]: a substring is 1 to %d bytes of text", k, maxShort)
			}
		} else if o, err := observable.Parse(i.Kind, i.Value); err != nil {
			return invalid("indicators[%d]: %s", k, err)
		} else {
			i.Value = o.Value
		}
		if i.Confidence > 100 {
			return invalid("indicators[%d]: confidence is 1 to 100", k)
		}
	}
	for k := range d.Texts {
		t := &d.Texts[k]
		t.Title, t.Body, t.Impact = strings.TrimSpace(t.Title), strings.TrimSpace(t.Body), strings.TrimSpace(t.Impact)
		if err := checkTexts(text{t.Language, 35}, text{t.Title, maxShort}, text{t.Body, maxText}, text{t.Impact, maxText}); err != nil {
			return invalid("texts[%d]: %s", k, err)
		}
	}
	for k := range d.Measures {
		m := &d.Measures[k]
		if m.ID = strings.TrimSpace(m.ID); m.ID == "" {
			m.ID = fmt.Sprintf("m%d", k+1)
		}
		if m.Within > 0 && !m.Due.IsZero() {
			return invalid("measures[%d]: due and within are both given: one is wanted", k)
		}
		if err := checkTexts(text{m.ID, maxShort}, text{m.Text, maxText}); err != nil {
			return invalid("measures[%d]: %s", k, err)
		}
	}
	return checkTexts(text{d.Category, maxShort})
}

func percent(n int) bool { return n >= 0 && n <= 100 }

type text struct {
	value string
	most  int
}

func checkTexts(all ...text) error {
	for _, t := range all {
		if len(t.value) > t.most || !utf8.ValidString(t.value) || strings.ContainsRune(t.value, 0) {
			return invalid("a text of %d bytes, or one that is no UTF-8; at most %d", len(t.value), t.most)
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, fault.Invalid)...)
}

func joined[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

// problems gathers what keeps a draft from being issued.
type problems struct {
	all  []Problem
	more int
}

func (p *problems) add(where, confirm, format string, args ...any) {
	if len(p.all) == maxProblems {
		p.more++
		return
	}
	p.all = append(p.all, Problem{Where: where, Text: fmt.Sprintf(format, args...), Confirm: confirm})
}

// problems says what keeps a draft from being issued now; before is the revision
// in force, nil for none.
func (d *Desk) problems(draft *Draft, before *alliance.Warning) []Problem {
	p := &problems{}
	now := d.now()
	w := draft.warning(now)
	if before != nil {
		w.Issued = before.Issued
	}
	for _, wrong := range alliance.ProblemsOf(w.CheckDraft()) {
		p.add(wrong.Field, "", "%s", wrong.Reason)
	}
	p.marking(draft)
	if w.Expires != nil && !w.Expires.After(now) {
		p.add("/expires", "", "it would be over before it is issued")
	}
	for k, m := range w.Measures {
		if !m.Due.IsZero() && !m.Due.After(now) && !had(before, m) {
			p.add(fmt.Sprintf("/measures/%d/due", k), "", "its deadline has passed")
		}
	}
	for k, r := range draft.Rules {
		if err := d.config.CheckRule(r.Text); err != nil {
			p.add(fmt.Sprintf("/rules/%d/text", k), "", "%s", err)
		}
	}
	d.indicators(p, draft, before)
	if p.more > 0 {
		p.all = append(p.all, Problem{Where: "/", Text: fmt.Sprintf("%d more problems", p.more)})
	}
	return p.all
}

// had reports whether the revision before demands the same by the same time: that
// time may have passed since.
func had(before *alliance.Warning, m alliance.Measure) bool {
	return before != nil && slices.ContainsFunc(before.Measures, func(o alliance.Measure) bool { return o.ID == m.ID && o.Due.Equal(m.Due) })
}

// marking says what is wrong with who may have it, beyond what makes a warning
// malformed: what nobody marked may be kept, and is not issued.
func (p *problems) marking(d *Draft) {
	switch d.Marking {
	case intel.Unmarked:
		p.add("/tlp", "", "it is missing: say who may have it (clear, green, amber, red)")
	case intel.TLPAmberStrict:
		p.add("/tlp", "", "TLP:AMBER+STRICT never leaves this organisation: it would reach nobody")
	}
}

// blockable are the kinds that others depend on when they are blocked.
func blockable(kind intel.ObservableKind) bool {
	return kind == intel.Domain || kind == intel.URL || kind == intel.IPAddress || kind == intel.IPRange
}

// key tells indicators apart.
type key struct {
	kind  intel.ObservableKind
	value string
	match intel.Match
	port  uint16
}

// indicators says what a person must decide of the indicators: the action of each
// that could be blocked, whether to ask for what is mostly benign, and whether to
// block what must not be so far.
func (d *Desk) indicators(p *problems, draft *Draft, before *alliance.Warning) {
	guarded := map[key]string{}
	inForce := map[key]bool{}
	if before != nil {
		for k := range before.Indicators {
			i := &before.Indicators[k]
			inForce[key{i.Kind, i.Value, i.Match, i.Port}] = true
			if i.Action == intel.DoNotBlock {
				guarded[key{i.Kind, i.Value, 0, 0}] = i.Why
			}
		}
	}
	lists := d.benign(p, draft)
	for k := range draft.Asked {
		i := &draft.Asked[k]
		where := fmt.Sprintf("/indicators/%d", k)
		name := i.Kind.String() + " " + i.Value
		if i.Action == nil && blockable(i.Kind) {
			p.add(where+"/action", "", "%s has no action: say detect, block or do-not-block", name)
		}
		action := i.indicator().Action
		at := key{i.Kind, i.Value, i.Match, i.Port}
		if why, was := guarded[key{i.Kind, i.Value, 0, 0}]; was && action == intel.Block && strings.TrimSpace(i.ConfirmBlock) == "" {
			p.add(where, "confirm_block", "%s must not be blocked so far (%s) and now is to be: confirm it with the reason", name, why)
		}
		if lists[k] != "" && !inForce[at] && strings.TrimSpace(i.ConfirmListed) == "" {
			p.add(where, "confirm_listed", "%s is on the list %q of what is mostly benign: take it out, or confirm it with the reason", name, lists[k])
		}
	}
}

// benign is which list of benign things each indicator is on. What could not be
// looked up keeps the draft from being issued.
func (d *Desk) benign(p *problems, draft *Draft) []string {
	all := make([]intel.Observable, len(draft.Asked))
	for k := range draft.Asked {
		all[k] = intel.Observable{Kind: draft.Asked[k].Kind, Value: draft.Asked[k].Value}
	}
	lists, err := d.config.Benign(all)
	if err != nil || len(lists) != len(all) {
		p.add("/indicators", "", "the lists of benign things cannot be asked: %v", err)
		return make([]string, len(all))
	}
	return lists
}
