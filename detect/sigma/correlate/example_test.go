package correlate_test

import (
	"fmt"
	"time"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/correlate"
)

// A Correlator is told of the matches of rules and says when they add up.
func ExampleCorrelator() {
	file, err := sigma.Parse("rules.yml", []byte(`
title: Password guessing
correlation:
  type: event_count
  rules: [failed_logon]
  group-by: [TargetUserName]
  timespan: 5m
  condition: {gte: 3}
level: medium
---
title: Failed logon
name: failed_logon
logsource: {product: windows, service: security}
detection: {selection: {EventID: 4625}, condition: selection}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	correlator, problems := correlate.New(file.Correlations, file.Rules, correlate.Limits{})
	for _, p := range problems {
		fmt.Println(p)
	}
	at := time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)
	for i, user := range []string{"jo", "jo", "kim", "jo", "jo"} {
		reached := correlator.Observe(correlate.Match{
			Rule:  file.Rules[0],
			Time:  at.Add(time.Duration(i) * time.Minute),
			Value: func(string) (string, bool) { return user, true },
		})
		for _, r := range reached {
			fmt.Println(r.Correlation.Title, r.Group, r.Value, "since", r.Since.Format(time.TimeOnly))
		}
	}
	// Output:
	// Password guessing [{TargetUserName jo}] 3 since 08:00:00
}
