// Package pipeline rewrites Sigma rules by processing pipelines in the YAML
// form of pySigma: field names are mapped, log sources changed, conditions
// added, strings replaced and placeholders filled in, each under conditions of
// its own. A pipeline fits rules to data whose fields are not named as Sigma's
// taxonomy says, without changing the rules.
//
// Supported are the transformations field_name_mapping,
// field_name_prefix_mapping, add_condition, change_logsource, replace_string
// and value_placeholders, the conditions of rules (logsource, contains_field,
// contains_detection_item, is_sigma_rule, is_sigma_correlation_rule,
// rule_attribute, tag, processing_item_applied), of detection items
// (match_string, match_value, contains_wildcard, is_null,
// processing_item_applied) and of field names (include_fields, exclude_fields,
// processing_item_applied), and how they are combined (_cond_op, _cond_not,
// _cond_expr). Any other is refused by name when a pipeline is parsed: to pass
// one over would make rules match something else than was meant.
//
// A detection item is one entry of a detection section: a field with its
// modifiers and values. Regular expressions are RE2's; replacements are
// written as in Python (\1, \g<name>).
package pipeline
