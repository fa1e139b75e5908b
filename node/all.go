package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/fault"
)

// AskNodes puts a question to all nodes that share the work and returns what each
// says.
type AskNodes func(ctx context.Context, question []byte) ([]Told, error)

// Silence is which of the nodes that share the work did not answer: what is told
// then is partial.
type Silence struct {
	Silent []string `json:"silent,omitempty"`
	// Partial says why, a sentence each.
	Partial []string `json:"partial,omitempty"`
}

func (s *Silence) add(node string, why error) {
	s.Silent = append(s.Silent, node)
	s.Partial = append(s.Partial, fmt.Sprintf("worker %s did not answer (%v): what it has is missing", node, why))
}

// errNobody is the answer when nobody answers.
func (s *Silence) errNobody() error {
	if len(s.Partial) == 0 {
		return fmt.Errorf("there is no worker yet that could be asked: %w", fault.Unavailable)
	}
	return fmt.Errorf("no worker answers: %s: %w", strings.Join(s.Partial, "; "), fault.Unavailable)
}

// hear decodes what each node says for take. The error is fault.Unavailable when
// nobody says anything.
func hear[T any](told []Told, take func(node string, said *T)) (Silence, error) {
	var s Silence
	heard := false
	for i := range told {
		var said T
		err := told[i].Err
		if err == nil {
			err = json.Unmarshal(told[i].Answer, &said)
		}
		if err != nil {
			s.add(told[i].Node, err)
			continue
		}
		heard = true
		take(told[i].Node, &said)
	}
	if !heard {
		return s, s.errNobody()
	}
	return s, nil
}

// State is what a node tells the others of itself.
type State struct {
	Worker string `json:"worker"`
	Memory Stats  `json:"memory"`
	// Sources are as the intake tells them.
	Sources json.RawMessage `json:"sources,omitempty"`
}

// AnswerState answers StatesOfAll, with what sources returns.
func (n *Node) AnswerState(sources func() any) func(context.Context, []byte) ([]byte, error) {
	return func(context.Context, []byte) ([]byte, error) {
		memory, err := n.Stats()
		if err != nil {
			return nil, err
		}
		known, err := json.Marshal(sources())
		if err != nil {
			return nil, err
		}
		return json.Marshal(State{Memory: memory, Sources: known})
	}
}

// StatesOfAll asks all nodes that share the work how they are, by name.
func StatesOfAll(ctx context.Context, ask AskNodes) (states []State, s Silence, err error) {
	told, err := ask(ctx, nil)
	if err != nil {
		return nil, s, err
	}
	s, err = hear(told, func(node string, said *State) {
		said.Worker = node
		states = append(states, *said)
	})
	slices.SortFunc(states, func(a, b State) int { return strings.Compare(a.Worker, b.Worker) })
	return states, s, err
}

// JoinStats adds up what several nodes remember, and names each. What more than
// one remembers, such as a host, counts as often.
func JoinStats(states []State, s Silence) Stats {
	all := Stats{Silence: s}
	for i := range states {
		m := &states[i].Memory
		all.JournalBytes += m.JournalBytes
		all.Waiting += m.Waiting
		all.Ledger.Join(&m.Ledger, "worker "+states[i].Worker+": ")
		all.Archive.Join(&m.Archive)
		all.Workers = append(all.Workers, WorkerStats{states[i].Worker, *m})
	}
	return all
}

// foundBytes is how much of its findings a node tells at once.
const foundBytes = 1 << 20

// foundQuestion asks for findings, and found tells them.
type (
	foundQuestion struct {
		After map[string]uint64 `json:"after"` // by node
	}
	found struct {
		Position uint64 `json:"position"`
		Lines    []byte `json:"lines"`
	}
)

// AnswerFindings answers FindingsOfAll for the node of that name.
func (n *Node) AnswerFindings(name string) func(context.Context, []byte) ([]byte, error) {
	return func(_ context.Context, question []byte) ([]byte, error) {
		var q foundQuestion
		if err := json.Unmarshal(question, &q); err != nil {
			return nil, fmt.Errorf("findings: %w: %w", err, fault.Invalid)
		}
		said := found{Position: q.After[name]}
		err := n.Findings(said.Position, func(position uint64, findings []byte) bool {
			said.Position = position
			said.Lines = append(said.Lines, findings...)
			return len(said.Lines) < foundBytes
		})
		if err != nil {
			return nil, err
		}
		return json.Marshal(said)
	}
}

// Found is findings of several nodes, lines of JSON that each begin with the name
// of the node ("worker"), and the position after them.
type Found struct {
	Position string
	Lines    []byte
	Silence
}

// FindingsOfAll asks all nodes that share the work for what they found after a
// position, which is that of an earlier Found or empty: before the oldest. What a
// node that is silent found is told once it answers. The error is fault.Invalid
// for what is no position.
func FindingsOfAll(ctx context.Context, after string, ask AskNodes) (Found, error) {
	positions, err := parsePositions(after)
	if err != nil {
		return Found{}, err
	}
	question, err := json.Marshal(foundQuestion{positions})
	if err != nil {
		return Found{}, err
	}
	told, err := ask(ctx, question)
	if err != nil {
		return Found{}, err
	}
	var all Found
	all.Silence, err = hear(told, func(node string, said *found) {
		positions[node] = said.Position
		all.Lines = appendNamed(all.Lines, node, said.Lines)
	})
	all.Position = formatPositions(positions)
	return all, err
}

// appendNamed appends lines of JSON objects with the name of the node before
// what else they hold.
func appendNamed(to []byte, node string, lines []byte) []byte {
	for line := range strings.Lines(string(lines)) {
		rest, isObject := strings.CutPrefix(line, "{")
		if !isObject {
			to = append(to, line...)
			continue
		}
		to = strconv.AppendQuote(append(to, `{"worker":`...), node)
		if !strings.HasPrefix(rest, "}") {
			to = append(to, ',')
		}
		to = append(to, rest...)
	}
	return to
}

// A position among the findings of several nodes is NAME:NUMBER of each, with
// commas, by name.

func formatPositions(positions map[string]uint64) string {
	var parts []string
	for node, n := range positions {
		parts = append(parts, node+":"+strconv.FormatUint(n, 10))
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

var errPosition = errors.New("it is no position that findings of several workers were told with")

func parsePositions(text string) (map[string]uint64, error) {
	positions := map[string]uint64{}
	if text == "" || text == "0" {
		return positions, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		node, number, _ := strings.Cut(part, ":")
		n, err := strconv.ParseUint(number, 10, 64)
		if _, twice := positions[node]; err != nil || node == "" || twice {
			return nil, fmt.Errorf("findings after %q: %w: %w", text, errPosition, fault.Invalid)
		}
		positions[node] = n
	}
	return positions, nil
}
