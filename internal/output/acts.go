package output

import (
	"io"
	"time"

	"tocsin/memory"
)

// WriteHolds writes for a person what cases hold.
func WriteHolds(w io.Writer, holds []memory.Hold, t Terminal) error {
	tab := newTable(w, NewOverview(), t)
	if len(holds) == 0 {
		tab.paragraph("", "Nothing is held.")
	}
	for i := range holds {
		h := &holds[i]
		head := Plain(h.Case)
		if !h.At.IsZero() { // else the ledger alone knows of it
			head += "  " + tab.style.dim("since "+h.At.UTC().Format(time.DateTime)+" UTC, by "+Plain(h.By))
		}
		_, _ = tab.w.WriteString(head + "\n") // Flush tells
		if h.Reason != "" {
			tab.paragraph("  ", Plain(h.Reason))
		}
		for _, o := range h.Observables {
			tab.paragraph("  ", o.Kind.String()+"  "+Plain(o.Value))
		}
		if h.Events != nil {
			tab.paragraph("  ", selected(h.Events))
		}
	}
	return tab.w.Flush()
}

// selected says in words which events are held.
func selected(s *memory.Selection) string {
	text := "all events"
	if len(s.Hosts) > 0 {
		text += " on " + listed(s.Hosts, len(s.Hosts))
	}
	if len(s.Sources) > 0 {
		text += " from " + listed(s.Sources, len(s.Sources))
	}
	if !s.Since.IsZero() {
		text += " since " + s.Since.UTC().Format(time.DateTime)
	}
	if !s.Until.IsZero() {
		text += " until " + s.Until.UTC().Format(time.DateTime)
	}
	return text
}

// WriteErased writes for a person what was erased just now, or would be.
func WriteErased(w io.Writer, a *memory.Act, dry bool, t Terminal) error {
	tab := newTable(w, NewOverview(), t)
	text := capital(a.What) + ": "
	if dry {
		text = "Nothing was changed. Would be " + a.What + ": "
	}
	tab.paragraph("", text+removedText(&a.Removed)+".")
	if a.JournalGivenBack {
		tab.paragraph("", "The journal holds nothing any more of what came before.")
	}
	for _, where := range a.Kept {
		tab.paragraph("", where)
	}
	return tab.w.Flush()
}

func removedText(r *memory.Removed) string {
	text := Count(r.Observables, "observable", "observables") + ", and values in " + Count(r.Events, "event", "events") + " of " + Count(r.Segments, "segment", "segments")
	if r.HeldObservables > 0 || r.HeldEvents > 0 {
		text += "; held for cases, and left: " + Count(r.HeldObservables, "observable", "observables") + ", " + Count(r.HeldEvents, "event", "events")
	}
	return text
}

// WriteActs writes for a person what was erased, held and released.
func WriteActs(w io.Writer, acts []memory.Act, t Terminal) error {
	tab := newTable(w, NewOverview(), t)
	if len(acts) == 0 {
		tab.paragraph("", "Nothing was erased, and nothing was ever held.")
	}
	for i := range acts {
		a := &acts[i]
		tab.paragraph("", a.At.UTC().Format(time.DateTime)+" UTC  "+Plain(a.By)+"  "+actText(a))
		if a.Reason != "" {
			tab.paragraph("    ", Plain(a.Reason))
		}
		if a.Case != "" {
			continue
		}
		tab.paragraph("    ", capital(removedText(&a.Removed))+".")
		switch {
		case a.Failed != "":
			tab.paragraph("    ", "Not all was done: "+Plain(a.Failed)+". It may be asked for again.")
		case a.Finished.IsZero():
			tab.paragraph("    ", "It was broken off, and may be asked for again.")
		}
	}
	return tab.w.Flush()
}

func actText(a *memory.Act) string {
	if a.Case != "" {
		return a.What + " for case " + Plain(a.Case)
	}
	text := a.What + " " + a.Kind.String()
	if len(a.Values) > 0 {
		text += ", " + Count(len(a.Values), "single value", "single values")
	}
	return text + ", last seen before " + a.Before.Format(time.DateOnly)
}
