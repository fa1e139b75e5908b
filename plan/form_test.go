package plan_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tocsin/plan"
)

func TestFieldsAreThoseThatAreAskedAndMayBeSeen(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("regime", "testdata", "whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := library(t).WithTexts(map[string][]byte{"whole.yaml": text})
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Pack("xx-whole")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, library: l, pack: p}
	for _, test := range []struct {
		facts     map[string]any
		recipient string
		want      []string
		unsure    bool
	}{
		{map[string]any{"malicious.suspected": true}, "", []string{"impact", "loss"}, false},
		{map[string]any{"malicious.suspected": false}, "", []string{"impact"}, false},
		{nil, "", []string{"impact", "loss"}, true},
		{map[string]any{"malicious.suspected": true}, "csirt", []string{"loss"}, false},
		{map[string]any{"malicious.suspected": true}, "public", []string{"impact", "loss"}, false},
	} {
		var got []string
		unsure := false
		for _, f := range plan.Fields(p, p.Form("early"), nil, b.sheet(test.facts, nil, nil), test.recipient, somewhen) {
			got = append(got, f.ID)
			unsure = unsure || f.Unsure
		}
		if !slices.Equal(got, test.want) || unsure != test.unsure {
			t.Errorf("%v for %q: %v, unsure %v", test.facts, test.recipient, got, unsure)
		}
	}
}

func TestTasksAreThoseOfTheLevelsResponses(t *testing.T) {
	t.Parallel()
	l := library(t)
	p, err := l.Pack("cn-plan-2017")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, library: l, pack: p}
	responses := func(level string) []string {
		var all []string
		for _, task := range plan.Tasks(p, level, nil, b.sheet(nil, nil, nil), somewhen) {
			all = append(all, task.Response)
		}
		return slices.Compact(all)
	}
	for level, want := range map[string][]string{
		"particularly_major": {"I", "first"}, "major": {"II", "first"}, "relatively_major": {"III", "first"}, "general": {"IV", "first"},
	} {
		if got := responses(level); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", level, got, want)
		}
	}
}

// Whoever writes a report and whoever receives it are asked of every form.
func TestEveryFieldCanBeSeenBySomebody(t *testing.T) {
	t.Parallel()
	for _, p := range library(t).Packs() {
		for _, k := range p.Clocks {
			form := p.Form(k.Content)
			if form == nil {
				continue
			}
			for _, f := range form.Fields {
				if !slices.ContainsFunc(k.To, func(to string) bool { return !slices.Contains(f.HiddenFrom, to) }) {
					t.Errorf("%s: %s: nobody who gets %s sees %s", p.Regime, k.ID, form.ID, f.ID)
				}
			}
		}
	}
}
