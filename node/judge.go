package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/intel"
	"tocsin/memory"
	"tocsin/memory/coverage"
)

// judgeFor is how long a hunt that was broken off may still take to say what
// its answers rest on.
const judgeFor = 10 * time.Second

// judge says what the answers rest on.
func (h *hunting) judge(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), judgeFor)
	defer cancel()
	return judge(ctx, h.node.coverage, h.node.memory.Ledger, &h.Hunt, h.sources, h.answers)
}

// doubtRules notes at the answers to rules why they may have missed something:
// the archive was not gone through as a whole, or events or values in it are gone.
// It is asked after the archive was gone through, since what is removed is noted
// before.
func (h *hunting) doubtRules() {
	if len(h.sources) == 0 {
		return
	}
	doubt := h.node.memory.Redacted(h.Since)
	if since := h.node.memory.Archive.Since(); h.Since.Before(since) {
		doubt = fmt.Sprintf("events before %s were removed to make room, or as too old: ask about the time since", since.Format(time.DateTime))
	}
	if n := len(h.partial); n > 0 {
		doubt = h.partial[n-1]
	}
	for i := range h.sources {
		if h.answers[i].Reason == "" {
			h.answers[i].Reason = doubt
		}
	}
}

// about is what coverage depends on besides the time asked about.
type about struct {
	kind    intel.ObservableKind
	source  intel.LogSource
	problem string
}

// judge gives answers, whose reason is what could not be searched, their
// verdicts. Questions of one kind rest on the same.
func judge(ctx context.Context, rules *coverage.Rules, m coverage.Memory, h *Hunt, sources map[int]intel.LogSource, answers []memory.Answer) error {
	now := time.Now()
	known := map[about]coverage.Verdict{}
	keys := make([]about, len(answers))
	different := map[about]struct{}{}
	for i := range answers {
		keys[i] = about{kind: h.Questions[i].Observable.Kind, source: sources[i], problem: answers[i].Reason}
		different[keys[i]] = struct{}{}
	}
	if len(different) > 1 {
		var err error
		if m, err = readOnce(ctx, m, h, now); err != nil {
			return fmt.Errorf("hunt: coverage: %w", err)
		}
	}
	for i := range answers {
		a, key := &answers[i], keys[i]
		verdict, ok := known[key]
		if !ok {
			var err error
			verdict, err = rules.Decide(ctx, m, coverage.Question{
				Kind: key.kind, LogSource: key.source, Since: h.Since, Until: h.Until, Problem: key.problem,
				TimePercent: h.TimePercent, HostPercent: h.HostPercent,
			}, now)
			if err != nil {
				return fmt.Errorf("hunt: coverage: %w", err)
			}
			known[key] = verdict
		}
		a.Verdict, a.Coverage, a.Reason, a.Problem = verdict.Verdict, verdict.Coverage, verdict.Reason, key.problem
		if a.Count > 0 || a.Undated > 0 {
			a.Verdict, a.Reason = intel.Seen, key.problem
		}
	}
	return nil
}

// readOnceLimit is how many presences are held for several verdicts: some 30 MB,
// that 1,000 hosts leave in a third of a year.
const readOnceLimit = 200_000

// errTooMany ends the reading of presence that is not to be held.
var errTooMany = errors.New("too much presence to be held")

// readOnce reads the presence that verdicts rest on into memory, so that it is read
// once for all kinds of question; where there is too much it is read for each.
func readOnce(ctx context.Context, m coverage.Memory, h *Hunt, now time.Time) (coverage.Memory, error) {
	var held coverage.Table
	from, to := coverage.Window(h.Since, h.Until, now)
	err := m.Presence(ctx, from, to, nil, func(p intel.Presence) error {
		if len(held) == readOnceLimit {
			return errTooMany
		}
		held = append(held, p)
		return nil
	})
	if errors.Is(err, errTooMany) {
		return m, nil
	}
	return held, err
}
