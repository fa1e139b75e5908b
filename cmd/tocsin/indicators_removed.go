package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"tocsin/api"
	"tocsin/detect/indicator"
	"tocsin/intel"
	"tocsin/internal/output"
)

// removedKept bounds what is told of removed indicators; the rest is counted.
const removedKept = 10_000

// collectRemoved notes what a compiler removes, and why.
func collectRemoved(c *indicator.Compiler) *api.RemovedIndicators {
	all := &api.RemovedIndicators{}
	c.Removed = func(in intel.Indicator, reason string) {
		all.Count++
		if len(all.Removed) < removedKept {
			all.Removed = append(all.Removed, api.RemovedIndicator{
				Kind: in.Kind.String(), Value: valueText(&in), Source: in.Source, Family: in.Label,
				Reason: reason, Warninglist: c.Warnings.Has(reason),
			})
		}
	}
	return all
}

// sortRemoved puts them in an order that does not depend on goroutines.
func sortRemoved(all *api.RemovedIndicators) {
	slices.SortFunc(all.Removed, func(a, b api.RemovedIndicator) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Source, b.Source))
	})
}

// writeRemoved lists what was removed, by the list or reason that removed it.
func (l *indicatorsListCmd) writeRemoved(out *bufio.Writer, all *api.RemovedIndicators) error {
	if l.Format == "jsonl" {
		lines := json.NewEncoder(out)
		for i := range all.Removed {
			if err := lines.Encode(&all.Removed[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if all.Count == 0 {
		fmt.Fprintln(out, "No indicator was removed.")
	}
	reason := ""
	for i := range all.Removed {
		r := &all.Removed[i]
		if r.Reason != reason {
			reason = r.Reason
			head := output.Plain(reason)
			if r.Warninglist {
				head = "On the warninglist " + head
			}
			fmt.Fprintf(out, "%s:\n", head)
		}
		fmt.Fprintf(out, "  %-12s  %s  %s  of %s\n", r.Kind, output.Plain(r.Value), output.Plain(r.Family), output.Plain(r.Source))
	}
	if rest := all.Count - len(all.Removed); rest > 0 {
		fmt.Fprintf(out, "%s not shown.\n", output.Count(rest, "more is", "more are"))
	}
	return nil
}
