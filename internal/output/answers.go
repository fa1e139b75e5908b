package output

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/memory"
)

// WriteAnswersJSONL writes one answer a line. The form is stable: keys are
// added, never renamed or removed.
func WriteAnswersJSONL(w io.Writer, answers []memory.Answer) error {
	to := bufio.NewWriter(w)
	lines := json.NewEncoder(to)
	for i := range answers {
		if err := lines.Encode(&answers[i]); err != nil {
			return err
		}
	}
	return to.Flush()
}

// verdicts are what a person reads, the gravest first.
var verdicts = [...]struct {
	verdict intel.Verdict
	says    string
}{{intel.Seen, "SEEN"}, {intel.Unknown, "UNKNOWN"}, {intel.NotSeen, "NOT SEEN"}}

// WriteAnswers writes answers for a person, by verdict: what was seen first.
func WriteAnswers(w io.Writer, answers []memory.Answer, t Terminal) error {
	tab := newTable(w, NewOverview(), t)
	for _, v := range verdicts {
		var group []*memory.Answer
		for i := range answers {
			if answers[i].Verdict == v.verdict {
				group = append(group, &answers[i])
			}
		}
		if len(group) == 0 {
			continue
		}
		_, _ = tab.w.WriteString(tab.style.bold(v.says) + tab.style.dim("  "+Count(len(group), "question", "questions")) + "\n")
		for _, a := range group {
			tab.answer(a)
		}
		_, _ = tab.w.WriteString("\n")
	}
	return tab.w.Flush()
}

func (t *table) answer(a *memory.Answer) {
	head := Plain(a.Question)
	if a.Kind != "" {
		head += "  " + t.style.dim(a.Kind)
	}
	_, _ = t.w.WriteString("  " + head + "\n")
	for _, line := range answerLines(a) {
		t.paragraph("    ", line)
	}
	for i := range a.Examples {
		t.event(&a.Examples[i])
	}
}

// answerLines says in words what was seen, and why no more can be said.
func answerLines(a *memory.Answer) []string {
	var lines []string
	if a.Count > 0 {
		text := Count(a.Count, "time", "times")
		if a.Estimated {
			text = "about " + text
		}
		if a.First != nil {
			text += ", " + span(*a.First, *a.Last) + " UTC"
		}
		lines = append(lines, text+onHosts(a)+".")
	}
	if a.Undated > 0 {
		lines = append(lines, Count(a.Undated, "time", "times")+" without a time that could be believed.")
	}
	if len(a.Seen) > 0 && (len(a.Seen) > 1 || a.Seen[0] != a.Value) {
		lines = append(lines, "Seen: "+listed(a.Seen, len(a.Seen))+".")
	}
	if a.Reason != "" {
		lines = append(lines, Plain(a.Reason))
	}
	return lines
}

func onHosts(a *memory.Answer) string {
	if a.HostCount == 0 {
		return ""
	}
	text := ", on " + Count(a.HostCount, "host", "hosts")
	if a.HostsEstimated {
		text = ", on about " + Count(a.HostCount, "host", "hosts")
	}
	return text + ": " + listed(a.Hosts, int(a.HostCount))
}

func (t *table) event(e *memory.Example) {
	at := "no time"
	if e.Time != nil {
		at = e.Time.UTC().Format(time.DateTime)
	}
	parts := []string{at, Plain(e.Host), Plain(e.Source) + ":" + strconv.FormatUint(e.Record, 10)}
	t.paragraph("    · ", strings.Join(parts, "  "))
}
