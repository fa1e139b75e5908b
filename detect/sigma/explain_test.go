package sigma_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/detect/sigma"
	"tocsin/intel"
)

const explained = `
selection:
  Image|endswith: ['\cmd.exe', '\powershell.exe']
  CommandLine|contains: ' -enc '
keywords: [evil]
filter:
  User: null
condition: (selection or keywords) and not filter
`

func TestExplainTellsWhichPartsHeld(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	class := &intel.Class{Names: func(field string) []string {
		if field == "Image" {
			return []string{"NewProcessName", "Image"}
		}
		return []string{field}
	}}
	event := jsonRecord(t, names, `{"NewProcessName": "C:\\CMD.exe", "CommandLine": ["a", "x -enc y"], "User": "jo", "Image": "other"}`)
	parts, err := sigma.Explain(detection(t, explained), event, names, class)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.TrimSpace(outline(parts, ""))
	want := strings.TrimSpace(`
+ and
  + or
    + selection
      + and
        + or
          + Image endswith '\cmd.exe' (NewProcessName: C:\CMD.exe)
          - Image endswith '\powershell.exe' (NewProcessName: C:\CMD.exe)
        + CommandLine contains ' -enc ' (CommandLine: x -enc y)
    - keywords
      - any value contains 'evil'
  + not
    - filter
      - User is null or absent (User: jo)
`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func outline(parts []sigma.Part, indent string) string {
	var b strings.Builder
	for _, p := range parts {
		sign := "-"
		if p.Held {
			sign = "+"
		}
		fmt.Fprintf(&b, "%s%s %s", indent, sign, p.Text)
		if p.Present {
			fmt.Fprintf(&b, " (%s: %s)", p.Name, p.Value)
		}
		b.WriteString("\n" + outline(p.Parts, indent+"  "))
	}
	return b.String()
}

func TestMatchedGivesTheValuesOfTestsThatHeld(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, section, event, want string }{
		{"in the order of the rule", explained, `{"CommandLine": "x -enc y", "Image": "a\\cmd.exe", "User": "jo"}`, "Image=a\\cmd.exe CommandLine=x -enc y"},
		{"of a keyword where it stood", explained, `{"X": "so evil", "User": "jo"}`, "X=so evil"},
		{"none when the rule does not match", explained, `{"X": "so evil"}`, ""},
		{"not of parts that failed as a whole", "a: {A: x, B: y}\nc: {C: z}\ncondition: a or c", `{"A": "x", "C": "z"}`, "C=z"},
		{"each once", "a: {A: x}\nb: {A|contains: x}\ncondition: a and b", `{"A": "x"}`, "A=x"},
		{"of all conditions that held", "a: {A: x}\nb: {B: x}\ncondition: [a, b]", `{"A": "x", "B": "x"}`, "A=x B=x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			names := intel.NewNames(nil)
			naive, err := sigma.NewNaive(detection(t, test.section), names, &intel.Class{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range naive.Matched(jsonRecord(t, names, test.event)) {
				got = append(got, names.Text(v.Name)+"="+string(v.Value))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
