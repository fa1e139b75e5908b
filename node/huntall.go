package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
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

// part is what one node says to a question that was put to all: its answers
// without a verdict, their reason being what could not be searched, and what the
// verdict rests on there.
type part struct {
	Hunted
	Presence []byte `json:"presence"` // by coverage.Gather
}

// AnswerHunt answers a hunt of HuntAll that runs on another node.
func (n *Node) AnswerHunt(ctx context.Context, question []byte) ([]byte, error) {
	var h Hunt
	if err := json.Unmarshal(question, &h); err != nil {
		return nil, fmt.Errorf("hunt: %w: %w", err, fault.Invalid)
	}
	hunt, err := n.search(ctx, h)
	if err != nil {
		return nil, err
	}
	told := part{Hunted: Hunted{Answers: hunt.answers, Partial: hunt.partial}}
	from, to := coverage.Window(h.Since, h.Until, time.Now())
	if told.Presence, err = coverage.Gather(ctx, n.memory.Ledger, from, to); err != nil {
		return nil, err
	}
	return json.Marshal(told)
}

// HuntAll asks every node that shares the work, joins what they say and gives
// one verdict on what they watched together. A node that says nothing, and what
// no node has yet, make the answers partial and "not seen" unknown. The error is
// fault.Invalid for a question that cannot be asked, and fault.Unavailable when
// nobody answers.
func HuntAll(ctx context.Context, h Hunt, ask AskAll) (Hunted, error) {
	if err := h.check(); err != nil {
		return Hunted{}, err
	}
	rules, err := coverage.Load()
	if err != nil {
		return Hunted{}, err
	}
	j := &joined{Hunt: &h, sources: map[int]intel.LogSource{}}
	for i, q := range h.Questions {
		if q.Rule != "" {
			rule, err := huntedRule(q)
			if err != nil {
				return Hunted{}, err
			}
			j.sources[i] = rule.LogSource
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
	return j.join(ctx, rules, told, late)
}

// joined is the answers of several nodes becoming one.
type joined struct {
	*Hunt
	sources map[int]intel.LogSource // of the rules, by question
	all     Hunted
	memory  coverage.Joined
	missing string // what is in no answer
}

func (j *joined) join(ctx context.Context, rules *coverage.Rules, told []Told, late string) (Hunted, error) {
	if late != "" {
		j.miss(late)
	}
	for _, t := range told {
		j.add(t)
	}
	if len(j.memory) == 0 {
		return Hunted{}, fmt.Errorf("hunt: %s: %w", cmp.Or(j.missing, "nobody was there to be asked"), fault.Unavailable)
	}
	if j.missing != "" {
		for i := range j.all.Answers {
			j.all.Answers[i].Reason = j.missing
		}
	}
	return j.all, judge(ctx, rules, j.memory, j.Hunt, j.sources, j.all.Answers)
}

func (j *joined) add(t Told) {
	told, presence, err := j.read(t)
	if err != nil {
		j.miss(fmt.Sprintf("worker %s did not answer (%v): what it remembers is missing", t.Node, err))
		return
	}
	for _, note := range told.Partial {
		j.all.Partial = append(j.all.Partial, "worker "+t.Node+": "+note)
	}
	for i := range told.Answers {
		if a := &told.Answers[i]; a.Reason != "" {
			a.Reason = "worker " + t.Node + ": " + a.Reason
		}
	}
	j.memory = append(j.memory, presence)
	if len(j.memory) == 1 {
		j.all.Answers = told.Answers
		return
	}
	for i := range told.Answers {
		a := &j.all.Answers[i]
		a.Join(&told.Answers[i])
		a.Seen = distinct(a.Seen)
		a.Examples = a.Examples[:min(len(a.Examples), j.Examples)]
	}
}

// read reads what a node says.
func (j *joined) read(t Told) (told part, presence *coverage.Gathered, err error) {
	if t.Err != nil {
		return told, nil, t.Err
	}
	if err := json.Unmarshal(t.Answer, &told); err != nil {
		return told, nil, err
	}
	if len(told.Answers) != len(j.Questions) {
		return told, nil, errors.New("it answers another question")
	}
	if len(told.Presence) == 0 {
		return told, nil, errors.New("it does not say what it watched: it is of an older version")
	}
	presence, err = coverage.ReadGathered(told.Presence)
	return told, presence, err
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
