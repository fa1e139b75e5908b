package memory

import (
	"context"
	"time"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/memory/ledger"
)

// Recall asks the ledger what it remembers of observables between two times,
// either of which may be zero. The questions must not be ByArchive; the end of one
// that has an own counts as the whole day it falls on. The answers have no verdict
// yet.
func (m *Memory) Recall(ctx context.Context, questions []Question, since, until time.Time) ([]Answer, error) {
	var asked []ledger.Question
	var of []int // the question that each is asked for
	for i, q := range questions {
		for _, o := range Spellings(q.Observable) {
			below := o.Kind == intel.IPRange || o.Kind == intel.Domain && q.Match != intel.MatchExactly
			asked = append(asked, ledger.Question{Observable: o, Below: below, Since: since, Until: earlier(until, q.Until)})
			of = append(of, i)
		}
	}
	remembered, err := m.Ledger.Ask(ctx, asked)
	if err != nil {
		return nil, err
	}
	answers := make([]Answer, len(questions))
	for i, q := range questions {
		answers[i] = Answer{Question: q.Text, Kind: q.Kind(), Value: q.Observable.Value, Hosts: []string{}}
	}
	for i := range remembered {
		one := answerOf(&asked[i], &remembered[i])
		answers[of[i]].Join(&one)
	}
	return answers, nil
}

// earlier returns the earlier of two ends, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Spellings returns the observables under which the one asked about may be
// remembered: 32 hexadecimal digits do not say whose they are, and a list of
// URLs may not name the scheme.
func Spellings(o intel.Observable) []intel.Observable {
	all := []intel.Observable{o}
	also := func(kinds ...intel.ObservableKind) {
		for _, k := range kinds {
			all = append(all, intel.Observable{Kind: k, Value: o.Value})
		}
	}
	switch o.Kind {
	case intel.MD5:
		also(intel.ImpHash, intel.JA3)
	case intel.SHA1, intel.SHA256:
		also(intel.Certificate)
	case intel.URL:
		if string(observable.WithoutScheme([]byte(o.Value))) == o.Value {
			for _, scheme := range [...]string{"http:", "https:"} {
				all = append(all, intel.Observable{Kind: intel.URL, Value: scheme + o.Value})
			}
		}
	}
	return all
}

func answerOf(q *ledger.Question, a *ledger.Answer) Answer {
	answer := Answer{Undated: a.Undated, Reason: a.Problem}
	if !a.Seen {
		return answer
	}
	answer.Count, answer.Estimated = a.Count, !a.Whole
	answer.Hosts, answer.HostCount, answer.HostsEstimated = a.Hosts, a.HostCount, a.HostsEstimated
	if !a.First.IsZero() {
		answer.First, answer.Last = &a.First, &a.Last
	}
	if q.Below {
		for _, o := range a.Examples {
			answer.Seen = append(answer.Seen, o.Value)
		}
	}
	return answer
}
