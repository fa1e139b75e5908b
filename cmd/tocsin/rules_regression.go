package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tocsin/detect"
	"tocsin/internal/fault"
	"tocsin/internal/output"
	"tocsin/node"
)

type testCmd struct {
	Dir string `arg:"" help:"Folder with info.yml files, as SigmaHQ's regression_data, or the one above it."`

	ruleFlags
	Mapping []string `help:"Folder of mapping files; repeatable." placeholder:"DIR" sep:"none"`
	Format  string   `help:"text or json." enum:"text,json" default:"text"`
	Extra   bool     `help:"Also name the rules that matched beside the expected ones."`
}

// expectation is one regression test: a rule that must match a file.
type expectation struct {
	Rule  string `json:"rule"`
	Name  string `json:"name"`
	File  string `json:"file"`
	Want  int    `json:"want"` // matches at least
	Got   int    `json:"got"`
	exact bool   // the test says how many matches there are
}

// info is what a test's info.yml says, in SigmaHQ's form.
type info struct {
	Rules []struct {
		ID string `yaml:"id"`
	} `yaml:"rule_metadata"`
	Tests []struct {
		Name       string `yaml:"name"`
		Path       string `yaml:"path"`
		MatchCount *int   `yaml:"match_count"`
	} `yaml:"regression_tests_info"`
}

func (t *testCmd) Run(ctx context.Context, c *console) error {
	expected, err := expectations(t.Dir)
	if err != nil {
		return err
	}
	if len(expected) == 0 {
		return fmt.Errorf("%s: no info.yml with a test in it: %w", t.Dir, fault.NotFound)
	}
	rules, err := t.load(c.library())
	if err != nil {
		return err
	}
	mappings, err := loadMappings(t.Mapping)
	if err != nil {
		return err
	}
	var files []string
	for _, e := range expected {
		files = append(files, e.File)
	}
	slices.Sort(files)
	matches := map[[2]string]int{} // by file and rule
	titles := map[string]string{}
	watch := &node.Watch{Paths: slices.Compact(files), Rules: rules.rules, Correlations: rules.correlations, Mappings: mappings}
	_, err = watch.Run(ctx, func(f *detect.Finding) error {
		m := f.Meta()
		matches[[2]string{f.Source, m.ID}]++
		titles[m.ID] = m.Title
		return nil
	})
	if err != nil {
		return err
	}
	result := judge(expected, matches, titles)
	if err := t.print(c, result); err != nil {
		return err
	}
	if len(result.Missed) > 0 {
		return fmt.Errorf("%s not found", output.Count(len(result.Missed), "expected match was", "expected matches were"))
	}
	return nil
}

// judged is what --format json prints.
type judged struct {
	Tests  int           `json:"tests"`
	Passed int           `json:"passed"`
	Missed []expectation `json:"missed"`
	// More are tests whose rule matched more often than they say.
	More []expectation `json:"more"`
	// Extra are other rules that matched, by file: no fault, but worth a look.
	Extra []extra `json:"extra"`
}

type extra struct {
	Rule    string `json:"rule"`
	Title   string `json:"title"`
	File    string `json:"file"`
	Matches int    `json:"matches"`
}

func judge(expected []expectation, matches map[[2]string]int, titles map[string]string) judged {
	result := judged{Tests: len(expected), Missed: []expectation{}, More: []expectation{}, Extra: []extra{}}
	named := map[[2]string]bool{}
	for _, e := range expected {
		key := [2]string{e.File, e.Rule}
		named[key] = true
		e.Got = matches[key]
		switch {
		case e.Got < e.Want:
			result.Missed = append(result.Missed, e)
			continue
		case e.exact && e.Got > e.Want:
			result.More = append(result.More, e)
		}
		result.Passed++
	}
	for key, n := range matches {
		if !named[key] {
			result.Extra = append(result.Extra, extra{Rule: key[1], Title: titles[key[1]], File: key[0], Matches: n})
		}
	}
	slices.SortFunc(result.Extra, func(a, b extra) int {
		return strings.Compare(a.File+"\x00"+a.Rule, b.File+"\x00"+b.Rule)
	})
	return result
}

func (t *testCmd) print(c *console, r judged) error {
	if t.Format == "json" {
		return json.NewEncoder(c.out).Encode(r)
	}
	for _, e := range r.Missed {
		if _, err := fmt.Fprintf(c.out, "missed: rule %s matched %d of %d in %s (%s)\n", output.Plain(e.Rule), e.Got, e.Want, output.Plain(e.File), output.Plain(e.Name)); err != nil {
			return err
		}
	}
	for _, e := range r.More {
		if _, err := fmt.Fprintf(c.out, "more: rule %s matched %d times, the test says %d, in %s\n", output.Plain(e.Rule), e.Got, e.Want, output.Plain(e.File)); err != nil {
			return err
		}
	}
	if t.Extra {
		for _, e := range r.Extra {
			if _, err := fmt.Fprintf(c.out, "extra: rule %s (%s) matched %d in %s\n", output.Plain(e.Rule), output.Plain(e.Title), e.Matches, output.Plain(e.File)); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(c.out, "%d/%d tests passed; %s more often than its test says; %s by other rules in the same files\n",
		r.Passed, r.Tests, output.Count(len(r.More), "rule matched", "rules matched"), output.Count(len(r.Extra), "extra match", "extra matches"))
	return err
}

// expectations reads every info.yml below a folder.
func expectations(dir string) ([]expectation, error) {
	var all []expectation
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() != "info.yml" {
			return err
		}
		some, err := readInfo(dir, path)
		all = append(all, some...)
		return err
	})
	return all, err
}

// infoLimit is far above any info.yml.
const infoLimit = 1 << 20

func readInfo(dir, path string) ([]expectation, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if stat.Size() > infoLimit {
		return nil, fmt.Errorf("%s: %d bytes are too many for a test's description: %w", path, stat.Size(), fault.Invalid)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseInfo(dir, path, text)
}

// parseInfo reads what one info.yml says.
func parseInfo(dir, path string, text []byte) ([]expectation, error) {
	var described info
	if err := yaml.Unmarshal(text, &described); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, err, fault.Invalid)
	}
	var all []expectation
	for _, test := range described.Tests {
		file, err := locate(dir, path, test.Path)
		if err != nil {
			return nil, err
		}
		e := expectation{Name: test.Name, File: file, Want: 1}
		if test.MatchCount != nil {
			e.Want, e.exact = *test.MatchCount, true
		}
		for _, rule := range described.Rules {
			e.Rule = rule.ID
			all = append(all, e)
		}
	}
	return all, nil
}

// locate finds a test's file. Its path counts from the root of the repository,
// which is dir or a folder above it; a copied folder may have lost that root,
// so the file may also simply lie beside its description.
func locate(dir, description, path string) (string, error) {
	local := filepath.FromSlash(path)
	if !filepath.IsLocal(local) {
		return "", fmt.Errorf("%s: path %q leads out of the test data: %w", description, path, fault.Invalid)
	}
	for _, candidate := range []string{
		filepath.Join(filepath.Dir(description), filepath.Base(local)), filepath.Join(dir, local), filepath.Join(filepath.Dir(filepath.Clean(dir)), local),
	} {
		if _, err := os.Stat(candidate); err == nil {
			return candidate, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: its file %s is not there: %w", description, path, fault.NotFound)
}
