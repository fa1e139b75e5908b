package alliance

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/intel"
)

// How many of each a warning may hold.
const (
	maxTexts      = 40
	maxIndicators = 1_000_000
	maxRules      = 2_000 // some thousand rules are all that are published
	maxProducts   = 20_000
	maxMeasures   = 200
	maxReferences = 100
	maxRuleBytes  = 32 << 20 // of all rules together
)

// Check reports what of a warning that is to be issued, or came in, will not do. What
// it asks to be hunted is checked for form: rules are read by who hunts with them.
// The error is fault.Invalid, with a Problem for each that is wrong, up to twenty.
func (w *Warning) Check() error {
	k := newCheck("warning")
	k.id("/id", w.ID)
	k.line("/number", w.Number, maxWord)
	k.want(w.Revision >= 1, "/revision", "it counts from 1")
	k.want(w.Author.Valid(), "/author", "it is no node")
	k.moment("/issued", w.Issued)
	w.check(k)
	return k.err()
}

// CheckDraft reports what of a draft will not do: as Check, without what is filled in
// when it is issued (ID, Number, Revision, Author, Issued).
func (w *Warning) CheckDraft() error {
	k := newCheck("warning")
	w.check(k)
	return k.err()
}

func (w *Warning) check(k *check) {
	k.line("/category", w.Category, maxWord)
	k.want(w.Colour.Rank() > 0, "/colour", "%.40q is none of %v", w.Colour, Colours())
	k.within("/scope", w.Scope.Check())
	k.want(w.Marking <= intel.TLPRed, "/tlp", "there is no such marking")
	k.want(w.Marking != intel.TLPRed || len(w.Scope.Members) > 0, "/scope/members", "TLP:RED goes to those who are named only, and nobody is")
	k.want(slices.Contains([]string{"", "clear", "green", "amber", "red"}, w.PAP), "/pap", "%.40q is none of clear, green, amber, red", w.PAP)
	w.checkTimes(k)
	w.checkTexts(k)
	w.checkIndicators(k)
	w.checkRules(k)
	w.checkProducts(k)
	w.checkMeasures(k)
	w.checkBreakGlass(k)
	if k.count("/references", len(w.References), maxReferences) {
		for i, r := range w.References {
			k.web(fmt.Sprintf("/references/%d", i), r)
		}
	}
	k.want(w.Questions() <= MaxQuestions, "/indicators", "it asks %d questions; at most %d are allowed", w.Questions(), MaxQuestions)
}

// within takes over the problems of a part.
func (c *check) within(field string, err error) {
	for _, p := range ProblemsOf(err) {
		c.wrong(field+p.Field, "%s", p.Reason)
	}
}

func (w *Warning) checkTimes(k *check) {
	k.moment("/effective", w.Effective)
	if w.Expires != nil {
		k.moment("/expires", *w.Expires)
		k.want(w.Expires.After(w.Effective), "/expires", "it expires before it is effective")
	}
	a := w.Ask
	k.want(a.TimePercent >= 0 && a.TimePercent <= 100, "/ask/time_percent", "it is a part of a hundred")
	k.want(a.HostPercent >= 0 && a.HostPercent <= 100, "/ask/host_percent", "it is a part of a hundred")
	if w.Issued.IsZero() {
		return
	}
	k.want(!a.Since.After(w.Issued), "/ask/since", "nobody remembers what has not happened")
	k.want(a.By.IsZero() || a.By.After(w.Issued), "/ask/by", "it is over before the warning is issued")
}

func (w *Warning) checkTexts(k *check) {
	k.want(len(w.Texts) > 0, "/texts", "a text in one language at least is wanted")
	if !k.count("/texts", len(w.Texts), maxTexts) {
		return
	}
	seen := map[string]bool{}
	for i := range w.Texts {
		t, field := &w.Texts[i], fmt.Sprintf("/texts/%d", i)
		k.language(field+"/language", t.Language)
		k.want(!seen[strings.ToLower(t.Language)], field+"/language", "there are two texts in this language")
		seen[strings.ToLower(t.Language)] = true
		k.line(field+"/title", t.Title, maxLine)
		k.prose(field+"/body", t.Body, maxProse)
		k.text(field+"/impact", t.Impact, maxProse, "\n\t")
	}
}

func (w *Warning) checkRules(k *check) {
	if !k.count("/rules", len(w.Rules), maxRules) {
		return
	}
	seen, bytes := make(map[string]bool, len(w.Rules)), 0
	for i := range w.Rules {
		r, field := &w.Rules[i], fmt.Sprintf("/rules/%d", i)
		k.id(field+"/id", r.ID)
		k.want(!seen[r.ID], field+"/id", "there are two rules of this ID")
		seen[r.ID] = true
		k.prose(field+"/text", strings.ReplaceAll(r.Text, "\r\n", "\n"), maxRule)
		bytes += len(r.Text)
	}
	k.want(bytes <= maxRuleBytes, "/rules", "all rules have %d bytes; at most %d are allowed", bytes, maxRuleBytes)
}

func (w *Warning) checkProducts(k *check) {
	if !k.count("/products", len(w.Products), maxProducts) {
		return
	}
	for i := range w.Products {
		p, field := &w.Products[i], fmt.Sprintf("/products/%d", i)
		k.want((p.CPE == "") != (p.PURL == ""), field, "either a CPE name or a purl is wanted")
		k.want(p.CPE == "" || cpe(p.CPE), field+"/cpe", "%.80q is no CPE 2.3 name, as cpe:2.3:a:vendor:product:1.0:*:*:*:*:*:*:*", p.CPE)
		k.want(p.PURL == "" || purl(p.PURL), field+"/purl", "%.80q is no purl, as pkg:npm/left-pad@1.0", p.PURL)
		k.want(p.Versions == "" || vers(p.Versions), field+"/versions", "%.80q is no range of versions, as vers:npm/>=1.0|<2.0", p.Versions)
		k.text(field+"/note", p.Note, maxNote, "\n\t")
	}
}

// cpe reports whether text has the form of a formatted string of CPE 2.3 (NISTIR
// 7695 section 6.2): eleven parts behind cpe:2.3, colons in them behind a backslash.
func cpe(text string) bool {
	rest, ok := strings.CutPrefix(text, "cpe:2.3:")
	if !ok || len(text) > maxLine || printable(text) != nil {
		return false
	}
	parts, empty := 1, true
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
			empty = i >= len(rest)
		case ':':
			if empty {
				return false
			}
			parts, empty = parts+1, true
		default:
			empty = false
		}
	}
	return parts == 11 && !empty && strings.IndexByte("aoh*-", rest[0]) >= 0
}

// purl reports whether text has the form of a package URL (ECMA-427): a scheme, a
// type, a name.
func purl(text string) bool {
	rest, ok := strings.CutPrefix(text, "pkg:")
	kind, name, named := strings.Cut(rest, "/")
	return ok && named && len(text) <= maxURL && printable(text) == nil && code(kind) && strings.Trim(name, "/") != ""
}

// vers reports whether text has the form of a range of versions (the vers scheme of
// package URL): a scheme, a slash, constraints.
func vers(text string) bool {
	rest, ok := strings.CutPrefix(text, "vers:")
	scheme, constraints, cut := strings.Cut(rest, "/")
	return ok && cut && len(text) <= maxNote && printable(text) == nil && code(scheme) && constraints != "" &&
		!slices.Contains(strings.Split(constraints, "|"), "")
}

func code(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("+.-", r)
	})
}

// printable is nil for printable ASCII without spaces.
func printable(text string) error {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return &Problem{"", "it holds a character that cannot stand there"}
		}
	}
	return nil
}

func (w *Warning) checkMeasures(k *check) {
	if !k.count("/measures", len(w.Measures), maxMeasures) {
		return
	}
	seen := map[string]bool{}
	for i := range w.Measures {
		m, field := &w.Measures[i], fmt.Sprintf("/measures/%d", i)
		k.id(field+"/id", m.ID)
		k.want(!seen[m.ID], field+"/id", "there are two measures of this ID")
		seen[m.ID] = true
		k.prose(field+"/text", m.Text, maxNote)
		k.moment(field+"/due", m.Due)
		k.want(m.Due.After(w.Effective), field+"/due", "it is due before the warning is effective")
	}
}

func (w *Warning) checkBreakGlass(k *check) {
	b := w.BreakGlass
	if b == nil {
		return
	}
	k.line("/break_glass/by", b.By, maxLine)
	k.prose("/break_glass/reason", b.Reason, maxNote)
	k.moment("/break_glass/at", b.At)
	k.want(b.RatifyBy.After(b.At), "/break_glass/ratify_by", "it is over before it begins")
	k.want(b.Ratified == nil || !b.Ratified.Before(b.At), "/break_glass/ratified", "it was ratified before it was done")
}

// Check reports what of a bulletin will not do. The error is fault.Invalid.
func (b *Bulletin) Check() error {
	k := newCheck("bulletin")
	k.want(slices.Contains(Changes(), b.Change), "/change", "%.40q is none of %v", b.Change, Changes())
	k.id("/warning", b.Warning)
	k.line("/number", b.Number, maxWord)
	k.want(b.Revision >= 1, "/revision", "it counts from 1")
	k.want((b.Change == IssuedChange) == (b.Revision == 1), "/revision", "revision 1 is the one that is issued, and no other")
	k.moment("/at", b.At)
	k.text("/reason", b.Reason, maxNote, "\n\t")
	switch w := b.Content; {
	case b.Change.Ends():
		k.want(w == nil, "/content", "the warning is over, and here it is")
	case w == nil:
		k.wrong("/content", "the warning is missing")
	default:
		k.want(w.ID == b.Warning, "/content/id", "it is another warning")
		k.want(w.Number == b.Number, "/content/number", "it is not the bulletin's")
		k.want(w.Revision == b.Revision, "/content/revision", "it is not the bulletin's")
		k.within("/content", w.Check())
	}
	return k.err()
}

// Changes returns what a bulletin may do.
func Changes() []Change {
	return []Change{IssuedChange, AmendedChange, RaisedChange, LoweredChange, RatifiedChange, LiftedChange, RecalledChange}
}
