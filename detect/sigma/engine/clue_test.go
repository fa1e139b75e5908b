package engine_test

import (
	"slices"
	"testing"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
)

func TestCluesAndFieldsOfRules(t *testing.T) {
	t.Parallel()
	class := &intel.Class{Product: "windows", Constants: map[string]string{"EventID": "1"}, Names: func(field string) []string {
		if field == "Image" {
			return []string{"Image", "process.executable"}
		}
		return []string{field}
	}}
	for _, c := range []struct {
		name, detection string
		clues           []string // nil: the rule can match without any
		fields          []string // nil: every field
	}{
		{"a text", `{s: {Image|endswith: '\CMD.exe'}, condition: s}`, []string{`\cmd.exe`}, []string{"Image", "process.executable"}},
		{"one of two", `{s: {CommandLine|contains: [alpha, beta]}, condition: s}`, []string{"alpha", "beta"}, []string{"CommandLine"}},
		{"the rarer of two", `{s: {CommandLine|contains|all: [e, zxqjzxqj]}, condition: s}`, []string{"zxqjzxqj"}, []string{"CommandLine"}},
		{"letters count", `{s: {CommandLine|contains|cased: AlPha}, condition: s}`, []string{"alpha"}, []string{"CommandLine"}},
		{"only not", `{s: {CommandLine|contains: alpha}, condition: not s}`, nil, []string{"CommandLine"}},
		{"null or a text", `{s: {CommandLine: null}, r: {CommandLine: alpha}, condition: s or r}`, nil, []string{"CommandLine"}},
		{"decided by the class", `{s: {EventID: 1}, condition: s}`, nil, []string{"EventID"}},
		{"never", `{s: {EventID: 2, Image: x}, condition: s}`, []string{}, []string{"EventID"}},
		{"anywhere", `{s: [mimikatz], condition: s}`, []string{"mimikatz"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file, err := sigma.Parse("rule.yml", []byte("title: t\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {product: windows}\ndetection: "+c.detection))
			if err != nil {
				t.Fatal(err)
			}
			names := intel.NewNames(nil)
			e, err := engine.Compile(file.Rules, names)
			if err != nil {
				t.Fatal(err)
			}
			clues, ok := e.Clues(class)
			var texts []string
			for _, clue := range clues {
				texts = append(texts, clue.Text)
			}
			slices.Sort(texts)
			if ok != (c.clues != nil) || !slices.Equal(texts, c.clues) {
				t.Errorf("clues: got %q, %v, want %q", texts, ok, c.clues)
			}
			fields, all := e.Fields(class)
			var got []string
			for _, name := range fields {
				got = append(got, names.Text(name))
			}
			slices.Sort(got)
			if all != (c.fields == nil) || !slices.Equal(got, c.fields) {
				t.Errorf("fields: got %q, %v, want %q", got, all, c.fields)
			}
		})
	}
}
