package alliance

import (
	"strconv"
	"strings"
)

// ReasonLater is why nothing can be told of a question whose answer is still being
// looked for.
const ReasonLater = "the archive is still being gone through"

// maxNumbers bounds the questions that a text of ranges names: as many as may be
// asked at once.
const maxNumbers = 1_100_000

// Numbers reads the numbers of questions, as Ranges writes them. What is none is
// passed over.
func Numbers(text string) []int {
	var all []int
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		if err != nil || first < 0 {
			continue
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(to); err != nil {
				continue
			}
		}
		for n := first; n <= last && len(all) < maxNumbers; n++ {
			all = append(all, n)
		}
	}
	return all
}

// Ranges writes rising numbers of questions, as 0-17,19.
func Ranges(numbers []int) string {
	var b strings.Builder
	for i := 0; i < len(numbers); {
		end := i
		for end+1 < len(numbers) && numbers[end+1] == numbers[end]+1 {
			end++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(numbers[i]))
		if end > i {
			b.WriteString("-" + strconv.Itoa(numbers[end]))
		}
		i = end + 1
	}
	return b.String()
}

// Conclude draws the verdict of the whole from the answers to the questions: the
// gravest, why it is no better, and all that was seen.
func (a *Answer) Conclude() {
	hosts := a.Hosts
	a.Sightings, a.Verdict, a.Reason = Sightings{}, "", ""
	for i := range a.Hits {
		h := &a.Hits[i]
		a.Verdict = Gravest(a.Verdict, h.Verdict)
		hosts = max(hosts, h.Hosts)
		a.Join(h.Sightings)
	}
	if len(a.Hits) > 0 {
		a.Hosts = hosts
	}
	for i := range a.Rest {
		a.Verdict = Gravest(a.Verdict, a.Rest[i].Verdict)
	}
	if a.Verdict == "" {
		a.Verdict, a.Reason = CannotTell, "the warning asks nothing that can be looked for"
	}
	for i := range a.Rest {
		if g := &a.Rest[i]; a.Verdict == CannotTell && g.Verdict == CannotTell && a.Reason == "" {
			a.Reason = g.Reason
		}
	}
}
