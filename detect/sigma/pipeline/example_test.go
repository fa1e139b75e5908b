package pipeline_test

import (
	"fmt"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/pipeline"
)

// A pipeline fits rules to data whose fields have other names.
func ExampleApply() {
	file, err := sigma.Parse("rule.yml", []byte(`
title: Encoded command line
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|contains: ' -enc '}
  condition: selection`))
	if err != nil {
		fmt.Println(err)
		return
	}
	ours, err := pipeline.Parse("fields.yml", []byte(`
name: our fields
priority: 10
transformations:
  - id: command
    type: field_name_mapping
    mapping: {CommandLine: process.command_line}
    rule_conditions:
      - {type: logsource, product: windows}
  - id: tenant
    type: add_condition
    conditions: {tenant: '7'}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	rules, _, problems := pipeline.Apply([]*pipeline.Pipeline{ours}, file.Rules, file.Correlations)
	for _, p := range problems {
		fmt.Println(p)
	}
	fmt.Print(rules[0])
	// Output:
	// rule Encoded command line
	// logsource product=windows category=process_creation
	// search selection: process.command_line contains ' -enc '
	// search _cond_tenant: tenant = '7'
	// condition (selection and _cond_tenant)
}

// What is not supported is refused by name, with its place.
func ExampleParse() {
	_, err := pipeline.Parse("state.yml", []byte(`
name: state
priority: 10
transformations:
  - {id: index, type: set_state, key: index, val: main}`))
	fmt.Println(err)
	// Output:
	// state.yml:5:23: transformation "set_state" is not supported: supported are field_name_mapping, field_name_prefix_mapping, add_condition, change_logsource, replace_string, value_placeholders
}
