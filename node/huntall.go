package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory"
	"tocsin/memory/coverage"
)

// Told is what one of several nodes says to a question that was put to all, or
// why it says nothing.
type Told struct {
	Node   string
	Answer []byte // by AnswerHunt
	Err    error
}

// AskAll puts a question to all nodes that share the work, and returns what
// each says. Late says that something was taken in which no node has yet; else
// it is empty.
type AskAll func(ctx context.Context, question []byte) (told []Told, late string, err error)

// AnswerHunt answers a hunt of HuntAll that runs on another node.
func (n *Node) AnswerHunt(ctx context.Context, question []byte) ([]byte, error) {
	var h Hunt
	if err := json.Unmarshal(question, &h); err != nil {
		return nil, fmt.Errorf("hunt: %w: %w", err, fault.Invalid)
	}
	told, err := n.Hunt(ctx, h)
	if err != nil {
		return nil, err
	}
	return json.Marshal(told)
}

// HuntAll asks every node that shares the work and joins what they say. A node
// that says nothing, and what no node has yet, make the answers partial and "not
// seen" unknown. The error is fault.Invalid for a question that cannot be asked,
// and fault.Unavailable when nobody answers.
func HuntAll(ctx context.Context, h Hunt, ask AskAll) (Hunted, error) {
	if err := h.check(); err != nil {
		return Hunted{}, err
	}
	for _, q := range h.Questions {
		if q.Rule != "" {
			if _, err := huntedRule(q); err != nil {
				return Hunted{}, err
			}
		}
	}
	question, err := json.Marshal(h)
	if err != nil {
		return Hunted{}, err
	}
	told, late, err := ask(ctx, question)
	if err != nil {
		return Hunted{}, err
	}
	return join(&h, told, late)
}

// joined is the answers of several nodes becoming one.
type joined struct {
	*Hunt
	all     Hunted
	rests   []rest // by question
	missing string // what is in no answer
	nodes   int    // that answered
}

// rest is what "not seen" rests on at all nodes together.
type rest struct {
	doubt     string // why one of them cannot say it
	watching  bool   // one of them can
	uncovered int    // hosts that a node does not cover, all nodes added up
	known     int    // the most hosts that one node knows
}

func join(h *Hunt, told []Told, late string) (Hunted, error) {
	j := &joined{Hunt: h, rests: make([]rest, len(h.Questions))}
	if late != "" {
		j.miss(late)
	}
	for _, t := range told {
		j.add(t)
	}
	if j.nodes == 0 {
		return Hunted{}, fmt.Errorf("hunt: %s: %w", cmp.Or(j.missing, "nobody was there to be asked"), fault.Unavailable)
	}
	for i := range j.all.Answers {
		j.judge(i)
	}
	return j.all, nil
}

func (j *joined) add(t Told) {
	var hunted Hunted
	err := t.Err
	if err == nil {
		err = json.Unmarshal(t.Answer, &hunted)
	}
	if err == nil && len(hunted.Answers) != len(j.Questions) {
		err = errors.New("it answers another question")
	}
	if err != nil {
		j.miss(fmt.Sprintf("worker %s did not answer (%v): what it remembers is missing", t.Node, err))
		return
	}
	for _, note := range hunted.Partial {
		j.all.Partial = append(j.all.Partial, "worker "+t.Node+": "+note)
	}
	for i := range hunted.Answers {
		j.rests[i].add(t.Node, &hunted.Answers[i])
	}
	if j.nodes++; j.nodes == 1 {
		j.all.Answers = hunted.Answers
		return
	}
	for i := range hunted.Answers {
		a, b := &j.all.Answers[i], &hunted.Answers[i]
		a.Join(b)
		a.Seen = distinct(a.Seen)
		a.Examples = a.Examples[:min(len(a.Examples), j.Examples)]
		if b.Verdict == intel.Seen {
			a.Verdict = intel.Seen
		}
		joinCoverage(&a.Coverage, b.Coverage)
	}
}

// miss says what is in no answer.
func (j *joined) miss(what string) {
	j.missing = what
	j.all.Partial = append(j.all.Partial, what)
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// add takes in what one node says. One that knows no host says nothing either
// way: it has just begun.
func (r *rest) add(name string, a *memory.Answer) {
	if a.Coverage.HostsKnown == 0 {
		return
	}
	r.known = max(r.known, a.Coverage.HostsKnown)
	r.uncovered += a.Coverage.HostsKnown - a.Coverage.HostsCovered
	if a.Verdict == intel.NotSeen {
		r.watching = true
	} else if r.doubt == "" {
		r.doubt = fmt.Sprintf("worker %s: %s", name, cmp.Or(a.Reason, "it cannot say"))
	}
}

// sourcesNamed and hostsBlind bound what a joined answer names, as coverage does
// for one node.
const sourcesNamed, hostsBlind = 50, 20

// joinCoverage adds up what two nodes cover. A host that both know counts
// twice, since they name only some; the time is that which both speak of.
func joinCoverage(a *intel.Coverage, b intel.Coverage) {
	if b.HostsKnown == 0 {
		return
	}
	if a.HostsKnown == 0 {
		*a = b
		return
	}
	if b.Since.After(a.Since) {
		a.Since = b.Since
	}
	if b.Until.Before(a.Until) {
		a.Until = b.Until
	}
	known := a.HostsKnown + b.HostsKnown
	a.Share = (a.Share*float64(a.HostsKnown) + b.Share*float64(b.HostsKnown)) / float64(known)
	a.HostsKnown, a.HostsCovered = known, a.HostsCovered+b.HostsCovered
	a.Sources = append(a.Sources, b.Sources...)
	a.Sources = a.Sources[:min(len(a.Sources), sourcesNamed)]
	a.Blind = append(a.Blind, b.Blind...)
	a.Blind = a.Blind[:min(len(a.Blind), hostsBlind)]
}

// judge decides what was not seen by any node. Of the hosts that they know
// together, which are at least as many as the one knows that knows most, at most
// those are uncovered that some node does not cover: the rule of one node, on
// the safe side.
func (j *joined) judge(i int) {
	a, r := &j.all.Answers[i], j.rests[i]
	if a.Verdict == intel.Seen {
		return
	}
	a.Verdict = intel.Unknown
	switch {
	case j.missing != "":
		a.Reason = j.missing
	case r.doubt != "":
		a.Reason = r.doubt
	case !r.watching:
		a.Reason = cmp.Or(a.Reason, "no worker remembers anything yet")
	case r.uncovered*100 > r.known*(100-coverage.HostPercent):
		a.Reason = fmt.Sprintf("the workers do not cover %d hosts between them", r.uncovered)
	default:
		a.Verdict, a.Reason = intel.NotSeen, ""
	}
}
