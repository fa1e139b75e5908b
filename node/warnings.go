package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
	"tocsin/memory"
)

// Warned answers what warnings ask from memory. This file is the map of it: what
// of a warning the ledger is asked, what the archive, and what becomes of their
// answers on the way out. Nothing that leaves names a host, a source or a value.
type Warned struct {
	// Hunt asks the memory: Node.Hunt, or all nodes that share the work.
	Hunt func(context.Context, Hunt) (Hunted, error)
	// Retained is since when events are archived; zero, or nil, for ever.
	Retained func() time.Time
	// Exposed says of affected products whether they are here, in their order; nil
	// where no inventory is kept.
	Exposed func(context.Context, []alliance.Product) ([]alliance.Verdict, error)
}

// Retained is since when events are archived, zero where all still are.
func (n *Node) Retained() time.Time { return n.memory.Archive.Since() }

// The reasons that are not coverage's.
const (
	reasonProblem   = "part of what is remembered could not be searched; a hunt on the node says which"
	reasonInventory = "no inventory of products is kept here"
	reasonSeveral   = "for one of many reasons; a hunt on the node says which"
)

const (
	// maxReasons is how many different reasons an answer tells: receivers take no
	// more than a thousand groups.
	maxReasons = 500
	// maxReason bounds one of them.
	maxReason = 1000
)

// Answer answers a warning: every question by the verdict of a hunt, with the
// coverage that it rests on. First the ledger is asked, which takes moments; with
// whole also the archive, for rules and for what the ledger cannot look up. Without,
// the answer is partial where there is such a question. Who answers, and to which
// revision, is the caller's to fill in.
func (w Warned) Answer(ctx context.Context, asked *alliance.Warning, whole bool) (alliance.Answer, error) {
	a := answering{Warned: w, warning: asked, results: make([]result, asked.Questions())}
	a.sort()
	if err := a.ask(ctx, a.ledger, a.warning.Ask.Since); err != nil {
		return alliance.Answer{}, err
	}
	if whole {
		if err := a.askArchive(ctx); err != nil {
			return alliance.Answer{}, err
		}
	}
	if err := a.products(ctx); err != nil {
		return alliance.Answer{}, err
	}
	answer := a.compose()
	answer.Partial = !whole && len(a.archive) > 0
	return answer, nil
}

// answering is one answer in the making.
type answering struct {
	Warned
	warning         *alliance.Warning
	results         []result
	ledger, archive []numbered
	hosts           map[string]struct{} // seen on; they are counted, and stay here
}

// numbered is a question with its number in the warning.
type numbered struct {
	memory.Question
	number int
}

// result is what can be said to one question.
type result struct {
	verdict  alliance.Verdict
	reason   string
	seen     alliance.Sightings
	coverage *alliance.Coverage
}

// indicatorQuestion is what an indicator asks. The error says why it cannot be.
func indicatorQuestion(in *alliance.Indicator) (memory.Question, error) {
	q := memory.Question{Observable: intel.Observable{Kind: in.Kind, Value: in.Value}, Match: in.Match, Port: in.Port}
	if in.Until != nil {
		q.Until = in.Until.UTC()
	}
	if in.Match == intel.MatchSubstring {
		if in.Value == "" {
			return q, fmt.Errorf("an empty text: %w", fault.Invalid)
		}
		return q, nil
	}
	o, err := observable.Parse(in.Kind, in.Value)
	q.Observable = o
	return q, err
}

// sort says who is asked what. What nobody can be asked is answered here.
func (a *answering) sort() {
	for i := range a.results {
		a.results[i] = result{verdict: alliance.CannotTell, reason: alliance.ReasonLater}
	}
	for i := range a.warning.Indicators {
		q, err := indicatorQuestion(&a.warning.Indicators[i])
		a.put(i, q, err)
	}
	for i := range a.warning.Rules {
		q := memory.Question{Rule: a.warning.Rules[i].Text}
		_, err := huntedRule(q)
		a.put(len(a.warning.Indicators)+i, q, err)
	}
}

func (a *answering) put(number int, q memory.Question, err error) {
	q.Text = strconv.Itoa(number)
	switch {
	case err != nil:
		a.results[number].reason = "this node cannot ask the question"
	case q.ByArchive():
		a.archive = append(a.archive, numbered{q, number})
	default:
		a.ledger = append(a.ledger, numbered{q, number})
	}
}

// askArchive asks the archive. Where the warning names no beginning it is asked
// about as long as events are kept; where it does and that is earlier, nothing
// found says too little.
func (a *answering) askArchive(ctx context.Context) error {
	since, asked := time.Time{}, a.warning.Ask.Since
	if a.Retained != nil {
		since = a.Retained()
	}
	if asked.After(since) || since.IsZero() {
		since = asked
	}
	if err := a.ask(ctx, a.archive, since); err != nil || asked.IsZero() || !asked.Before(since) {
		return err
	}
	for _, q := range a.archive {
		if r := &a.results[q.number]; r.verdict == alliance.Clear {
			r.verdict, r.reason = alliance.CannotTell, "events are kept since "+since.Format(time.DateOnly)+" only"
		}
	}
	return nil
}

// ask hunts for questions and takes the answers.
func (a *answering) ask(ctx context.Context, questions []numbered, since time.Time) error {
	if len(questions) == 0 {
		return nil
	}
	h := Hunt{Since: since, TimePercent: a.warning.Ask.TimePercent, HostPercent: a.warning.Ask.HostPercent}
	for _, q := range questions {
		h.Questions = append(h.Questions, q.Question)
	}
	told, err := a.Hunt(ctx, h)
	if err != nil {
		return fmt.Errorf("answer warning %s: %w", a.warning.ID, err)
	}
	for i := range told.Answers {
		a.take(&a.results[questions[i].number], &told.Answers[i])
	}
	return nil
}

// take turns what memory says into what may leave.
func (a *answering) take(r *result, m *memory.Answer) {
	*r = result{coverage: covering(&m.Coverage)}
	switch m.Verdict {
	case intel.Seen:
		r.verdict = alliance.Hit
		r.seen = alliance.Sightings{Events: m.Count + m.Undated, Hosts: m.HostCount, First: m.First, Last: m.Last, Estimated: m.Estimated}
		if a.hosts == nil {
			a.hosts = map[string]struct{}{}
		}
		for _, h := range m.Hosts {
			a.hosts[h] = struct{}{}
		}
		return
	case intel.NotSeen:
		r.verdict, r.reason = alliance.Clear, m.Reason
	default:
		r.verdict, r.reason = alliance.CannotTell, m.Reason
	}
	if m.Problem != "" {
		r.reason = reasonProblem
	}
	if len(r.reason) > maxReason { // names of log sources, which are ASCII
		r.reason = r.reason[:maxReason] + "…"
	}
}

// covering is coverage without names.
func covering(c *intel.Coverage) *alliance.Coverage {
	out := &alliance.Coverage{Since: c.Since, Until: c.Until, HostsKnown: c.HostsKnown, HostsCovered: c.HostsCovered, Share: c.Share}
	for _, s := range c.Sources {
		at := slices.IndexFunc(out.Carriers, func(l alliance.LogSources) bool { return l.LogSource == s.LogSource })
		if at < 0 {
			at = len(out.Carriers)
			out.Carriers = append(out.Carriers, alliance.LogSources{LogSource: s.LogSource})
		}
		out.Carriers[at].Sources++
		out.Carriers[at].Hosts += s.Hosts
	}
	return out
}

// products asks whether affected products are here.
func (a *answering) products(ctx context.Context) error {
	first := len(a.warning.Indicators) + len(a.warning.Rules)
	if first == len(a.results) {
		return nil
	}
	if a.Exposed == nil {
		for i := range a.results[first:] {
			a.results[first+i] = result{verdict: alliance.CannotTell, reason: reasonInventory}
		}
		return nil
	}
	verdicts, err := a.Exposed(ctx, a.warning.Products)
	if err != nil {
		return fmt.Errorf("answer warning %s: products: %w", a.warning.ID, err)
	}
	for i, v := range verdicts {
		a.results[first+i] = result{verdict: v}
	}
	return nil
}

// compose makes the answer of its parts: the gravest verdict, what was seen, and
// the rest in groups.
func (a *answering) compose() alliance.Answer {
	answer := alliance.Answer{At: time.Now().UTC()}
	type kind struct {
		verdict alliance.Verdict
		reason  string
	}
	var kinds []kind
	groups := map[kind][]int{}
	for i := range a.results {
		r := &a.results[i]
		if r.verdict == alliance.Hit || r.verdict == alliance.Exposed {
			answer.Hits = append(answer.Hits, alliance.QuestionHit{Question: i, Verdict: r.verdict, Sightings: r.seen})
			continue
		}
		k := kind{r.verdict, r.reason}
		if groups[k] == nil && len(kinds) >= maxReasons {
			k.reason = reasonSeveral
		}
		if groups[k] == nil {
			kinds = append(kinds, k)
		}
		groups[k] = append(groups[k], i)
	}
	for _, k := range kinds {
		answer.Rest = append(answer.Rest, alliance.Group{
			Verdict: k.verdict, Reason: k.reason, Questions: alliance.RangesOf(groups[k]...).String(), Coverage: a.least(groups[k]),
		})
	}
	answer.Hosts = uint64(len(a.hosts)) // different ones, of all questions
	answer.Conclude()
	return answer
}

// least is the least coverage of some questions.
func (a *answering) least(questions []int) *alliance.Coverage {
	var least *alliance.Coverage
	for _, i := range questions {
		if c := a.results[i].coverage; c != nil && (least == nil || less(c, least)) {
			least = c
		}
	}
	return least
}

func less(a, b *alliance.Coverage) bool {
	share := cmp.Compare(a.HostsCovered*max(b.HostsKnown, 1), b.HostsCovered*max(a.HostsKnown, 1))
	return cmp.Or(share, cmp.Compare(a.Share, b.Share)) < 0
}
