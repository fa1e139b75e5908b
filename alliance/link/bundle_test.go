package link_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

func (n *node) export(t *testing.T, to *node, since int64) []byte {
	t.Helper()
	var file bytes.Buffer
	if _, err := n.links.Export(t.Context(), to.id, &file, since); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func (n *node) imports(t *testing.T, file []byte) link.Imported {
	t.Helper()
	done, err := n.links.Import(t.Context(), bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// Two nodes that have no connection send each other files.
func TestFilesDoWhatACarrierDoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{}
		w.tweak = func(c *link.Config) { c.Carrier = nil }
		hub, member, other := w.add(t, db), w.add(t, fresh(t)), w.add(t, fresh(t))
		messages := []*envelope.Envelope{hub.seal(t, "small"), hub.seal(t, large(2*envelope.ChunkSize+5)), hub.seal(t, "refuse me")}
		var ids []string
		for _, e := range messages {
			h, _ := e.Open()
			ids = append(ids, h.ID)
			hub.send(t, e, member.id)
		}
		if got := hub.why(t, ids[0], member.id); !strings.Contains(got, "export it as a file") {
			t.Errorf("why: %s", got)
		}
		file := hub.export(t, member, -1)
		if got := hub.state(t, ids[0], member.id).State; got != link.Sent {
			t.Errorf("after the export it is %s", got)
		}
		for range 2 { // the second time changes nothing
			if got := member.imports(t, file); got.Frames != 3 || got.Accepted != 2 || got.Position != 3 || got.From != hub.id {
				t.Errorf("imported: %+v", got)
			}
		}
		if got := strings.Join(member.diaryOf(t, hub.id), ", "); got != "small, 524293 bytes" {
			t.Errorf("handled: %s", got)
		}
		member.send(t, member.seal(t, "an answer"), hub.id)
		hub.imports(t, member.export(t, hub, -1))
		eventually(t, "the receipts are written down", func() bool { return hub.health(t, member.id).Out.Backlog == 0 })
		if got := hub.state(t, ids[1], member.id).State + " " + hub.state(t, ids[2], member.id).State; got != "received refused" {
			t.Errorf("states: %s", got)
		}
		if got := hub.diaryOf(t, member.id); len(got) != 1 {
			t.Errorf("handled at the hub: %q", got)
		}
		if _, err := other.links.Import(t.Context(), bytes.NewReader(file)); !refusedAs(err, envelope.WrongAudience) {
			t.Errorf("another node took it: %v", err)
		}
		for i := 0; i < len(file); i += 1 + len(file)/40 {
			changed := bytes.Clone(file)
			changed[i] ^= 1
			if _, err := member.links.Import(t.Context(), bytes.NewReader(changed)); err == nil {
				t.Errorf("changed at %d it was taken", i)
			}
			if _, err := member.links.Import(t.Context(), bytes.NewReader(file[:i])); !errors.Is(err, fault.Invalid) {
				t.Errorf("cut at %d: %v", i, err)
			}
		}
	}, link.Room(), diary())
}

func refusedAs(err error, reason envelope.Reason) bool {
	r, ok := envelope.RefusalOf(err)
	return ok && r.Reason == reason
}

// What is not confirmed when files come in the wrong order waits for what is missing.
func TestAFileThatIsMissingIsNoticed(t *testing.T) {
	t.Parallel()
	w := &world{}
	w.tweak = func(c *link.Config) { c.Carrier = nil }
	hub, member := w.add(t, fresh(t)), w.add(t, fresh(t))
	hub.send(t, hub.seal(t, "a"), member.id)
	first := hub.export(t, member, -1)
	hub.send(t, hub.seal(t, "b"), member.id)
	second := hub.export(t, member, 1)
	member.imports(t, second)
	if got := member.diaryOf(t, hub.id); len(got) != 0 {
		t.Errorf("handled: %q", got)
	}
	member.imports(t, first)
	eventually(t, "both are handled", func() bool { return strings.Join(member.diaryOf(t, hub.id), " ") == "a b" })
}
