package node

import (
	"context"
	"fmt"
	"time"

	"tocsin/intel"
	"tocsin/memory/coverage"
)

// judgeFor is how long a hunt that was broken off may still take to say what
// its answers rest on.
const judgeFor = 10 * time.Second

// about is what coverage depends on besides the time asked about.
type about struct {
	kind    intel.ObservableKind
	source  intel.LogSource
	problem string
}

// judge says what the answers rest on. Questions of one kind rest on the same.
func (h *hunting) judge(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), judgeFor)
	defer cancel()
	now := time.Now()
	known := map[about]coverage.Verdict{}
	for i := range h.answers {
		a, key := &h.answers[i], about{kind: h.Questions[i].Observable.Kind}
		key.problem = a.Reason
		if h.Questions[i].Rule != "" {
			key.source = h.sources[i]
			key.problem = h.broken()
		}
		verdict, ok := known[key]
		if !ok {
			var err error
			verdict, err = h.node.coverage.Decide(ctx, h.node.memory.Ledger, coverage.Question{
				Kind: key.kind, LogSource: key.source, Since: h.Since, Until: h.Until, Problem: key.problem,
			}, now)
			if err != nil {
				return fmt.Errorf("hunt: coverage: %w", err)
			}
			known[key] = verdict
		}
		a.Verdict, a.Coverage, a.Reason = verdict.Verdict, verdict.Coverage, verdict.Reason
		if a.Count > 0 || a.Undated > 0 {
			a.Verdict, a.Reason = intel.Seen, key.problem
		}
	}
	return nil
}

// broken says why the archive was not gone through as a whole, "" when it was.
func (h *hunting) broken() string {
	if len(h.partial) == 0 {
		return ""
	}
	return h.partial[len(h.partial)-1]
}
