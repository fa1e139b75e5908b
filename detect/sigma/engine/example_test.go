package engine_test

import (
	"fmt"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
)

// Rules are compiled once; an Inspector says which of them an event matches.
func ExampleInspector() {
	file, err := sigma.Parse("rules.yml", []byte(`
title: Encoded command line
logsource: {product: windows, category: process_creation}
detection: {selection: {CommandLine|contains: ' -enc '}, condition: selection}
---
title: Shell of a web server
logsource: {product: windows, category: process_creation}
detection: {selection: {ParentImage|endswith: '\w3wp.exe'}, condition: selection}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	names := intel.NewNames(nil)
	compiled, err := engine.Compile(file.Rules, names)
	if err != nil {
		fmt.Println(err)
		return
	}
	class := &intel.Class{Product: "windows", Categories: []string{"process_creation"}}
	var rec intel.Record
	rec.Add(names.Intern("CommandLine"), intel.Text, []byte(`powershell -ENC SQBFAFgA`))
	for _, n := range engine.NewInspector(compiled).Inspect(class, &rec) {
		fmt.Println(compiled.Rules()[n].Title)
	}
	// Output:
	// Encoded command line
}
