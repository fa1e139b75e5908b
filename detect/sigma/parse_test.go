package sigma_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/fault"
)

// TestWhatIsWrongIsSaidWithItsPlace runs testdata/problems.txtar: detection
// sections with what is refused or noted about them.
func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	golden(t, "testdata/problems.txtar", func(_ *testing.T, _, input string) string {
		return verdict(withDetection(input))
	})
}

// TestWhatIsWrongWithADocument is the same for whole files.
func TestWhatIsWrongWithADocument(t *testing.T) {
	t.Parallel()
	golden(t, "testdata/documents.txtar", func(_ *testing.T, _, input string) string { return verdict(input) })
}

func verdict(text string) string {
	file, err := sigma.Parse("rule.yml", []byte(text))
	var b strings.Builder
	for _, r := range file.Rules {
		b.WriteString(r.String())
	}
	for _, c := range file.Correlations {
		fmt.Fprintf(&b, "correlation %s: %s of %s\n", c.Title, c.Kind, strings.Join(c.Rules, ", "))
	}
	for _, f := range file.Filters {
		fmt.Fprintf(&b, "filter %s: %s of %s\n", f.Title, f.ConditionText, strings.Join(f.Rules, ", "))
	}
	if err != nil {
		fmt.Fprintf(&b, "refused: %v\n", err)
	}
	for _, note := range file.Notes {
		fmt.Fprintf(&b, "note: %v\n", note)
	}
	return b.String()
}

func TestRuleHeadIsRead(t *testing.T) {
	t.Parallel()
	got := parsedRule(t, `
title: A rule
id: 929a690e-bef0-4204-a928-ef5e620d6fcc
name: a_rule
related:
  - {id: 08fbc97d-0a2f-491c-ae21-8ffcfd3174e9, type: derived}
status: test
description: What it finds
license: DRL-1.1
author: [One, Two]
references: https://example.org/
date: 2024-01-02
modified: 2024/02/03
taxonomy: sigma
tags: [attack.t1059]
falsepositives:
fields: [CommandLine]
level: High
logsource: {category: process_creation, product: windows, service: sysmon, definition: x}
detection: {s: {A: b}, condition: s}
`)
	got.Searches, got.Conditions = nil, nil
	want := &sigma.Rule{
		ID: "929a690e-bef0-4204-a928-ef5e620d6fcc", Name: "a_rule", Title: "A rule", Status: "test",
		Description: "What it finds", License: "DRL-1.1", Author: "One, Two", References: []string{"https://example.org/"},
		Date: "2024-01-02", Modified: "2024/02/03", Taxonomy: "sigma", Tags: []string{"attack.t1059"}, Fields: []string{"CommandLine"},
		Level: intel.High, Related: []sigma.Related{{ID: "08fbc97d-0a2f-491c-ae21-8ffcfd3174e9", Type: "derived"}},
		LogSource:      intel.LogSource{Product: "windows", Category: "process_creation", Service: "sysmon"},
		ConditionTexts: []string{"s"}, Path: "rule.yml", Line: 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGoodDocumentsAreKeptBesideBadOnes(t *testing.T) {
	t.Parallel()
	file, err := sigma.Parse("rules.yml", []byte(withDetection("s: {A: b}\ncondition: s")+"---\ntitle: Bad\nid: x\n---\n"+withDetection("s: {A: b}\ncondition: t")))
	if len(file.Rules) != 1 {
		t.Errorf("%d rules kept, want 1", len(file.Rules))
	}
	problems, ok := errors.AsType[sigma.Problems](err)
	if !ok || len(problems) != 2 || problems[0].ID != "x" || problems[1].Line != 14 {
		t.Errorf("problems: %v", err)
	}
	if !errors.Is(err, fault.Invalid) {
		t.Error("the error is not of the kind fault.Invalid")
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("a: &a [x,x,x,x,x,x,x,x,x,x]\n")
	for c := 'b'; c < 'k'; c++ {
		fmt.Fprintf(&bomb, "%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), c-1)
	}
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, "s%d: {A: b}\n", i)
	}
	tests := map[string]struct{ text, want string }{
		"large":            {strings.Repeat(" ", 1<<20+1), "split it"},
		"deep":             {strings.Repeat("[", 2000), "64"},
		"deep blocks":      {strings.Repeat("- ", 2000) + "x", "64"},
		"bomb":             {bomb.String(), "aliases"},
		"alias of itself":  {"a: &a [*a]", ""},
		"deep condition":   {withDetection("s: {A: b}\ncondition: " + strings.Repeat("(", 500) + "s" + strings.Repeat(")", 500)), "nests deeper"},
		"not not":          {withDetection("s: {A: b}\ncondition: " + strings.Repeat("not ", 500) + "s"), "nests deeper"},
		"regexp repeat":    {withDetection("s: {A|re: '((a{1000}){1000}){1000}'}\ncondition: s"), "repetitions"},
		"regexp size":      {withDetection("s: {A|re: '" + strings.Repeat("(a|b){900}", 20) + "'}\ncondition: s"), "steps"},
		"many dashes":      {withDetection("s: {A|windash: '" + strings.Repeat(" -a", 30) + "'}\ncondition: s"), "dashes"},
		"many keys":        {withDetection("s:\n  k" + strings.Join(strings.Fields(strings.Repeat("x ", 3000)), ": 1\n  k") + ": 1\ncondition: s"), "2000"},
		"wide conditions":  {withDetection(many.String() + "condition:" + strings.Repeat("\n    - 1 of them", 10_000)), "grows too large"},
		"aliases of text":  {withDetection("s:\n  A: &x '" + strings.Repeat("x*", 20_000) + "'\n  B: [" + strings.Repeat("*x,", 10_000) + "*x]\ncondition: s"), "grows too large"},
		"encoded over":     {withDetection("s: {A|wide|wide|wide: x}\ncondition: s"), "stands twice"},
		"many dashed":      {withDetection("s:\n  A|windash: ['-a -b -c -d" + strings.Repeat("', '-a -b -c -d", 5000) + "']\ncondition: s"), "grows too large"},
		"long dashed":      {withDetection("s: {A|windash: '-a" + strings.Repeat("b", 10_000) + "'}\ncondition: s"), "very long"},
		"many regexps":     {withDetection("s:\n  A|re: ['a{900}" + strings.Repeat("', 'a{900}", 5000) + "']\ncondition: s"), "too large together"},
		"repeated":         {withDetection("s: {A: [x"+strings.Repeat(", x", 5000)+"]}\ncondition: s") + strings.Repeat("---\naction: repeat\n", 10_000), "grows too large"},
		"not UTF-8":        {"title: \xff\xfe\x80", "not valid YAML"},
		"nothing":          {"", "no YAML document"},
		"nothing but dash": {"---\n---\n", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sigma.Parse("rule.yml", []byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one about %q", err, test.want)
			}
		})
	}
}

func TestInvalidYAMLSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"a tab", "title: T\ndetection:\n\ts: {A: b}\n", "indent with blanks"},
		{"not UTF-8", "title: T\ndescription: caf\xe9\n", "save the file as UTF-8"},
		{"a percent sign", "title: T\ndetection: {s: {A: %b}}\n", "put the value in single quotes"},
	} {
		if _, err := sigma.Parse("rule.yml", []byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
