package alliance

// ReasonLater is why nothing can be told of a question whose answer is still being
// looked for.
const ReasonLater = "the archive is still being gone through"

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
