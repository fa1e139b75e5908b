package output

import (
	"io"

	"tocsin/node"
)

// WriteMemory writes in plain words what a node remembers.
func WriteMemory(w io.Writer, s *node.Stats, t Terminal) error {
	tab := newTable(w, NewOverview(), t)
	tab.paragraph("", "Observables: about "+number(s.Ledger.Entries)+" remembered of "+Count(s.Ledger.Hosts, "host", "hosts")+", "+byteSize(s.Ledger.DiskBytes)+" on disk.")
	a := &s.Archive
	text := "Events: " + number(a.Events+a.Waiting) + " kept in " + Count(a.Segments, "segment", "segments") + ", " + byteSize(uint64(a.Bytes)) + " on disk"
	if !a.Oldest.IsZero() {
		text += ", " + span(a.Oldest, a.Newest) + " UTC"
	}
	tab.paragraph("", text+".")
	tab.paragraph("", "Journal: "+byteSize(uint64(s.JournalBytes))+", "+Count(s.Waiting, "entry waits", "entries wait")+" to be remembered.")
	if len(s.Ledger.Cases) > 0 {
		tab.paragraph("", "Held for cases: "+listed(s.Ledger.Cases, len(s.Ledger.Cases))+".")
	}
	if len(s.Ledger.Damaged) > 0 {
		tab.paragraph("", "Damaged files: "+listed(s.Ledger.Damaged, len(s.Ledger.Damaged))+".")
	}
	if len(s.Workers) > 0 {
		var names []string
		for _, w := range s.Workers {
			names = append(names, w.Worker)
		}
		tab.paragraph("", "Added up over the workers "+listed(names, len(names))+".")
	}
	for _, note := range s.Partial {
		tab.paragraph("", "PARTIAL: "+Plain(note)+".")
	}
	tab.title("Sources")
	for _, source := range s.Ledger.Sources {
		line := Plain(source.Source) + ": " + Count(source.Seen, "sighting", "sightings")
		if source.Undated > 0 {
			line += ", " + number(source.Undated) + " without a time that could be believed"
		}
		if source.Refused > 0 {
			line += ", " + number(source.Refused) + " refused: too many new observables on one day"
		}
		tab.paragraph("  ", line)
	}
	if len(a.Partitions) > 0 {
		tab.title("Events by log source")
	}
	for _, p := range a.Partitions {
		name := p.Source
		if name == "" {
			name = "several"
		}
		tab.paragraph("  ", Plain(name)+": "+Count(p.Events, "event", "events")+", "+byteSize(uint64(p.Bytes)))
	}
	return tab.w.Flush()
}
