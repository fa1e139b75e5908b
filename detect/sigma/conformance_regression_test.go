package sigma_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/testdata"
)

// TestConformanceRegressionEvents evaluates the rules of SigmaHQ's regression
// data on their own events, as the JSON that lies beside each EVTX file has
// them: every rule must hold for one. Log sources play no part here; of field
// names only those of Security 4688 are mapped.
func TestConformanceRegressionEvents(t *testing.T) {
	rules := map[string]*sigma.Rule{}
	folders, err := filepath.Glob(filepath.Join(testdata.Set(t, "sigma-rules"), "rules*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range sigma.Load(folders...).Rules {
		rules[r.ID] = r
	}
	root := testdata.Set(t, "sigma-regression")
	passed, total := 0, 0
	err = filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		id, isEvents := strings.CutSuffix(filepath.Base(path), ".json")
		if err != nil || !isEvents || rules[id] == nil {
			return err
		}
		total++
		if regressionHolds(t, rules[id], path) {
			passed++
		} else {
			t.Errorf("%s does not hold for its event", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("passed %d/%d", passed, total)
}

func regressionHolds(t *testing.T, rule *sigma.Rule, path string) bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	names := intel.NewNames(nil)
	class := &intel.Class{Names: func(field string) []string {
		switch field {
		case "Image":
			return []string{"Image", "NewProcessName"}
		case "ParentImage":
			return []string{"ParentImage", "ParentProcessName"}
		}
		return []string{field}
	}}
	naive, err := sigma.NewNaive(rule, names, class)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	for {
		var document any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return false
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, event := range listOf(document) {
			rec := &intel.Record{}
			flattenNested(rec, names, "", event)
			if naive.Matches(rec) {
				return true
			}
		}
	}
}

func listOf(document any) []any {
	if list, ok := document.([]any); ok {
		return list
	}
	return []any{document}
}

// flattenNested adds the values of nested maps under the innermost name that says
// something: attributes with their element's, as rules write Provider_Name.
func flattenNested(rec *intel.Record, names *intel.Names, name string, value any) {
	fields, ok := value.(map[string]any)
	if !ok {
		add(rec, names.Intern(strings.ReplaceAll(name, " ", "")), value)
		return
	}
	for key, inner := range fields {
		switch key {
		case "#text":
			key = name
		case "#attributes":
			if attributes, ok := inner.(map[string]any); ok {
				for attribute, v := range attributes {
					flattenNested(rec, names, name+"_"+attribute, v)
				}
			}
			continue
		}
		flattenNested(rec, names, key, inner)
	}
}

// TestConformanceSpecificationExamples parses every complete document that the
// specification shows.
func TestConformanceSpecificationExamples(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(testdata.Set(t, "sigma-specification"), "specification", "*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no specification: %v", err)
	}
	block := regexp.MustCompile("(?s)```ya?ml\n(.*?)```")
	passed, total := 0, 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range block.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(match[1], "title:") || !regexp.MustCompile(`(?m)^(detection|correlation|filter):\n`).MatchString(match[1]) ||
				strings.Contains(match[1], "—") || !strings.Contains(match[1], "timespan") && !strings.Contains(match[1], "condition") {
				continue // parts of documents
			}
			total++
			if _, err := sigma.Parse(filepath.Base(path), []byte(match[1])); err != nil {
				t.Errorf("%v\n%s", err, match[1])
				continue
			}
			passed++
		}
	}
	t.Logf("passed %d/%d", passed, total)
}
