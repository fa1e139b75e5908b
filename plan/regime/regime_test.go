package regime_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/strict"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// loaded is the library that all tests share: reading it takes a while, and it
// does not change.
var loaded = sync.OnceValues(regime.Builtin)

func library(t testing.TB) *regime.Library {
	t.Helper()
	l, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// whole is a pack that has one of everything.
func whole(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPacksThatComeWithTheProgram(t *testing.T) {
	t.Parallel()
	packs := library(t).Packs()
	if len(packs) == 0 {
		t.Fatal("there are none")
	}
	for _, p := range packs {
		if _, err := json.Marshal(p); err != nil {
			t.Errorf("%s: %v", p.Regime, err)
		}
		for _, k := range p.Clocks {
			if k.Words.EN == "" && k.Limit.IsZero() {
				t.Errorf("%s: clock %s has no number and no words of the law", p.Regime, k.ID)
			}
			if k.Kind == regime.Obligatory && k.Content == "" && k.ID != "crime" && strings.HasPrefix(p.Regime, "cn-") {
				t.Errorf("%s: clock %s has no form", p.Regime, k.ID)
			}
		}
	}
}

func TestWholePackLoads(t *testing.T) {
	t.Parallel()
	l, err := library(t).WithTexts(map[string][]byte{"whole.yaml": []byte(whole(t))})
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Pack("xx-whole")
	if err != nil {
		t.Fatal(err)
	}
	if p.Level("significant") == nil || p.Rank("none") != 1 || p.Floor().Code != "none" || p.Clock("final").After != "early" ||
		p.Form("early") == nil || p.Recipient("csirt") == nil || len(p.ResponseTo("significant")) != 1 {
		t.Errorf("%+v", p)
	}
	if l.Dictionary().Definition("xx.stations") == nil {
		t.Error("the fact that the pack defines is not there")
	}
	if c := p.Levels[0].Criteria; !c[1].Judged || c[0].Judged || c[0].Mark.Confirmed() != true || c[2].Mark.Confirmed() {
		t.Errorf("criteria: %+v", c)
	}
	if _, err := l.Pack("xx-whol"); !errors.Is(err, fault.NotFound) || !strings.Contains(err.Error(), `did you mean "xx-whole"?`) {
		t.Error(err)
	}
}

func TestPacksThatAreRefused(t *testing.T) {
	t.Parallel()
	l := library(t)
	good := whole(t)
	for _, test := range []struct{ old, text, says string }{
		{"regime: xx-whole", "regime: XX", "regime \"XX\": a name as"},
		{"version: 1", "version: 0", "version is a number from 1"},
		{"version: 1", "versions: 1", `unknown key "versions"`},
		{"status: in_force", "status: inforce", `did you mean "in_force"?`},
		{"effective: {from: 2026-01-01}", "effective: {}", "effective.from is missing"},
		{"effective: {from: 2026-01-01}", "effective: {from: 2026-01-01, to: 2025-01-01}", "effective.to is not after"},
		{"effective: {from: 2026-01-01}", "effective: {from: soon}", "day \"soon\""},
		{"verified_on: 2026-11-23", "# nothing", "verified_on is missing"},
		{"grade: official", "grade: good", "grade \"good\" is none of"},
		{"  mark: act # binds", "  # nothing", "mark is missing"},
		{"  mark: act # binds", "  mark: acts", `mark "acts" is the ID of no source, did you mean "act"?`},
		{"  mark: act # binds", "  mark: unseen", "source unseen confirms nothing"},
		{"zone: Europe/Berlin", "zone: Europe/Bonn", "time zone"},
		{"holidays: de", "holidays: dd", "no table of holidays"},
		{"who: '\"eu.nis2_essential\" in entity.designations'", "who: asset.is_cii", "only facts below entity."},
		{"who: '\"eu.nis2_essential\" in entity.designations'", "who: '\"eu.nis2\" in entity.designations'", "is never"},
		{"key: xx.stations", "key: asset.is_cii", "defined already"},
		{"key: xx.stations, type: number", "key: xx.stations, type: numbers", "is none of"},
		{"rsit: [ddos]", "rsit: [ddoss]", `did you mean "ddos"?`},
		{"when: outage.total_minutes > 30", "when: outage.total_minuts > 30", `did you mean "outage.total_minutes"?`},
		{"when: outage.total_minutes > 30", "when: loss.direct > 30", "amount(loss.direct"},
		{"when: outage.total_minutes > 30", "when: [a]", "a condition is a text"},
		{"id: significant.judged", "id: significant.outage", "criterion significant.outage stands twice"},
		{"  - {code: none, title: {en: None}, mark: act}", "  # nothing", "every level has criteria but the last"},
		{"at_least: significant # early", "at_least: signifcant", `did you mean "significant"?`},
		{"start: aware # early", "start: awares", `did you mean "aware"?`},
		{"limit: 24 h # early", "limit: 24h", "limit \"24h\""},
		{"limit: 24 h # early", "# nothing", "limit is missing"},
		{"limit: 24 h # early", "limit: immediately", "a limit without a number has no outer limit"},
		{"limit: 24 h # early", "limit: 24 h\n    moment: true", "of limits in days or months"},
		{"to: [csirt] # early", "to: [csirts]", `did you mean "csirt"?`},
		{"to: [csirt] # early", "# nothing", "to is missing"},
		{"content: early", "content: erly", `did you mean "early"?`},
		{"after: early", "after: final", "in a circle"},
		{"after: early", "after: erly", `did you mean "early"?`},
		{"after: early", "# nothing", "after names the clock"},
		{"outer: {start: noticed, limit: 72 h}", "outer: {start: noticed, limit: immediately}", "an outer limit has a number"},
		{"also_after: [update]", "also_after: [updat]", `did you mean "update"?`},
		{"also_after: [update]", "also_after: [final]", "in a circle"},
		{"limit: immediately # update", "limit: immediately\n    also_after: [early]", "after names the clock"},
		{"limit: immediately # update", "limit: immediately\n    until: handling_ended", "a limit without a number has no outer limit"},
		{"limit: immediately # update", "limit: immediately\n    anew: {start: aware, limit: 1 month}", "a limit without a number has no outer limit"},
		{"until: response_ended", "until: response_endet", `did you mean "response_ended"?`},
		{"anew: {start: handling_ended", "anew: {start: handled", "start \"handled\" is none of"},
		{"anew: {start: handling_ended, limit: 14 days}", "anew: {start: handling_ended, limit: immediately}", "anew has a number"},
		{"anew: {start: handling_ended", "anew: {start: previous_report_submitted", "anew has a number, and an event of its own"},
		{"share: {of: xx.stations,", "share: {of: xx.station,", "a share is of two numbers"},
		{"share: {of: xx.stations,", "share: {of: loss.direct,", "a share is of two numbers"},
		{"share: {of: xx.stations,", "share: {of: outage.total_minutes,", "a share is of two numbers"},
		{"effect: extend", "effect: stop", "effect \"stop\" is none of"},
		{"which: last", "which: latest", `did you mean "last"?`},
		{"which: last", "which: last\n    each: true", "which is not of it"},
		{"need: now", "need: soon", "need \"soon\" is none of"},
		{"from: [case.impact]", "from: [case.impacts]", `did you mean "case.impact"?`},
		{"from: [case.impact]", "from: [\"fact:loss.direc\"]", `did you mean "loss.direct"?`},
		{"hidden_from: [csirt]", "hidden_from: [police]", "no recipient"},
		{"levels: [significant]", "levels: [big]", "no level is called"},
		{"level: significant # warning", "level: big", "no level is called"},
		{"every_months: 12", "every_months: -1", "every_months is 0 to 120"},
		{"code: A", "code: ' A'", "a code of letters"},
	} {
		before, after, ok := strings.Cut(good, test.old)
		if !ok {
			t.Errorf("%q is not in the pack", test.old)
			continue
		}
		text := before + test.text + after
		_, err := l.WithTexts(map[string][]byte{"whole.yaml": []byte(text)})
		p, ok := errors.AsType[*strict.Problem](err)
		if !ok || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q in it", test.text, err, test.says)
			continue
		}
		line := 1 + strings.Count(before, "\n")
		if p.File != "whole.yaml" || p.Line < line-15 || p.Line > line+1 {
			t.Errorf("%s: line %d, is at %d: %v", test.text, p.Line, line, err)
		}
	}
}

func TestOneBadPackDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	l, err := library(t).With(fstest.MapFS{
		"bad.yaml": {Data: []byte("regime: bad\n")}, "good.yaml": {Data: []byte(whole(t))}, "notes.txt": {Data: []byte("no pack")},
	})
	if err == nil || !strings.HasPrefix(err.Error(), "bad.yaml:") {
		t.Error(err)
	}
	if _, err := l.Pack("xx-whole"); err != nil {
		t.Error(err)
	}
	if _, err := l.Pack("bad"); !errors.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := library(t).WithTexts(map[string][]byte{"a.yaml": []byte(whole(t)), "b.yaml": []byte(whole(t))}); err == nil || !strings.Contains(err.Error(), "another file") {
		t.Error(err)
	}
}

func TestWhenARegimeIsInForce(t *testing.T) {
	t.Parallel()
	good := whole(t)
	for _, test := range []struct {
		effective, status, at string
		want                  bool
	}{
		{"{from: 2026-01-01}", "in_force", "2025-12-31T22:59:59Z", false},
		{"{from: 2026-01-01}", "in_force", "2025-12-31T23:00:00Z", true}, // midnight in Berlin
		{"{from: 2026-01-01, to: 2026-07-01}", "in_force", "2026-06-30T21:59:59Z", true},
		{"{from: 2026-01-01, to: 2026-07-01}", "in_force", "2026-06-30T22:00:00Z", false},
		{"{from: 2026-01-01}", "not_yet_in_force", "2026-01-01T00:00:00Z", true},
		{"{}", "not_yet_in_force", "2030-01-01T00:00:00Z", false},
		{"{from: 2026-01-01}", "proposed", "2030-01-01T00:00:00Z", false},
		{"{from: 2026-01-01}", "draft", "2030-01-01T00:00:00Z", false},
		{"{from: 2026-01-01}", "repealed", "2030-01-01T00:00:00Z", false},
	} {
		text := strings.Replace(strings.Replace(good, "{from: 2026-01-01}", test.effective, 1), "status: in_force", "status: "+test.status, 1)
		l, err := library(t).WithTexts(map[string][]byte{"whole.yaml": []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		p, err := l.Pack("xx-whole")
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.InForce(at); got != test.want {
			t.Errorf("%s %s at %s: %v", test.status, test.effective, test.at, got)
		}
	}
}

func TestCategoriesFollowFromTypes(t *testing.T) {
	t.Parallel()
	p, err := library(t).Pack("cn-plan-2017")
	if err != nil {
		t.Fatal(err)
	}
	for facts, want := range map[string]string{
		`{"facts": {"incident.types": ["ddos"]}}`:                                              "known NAI,NAI.dos",
		`{"facts": {"incident.types": ["data-leak", "infected-system"]}}`:                      "known MI,IDI,IDI.leak",
		`{"facts": {"incident.types": ["ddos"]}, "categories": {"cn-plan-2017": ["MI.worm"]}}`: "known MI,MI.worm",
		`{"facts": {"incident.types": ["ddos"]}, "categories": {"cn-reporting-2025": ["MP"]}}`: "known NAI,NAI.dos",
		`{"facts": {}, "categories": {"cn-plan-2017": ["no such"]}}`:                           "known ",
		`{"facts": {}}`: "unknown ",
		`{"facts": {"incident.types": {"at_least": ["ddos"]}}}`:      "unknown ",
		`{"facts": {"incident.types": {"state": "not_applicable"}}}`: "not_applicable ",
	} {
		s, err := library(t).Dictionary().ReadSheet([]byte(facts))
		if err != nil {
			t.Fatal(err)
		}
		f := p.WithCategories(s).Facts[regime.CategoryFact]
		if got := f.State.String() + " " + strings.Join(f.Words, ","); got != want {
			t.Errorf("%s: %s, want %s", facts, got, want)
		}
	}
}

// A type that a regime maps to nothing says nothing against its categories.
func TestTypesThatAreNotMappedLeaveCategoriesOpen(t *testing.T) {
	t.Parallel()
	p, err := library(t).Pack("in-certin")
	if err != nil {
		t.Fatal(err)
	}
	for facts, want := range map[string]string{
		`{"facts": {"incident.types": ["ddos"]}}`:                                                 "known dos",
		`{"facts": {"incident.types": ["outage"]}}`:                                               "estimated ",
		`{"facts": {"incident.types": ["ddos", "outage"]}}`:                                       "estimated dos",
		`{"facts": {"incident.types": ["outage"]}, "categories": {"in-certin": ["none"]}}`:        "known none",
		`{"facts": {"incident.types": ["ddos", "outage"]}, "categories": {"in-certin": ["iot"]}}`: "known iot",
		`{"facts": {"incident.types": []}}`:                                                       "known ",
	} {
		s, err := library(t).Dictionary().ReadSheet([]byte(facts))
		if err != nil {
			t.Fatal(err)
		}
		f := p.WithCategories(s).Facts[regime.CategoryFact]
		if got := f.State.String() + " " + strings.Join(f.Words, ","); got != want || f.Possible != nil {
			t.Errorf("%s: %s of %v, want %s", facts, got, f.Possible, want)
		}
	}
}

// Every type of incident has a place in every regime that has categories, as far
// as its own pack maps any.
func TestEveryTypeIsMapped(t *testing.T) {
	t.Parallel()
	l := library(t)
	for _, name := range []string{"cn-plan-2017", "cn-reporting-2025"} {
		p, err := l.Pack(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range l.Dictionary().Definition("incident.types").Codes() {
			if got := p.MapTypes([]string{code}); len(got) == 0 && code != "test" {
				t.Errorf("%s: %s is mapped to nothing", name, code)
			}
		}
	}
}

// FuzzPack takes any bytes for a pack: they are refused with a line, or give a
// pack of which everything can be asked.
func FuzzPack(f *testing.F) {
	f.Add([]byte(whole(f)))
	f.Add([]byte("regime: a\nversion: 1\n"))
	l := library(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		wider, err := l.WithTexts(map[string][]byte{"x.yaml": text})
		if err != nil {
			if p, ok := errors.AsType[*strict.Problem](err); !ok || p.Line < 1 {
				t.Errorf("%v", err)
			}
			return
		}
		for _, p := range wider.Packs() {
			p.WithCategories(&fact.Sheet{})
			p.InForce(time.Time{})
			if p.Floor() == nil {
				t.Error("no level")
			}
		}
	})
}
