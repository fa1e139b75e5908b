package sigma_test

import (
	"fmt"

	"tocsin/detect/sigma"
	"tocsin/intel"
)

const exampleRule = `
title: Encoded command line
id: 0f4a3d1c-8a4b-4e0f-9d3a-0e1b2c3d4e5f
logsource: {product: windows, category: process_creation}
detection:
  shell:
    Image|endswith: ['\powershell.exe', '\pwsh.exe']
    CommandLine|contains|windash: ' -enc '
  filter:
    User|startswith: 'svc_'
  condition: shell and not filter
level: high
`

// Parse reads rules; what is wrong is said with its place.
func ExampleParse() {
	file, err := sigma.Parse("rule.yml", []byte(exampleRule))
	if err != nil {
		fmt.Println(err)
		return
	}
	rule := file.Rules[0]
	fmt.Println(rule.Title, "|", rule.Level, "|", rule.LogSource)

	_, err = sigma.Parse("bad.yml", []byte(`
title: Bad
logsource: {product: windows}
detection:
  selection: {Image|endwith: x}
  condition: selection`))
	fmt.Println(err)
	// Output:
	// Encoded command line | high | product=windows category=process_creation
	// bad.yml:5:15: Image|endwith: unknown modifier "endwith": did you mean "endswith"?
}

// Naive evaluates one rule on one record. The class says under which names the
// rule's fields stand in the record.
func ExampleNaive() {
	file, err := sigma.Parse("rule.yml", []byte(exampleRule))
	if err != nil {
		fmt.Println(err)
		return
	}
	names := intel.NewNames(nil)
	security := &intel.Class{Names: func(field string) []string {
		if field == "Image" {
			return []string{"NewProcessName"}
		}
		return []string{field}
	}}
	naive, err := sigma.NewNaive(file.Rules[0], names, security)
	if err != nil {
		fmt.Println(err)
		return
	}
	var rec intel.Record
	rec.Add(names.Intern("NewProcessName"), intel.Text, []byte(`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`))
	rec.Add(names.Intern("CommandLine"), intel.Text, []byte(`powershell /enc SQBFAFgA`))
	fmt.Println(naive.Matches(&rec))
	for _, value := range naive.Matched(&rec) {
		fmt.Printf("%s: %s\n", names.Text(value.Name), value.Value)
	}
	// Output:
	// true
	// NewProcessName: C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe
	// CommandLine: powershell /enc SQBFAFgA
}

// Explain says which parts of a rule held.
func ExampleExplain() {
	file, err := sigma.Parse("rule.yml", []byte(`
title: Explained
logsource: {product: linux}
detection:
  selection: {exe|endswith: /nc, args: '-e'}
  condition: selection`))
	if err != nil {
		fmt.Println(err)
		return
	}
	names := intel.NewNames(nil)
	var rec intel.Record
	rec.Add(names.Intern("exe"), intel.Text, []byte("/usr/bin/nc"))
	parts, err := sigma.Explain(file.Rules[0], &rec, names, &intel.Class{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(outline(parts, ""))
	// Output:
	// - selection
	//   - and
	//     + exe endswith '/nc' (exe: /usr/bin/nc)
	//     - args = '-e'
}

// A rule with placeholders is completed before it is evaluated.
func ExampleRule_Expand() {
	file, err := sigma.Parse("rule.yml", []byte(`
title: Logon of an administrator
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4624, TargetUserName|expand: '%Administrators%'}
  condition: selection`))
	if err != nil {
		fmt.Println(err)
		return
	}
	rule := file.Rules[0]
	fmt.Println(rule.Placeholders())
	rule, err = rule.Expand(map[string][]string{"Administrators": {"adm_*", "root"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(rule)
	// Output:
	// [Administrators]
	// rule Logon of an administrator
	// logsource product=windows service=security
	// search selection: (EventID = '4624' and (TargetUserName startswith 'adm_' or TargetUserName = 'root'))
	// condition selection
}
