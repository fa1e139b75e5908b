package node

import (
	"bytes"
	"fmt"
	"strings"

	"tocsin/detect/sigma"
	"tocsin/exchange/stix"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
	"tocsin/memory"
)

// Term reads one thing that a person asks about: an observable as people paste
// them, or "kind:value" for the kinds that cannot be told by their looks, as in
// "mutex:Global\MsWinZonesCacheCounterMutexA". What is neither is
// fault.Invalid.
func Term(text string) (memory.Question, error) {
	if name, value, ok := strings.Cut(text, ":"); ok {
		var kind intel.ObservableKind
		if kind.UnmarshalText([]byte(name)) == nil {
			o, err := observable.Parse(kind, value)
			if err != nil {
				return memory.Question{}, fmt.Errorf("%w: %w", err, fault.Invalid)
			}
			return memory.Question{Text: text, Observable: o}, nil
		}
	}
	o, ok := observable.Guess(text)
	if !ok {
		return memory.Question{}, fmt.Errorf("%q is no observable: write its kind before it, as in service:mssecsvc2.0, or give a file by -f: %w", text, fault.Invalid)
	}
	return memory.Question{Text: text, Observable: o}, nil
}

// Questions reads what is asked from a file: Sigma rules, a STIX bundle, a list
// of terms, or a report in which observables are found. Left says of what in it
// no question could be made, and why. A file of which no question can be made
// is fault.Invalid.
func Questions(name string, content []byte) (questions []memory.Question, left []string, err error) {
	switch {
	case stix.Recognise(content):
		questions, left, err = bundleQuestions(content)
	case looksRule(content):
		questions, left, err = ruleQuestions(name, content)
	default:
		questions = textQuestions(content)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(questions) == 0 {
		return nil, left, fmt.Errorf("%s: no observable and no rule in it: %w", name, fault.Invalid)
	}
	return different(questions), left, nil
}

// bundleQuestions asks for what the indicators of a STIX bundle name.
func bundleQuestions(content []byte) (questions []memory.Question, left []string, err error) {
	err = stix.Indicators(bytes.NewReader(content), intel.Origin{}, func(in *intel.Indicator) {
		questions = append(questions, memory.Question{Text: in.Value, Observable: in.Observable})
	}, func(path, reason string) { left = append(left, path+": "+reason) })
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", err, fault.Invalid)
	}
	return questions, left, nil
}

// looksRule reports whether a file holds Sigma rules.
func looksRule(content []byte) bool {
	has := func(key string) bool {
		return bytes.HasPrefix(content, []byte(key)) || bytes.Contains(content, []byte("\n"+key))
	}
	return has("logsource:") && has("detection:")
}

func ruleQuestions(name string, content []byte) (questions []memory.Question, left []string, err error) {
	for document := range bytes.SplitSeq(content, []byte("\n---")) {
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		file, err := sigma.Parse(name, document)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", err, fault.Invalid)
		}
		for _, rule := range file.Rules {
			questions = append(questions, memory.Question{Text: rule.Title, Rule: string(document)})
		}
		if n := len(file.Correlations) + len(file.Filters); n > 0 {
			left = append(left, fmt.Sprintf("%s: correlations and filters are not hunted: %d left out", name, n))
		}
	}
	return questions, left, nil
}

// textQuestions takes each line as a term where it is one, and finds the
// observables of those that are not. What stands behind '#' in a list is a
// comment.
func textQuestions(content []byte) []memory.Question {
	var questions []memory.Question
	for line := range bytes.Lines(content) {
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if q, err := Term(text); err == nil {
			questions = append(questions, q)
			continue
		}
		observable.Find([]byte(text), func(o intel.Observable, start, end int) {
			questions = append(questions, memory.Question{Text: text[start:end], Observable: o})
		})
	}
	return questions
}

// different leaves each question once, in the order asked.
func different(questions []memory.Question) []memory.Question {
	type key struct {
		intel.Observable
		rule string
	}
	seen := map[key]bool{}
	var list []memory.Question
	for _, q := range questions {
		k := key{q.Observable, q.Rule}
		if !seen[k] {
			seen[k] = true
			list = append(list, q)
		}
	}
	return list
}
