package pipeline_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/pipeline"
)

var update = flag.Bool("update", false, "rewrite the golden files of this package")

// separator stands between pipelines and rules in testdata.
const separator = "=====\n"

// TestPipelinesRewriteRules runs testdata/*.txtar: each NAME.yml holds
// pipelines and, after the last separator, rules; NAME.want is what the rules
// became, or what is wrong.
func TestPipelinesRewriteRules(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			checkArchive(t, path)
		})
	}
}

func checkArchive(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := &txtar.Archive{Comment: archive.Comment}
	for i, f := range archive.Files {
		name, isInput := strings.CutSuffix(f.Name, ".yml")
		if !isInput {
			continue
		}
		got := rewritten(t, string(f.Data))
		out.Files = append(out.Files, f, txtar.File{Name: name + ".want", Data: []byte(got)})
		if *update {
			continue
		}
		if i+1 == len(archive.Files) || archive.Files[i+1].Name != name+".want" {
			t.Fatalf("%s has no %s.want after it", f.Name, name)
		}
		if diff := cmp.Diff(string(archive.Files[i+1].Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func rewritten(t *testing.T, input string) string {
	t.Helper()
	parts := strings.Split(input, separator)
	var pipelines []*pipeline.Pipeline
	for _, text := range parts[:len(parts)-1] {
		p, err := pipeline.Parse("pipeline.yml", []byte(text))
		if err != nil {
			return err.Error() + "\n"
		}
		pipelines = append(pipelines, p)
	}
	file, err := sigma.Parse("rule.yml", []byte(parts[len(parts)-1]))
	if err != nil {
		t.Fatal(err)
	}
	before := printed(file.Rules, file.Correlations)
	rules, correlations, problems := pipeline.Apply(pipelines, file.Rules, file.Correlations)
	if after := printed(file.Rules, file.Correlations); after != before {
		t.Errorf("the rules themselves were changed:\n%s", after)
	}
	var out strings.Builder
	out.WriteString(printed(rules, correlations))
	for _, p := range problems {
		out.WriteString(p.Error() + "\n")
	}
	return out.String()
}

func printed(rules []*sigma.Rule, correlations []*sigma.Correlation) string {
	var b strings.Builder
	for _, r := range rules {
		b.WriteString(r.String())
		if r.Fields != nil {
			fmt.Fprintf(&b, "fields %s\n", strings.Join(r.Fields, " "))
		}
	}
	for _, c := range correlations {
		fmt.Fprintf(&b, "correlation %s by %v of %v aliases %v\n", c.Title, c.GroupBy, c.Fields, c.Aliases)
	}
	return b.String()
}

func TestPipelinesComeInTheOrderOfTheirPriority(t *testing.T) {
	t.Parallel()
	text := "priority: %d\ntransformations: [{type: field_name_mapping, mapping: {%s: %s}}]"
	var pipelines []*pipeline.Pipeline
	for _, p := range []string{fmt.Sprintf(text, 20, "B", "C"), fmt.Sprintf(text, 10, "A", "B")} {
		parsed, err := pipeline.Parse("p.yml", []byte(p))
		if err != nil {
			t.Fatal(err)
		}
		pipelines = append(pipelines, parsed)
	}
	file, err := sigma.Parse("r.yml", []byte("title: T\nlogsource: {product: x}\ndetection: {s: {A: v}, condition: s}"))
	if err != nil {
		t.Fatal(err)
	}
	rules, _, _ := pipeline.Apply(pipelines, file.Rules, nil)
	if got := rules[0].String(); !strings.Contains(got, "s: C = 'v'") {
		t.Errorf("got %s", got)
	}
}

func TestUntouchedRulesAreReturnedAsTheyAre(t *testing.T) {
	t.Parallel()
	p, err := pipeline.Parse("p.yml", []byte("transformations: [{type: change_logsource, product: y, rule_conditions: [{type: logsource, product: z}]}]"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := sigma.Parse("r.yml", []byte("title: T\nlogsource: {product: x}\ndetection: {s: {A: v}, condition: s}"))
	if err != nil {
		t.Fatal(err)
	}
	rules, _, _ := pipeline.Apply([]*pipeline.Pipeline{p}, file.Rules, nil)
	if !slices.Equal(rules, file.Rules) {
		t.Error("a rule was copied that no step applies to")
	}
}

func FuzzPipeline(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if head, _, ok := strings.Cut(string(file.Data), separator); ok {
				f.Add([]byte(head))
			}
		}
	}
	rules, err := sigma.Parse("r.yml", []byte(`
title: T
logsource: {product: windows, category: process_creation}
fields: [Image]
detection:
  s: {Image|endswith: '\a.exe', User|expand: '%Users%', A|fieldref: B, C: null}
  k: [one, 'two*']
  condition: s and not k`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := pipeline.Parse("p.yml", text)
		if (p == nil) == (err == nil) {
			t.Fatalf("pipeline %v, error %v", p, err)
		}
		if err != nil {
			return
		}
		out, _, problems := pipeline.Apply([]*pipeline.Pipeline{p}, rules.Rules, nil)
		if len(out)+len(problems) != 1 {
			t.Fatalf("%d rules and %d problems came of one rule", len(out), len(problems))
		}
	})
}
