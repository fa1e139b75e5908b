package transparency_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/alliance"
	"tocsin/alliance/transparency"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

// member watches hubs.
type member struct {
	*transparency.Monitor
	db     *store.DB
	node   alliance.NodeID
	timers *timer.Timers
	now    time.Time
	told   []transparency.Alarm
}

func openMember(tb testing.TB, db *store.DB, name string) *member {
	tb.Helper()
	m := &member{db: db, now: start}
	m.node, _ = key(name)
	now := func() time.Time { return m.now }
	m.Monitor = transparency.NewMonitor(transparency.MonitorConfig{
		DB: db, Now: now,
		Keys: func(context.Context, *store.Tx, alliance.NodeID) ([]ed25519.PublicKey, error) {
			_, hub := key("hub")
			return []ed25519.PublicKey{public(hub)}, nil
		},
		Alarm: func(_ context.Context, _ *store.Tx, a transparency.Alarm) error {
			m.told = append(m.told, a)
			return nil
		},
	})
	m.timers = timer.New(db, m.Kinds(), timer.Config{Now: now})
	m.Join(m.timers)
	return m
}

func (m *member) tx(tb testing.TB, do func(ctx context.Context, tx *store.Tx) error) {
	tb.Helper()
	if err := m.db.Tx(tb.Context(), do); err != nil {
		tb.Fatal(err)
	}
}

// want asks the hub, and carries question and answer as they travel.
func (m *member) want(tb testing.TB, h *hub) []transparency.Shown {
	tb.Helper()
	var want transparency.Want
	m.tx(tb, func(ctx context.Context, tx *store.Tx) (err error) {
		want, err = m.Want(ctx, tx, h.node)
		return err
	})
	return m.wantOf(tb, h, carried(tb, want))
}

func carried[T any](tb testing.TB, value T) T {
	tb.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	var arrived T
	if err := json.Unmarshal(text, &arrived); err != nil {
		tb.Fatal(err)
	}
	return arrived
}

func (m *member) see(tb testing.TB, hub alliance.NodeID, shown []transparency.Shown) {
	tb.Helper()
	m.tx(tb, func(ctx context.Context, tx *store.Tx) error { return m.See(ctx, tx, hub, shown) })
}

// meet is one exchange with a hub that hands out what it has.
func (m *member) meet(tb testing.TB, h *hub) {
	tb.Helper()
	h.checkpoint(tb)
	m.see(tb, h.node, m.want(tb, h))
}

func (m *member) received(tb testing.TB, h *hub, kind transparency.Kind, texts ...string) {
	tb.Helper()
	m.tx(tb, func(ctx context.Context, tx *store.Tx) error {
		for _, text := range texts {
			if err := m.Received(ctx, tx, h.node, kind, digest(text)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *member) heard(tb testing.TB, h *hub, from *member) {
	tb.Helper()
	c, err := from.Verified(tb.Context(), h.node)
	if err != nil {
		tb.Fatal(err)
	}
	m.tx(tb, func(ctx context.Context, tx *store.Tx) error {
		return m.Heard(ctx, tx, h.node, string(from.node), c.Note)
	})
}

// later lets time pass and what is due happen.
func (m *member) later(tb testing.TB, by time.Duration) {
	tb.Helper()
	m.now = m.now.Add(by)
	if err := m.timers.Settle(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func (m *member) verified(tb testing.TB, h *hub) transparency.Checkpoint {
	tb.Helper()
	c, err := m.Verified(tb.Context(), h.node)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (m *member) wantAlarms(tb testing.TB, want ...transparency.AlarmKind) {
	tb.Helper()
	var got []transparency.AlarmKind
	for _, a := range m.told {
		got = append(got, a.Kind)
	}
	if !slices.Equal(got, want) {
		tb.Fatalf("alarms %v, want %v", got, want)
	}
	kept, err := m.Alarms(tb.Context(), 100)
	if err != nil || len(kept) != len(want) {
		tb.Fatalf("%d alarms kept, %v; want %d", len(kept), err, len(want))
	}
}

// scene is a hub and members, each with a database of its own.
func scene(t *testing.T, names ...string) (*hub, []*member) {
	t.Helper()
	var members []*member
	var nodes []alliance.NodeID
	for _, name := range names {
		m := openMember(t, storetest.Open(t, storetest.SQLite(t), rooms()...), name)
		members, nodes = append(members, m), append(nodes, m.node)
	}
	return anotherHub(t, nodes...), members
}

// anotherHub is the hub again, with another history.
func anotherHub(t *testing.T, members ...alliance.NodeID) *hub {
	t.Helper()
	return openHub(t, storetest.Open(t, storetest.SQLite(t), rooms()...), "hub", filepath.Join(t.TempDir(), "witness"), members...)
}

func TestAMemberSeesTheLogGrow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := openHub(t, db, "hub", filepath.Join(t.TempDir(), "witness"))
		m := openMember(t, db, "member") // a node may be both
		m.received(t, h, transparency.Warning, "w1")
		h.append(t, "w1")
		m.meet(t, h)
		h.append(t, numbered("w2 ", 30)...)
		m.received(t, h, transparency.Warning, "w2 7", "w2 29")
		m.meet(t, h)
		m.later(t, 2*time.Hour)
		m.wantAlarms(t)
		if c := m.verified(t, h); c.Size != 31 {
			t.Errorf("%d entries verified", c.Size)
		}
		watched, err := m.Watched(t.Context())
		if err != nil || len(watched) != 1 || watched[0].Waits != 0 {
			t.Errorf("got %+v, %v", watched, err)
		}
		s := h.state(t)
		if len(s.Witnesses) != 1 || s.Witnesses[0].Size != 1 || s.Witnesses[0].Member != m.node {
			t.Errorf("witnesses %+v", s.Witnesses)
		}
	}, rooms()...)
}

// A member that comes late gets a page at a time, and has what it waits for at once.
func TestALongLogComesInPages(t *testing.T) {
	t.Parallel()
	h, members := scene(t, "member")
	m := members[0]
	h.append(t, numbered("w", 1050)...)
	m.received(t, h, transparency.Warning, "w1049")
	for _, want := range []transparency.Watched{{Kept: 1000}, {Kept: 1050}, {Kept: 1050}} {
		m.meet(t, h)
		w, err := m.Watched(t.Context())
		if err != nil || w[0].Kept != want.Kept || w[0].Size != 1050 || w[0].Waits != 0 {
			t.Errorf("got %+v, %v; want %d kept", w, err, want.Kept)
		}
	}
	m.wantAlarms(t)
}

func TestWhatIsNotInTheLogIsAnAlarm(t *testing.T) {
	t.Parallel()
	h, members := scene(t, "member")
	m := members[0]
	h.append(t, "w")
	m.received(t, h, transparency.Warning, "w", "denied")
	m.meet(t, h)
	m.later(t, 59*time.Minute)
	m.wantAlarms(t)
	m.later(t, time.Minute)
	m.wantAlarms(t, transparency.NotShown)
	if a := m.told[0]; a.Envelope != digest("denied") || !strings.Contains(a.Text, "1h0m0s") {
		t.Errorf("got %+v", a)
	}
	m.received(t, h, transparency.Warning, "denied")
	m.later(t, 2*time.Hour)
	m.wantAlarms(t, transparency.NotShown)
}

func TestWhatIsInTheLogAsAnotherKindIsAnAlarm(t *testing.T) {
	t.Parallel()
	h, members := scene(t, "member")
	m := members[0]
	m.received(t, h, transparency.Recall, "w")
	h.append(t, "w")
	m.meet(t, h)
	m.wantAlarms(t, transparency.Misrecorded)
}

func TestTwoHistoriesAreProvedToAnybody(t *testing.T) {
	t.Parallel()
	_, hubKey := key("hub")
	for name, sizes := range map[string][2]int{"of one size": {4, 4}, "the other shorter": {6, 4}, "the other longer": {4, 6}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, members := scene(t, "a", "b")
			a, b := members[0], members[1]
			h.append(t, "common")
			a.meet(t, h)
			other := anotherHub(t)
			other.append(t, "common")
			h.append(t, numbered("one ", sizes[0]-1)...)
			other.append(t, numbered("two ", sizes[1]-1)...)
			a.meet(t, h)
			b.meet(t, other)
			before := a.verified(t, h)
			a.heard(t, h, b)
			if sizes[1] > sizes[0] { // settled once the first is as long
				a.wantAlarms(t)
				h.append(t, numbered("more ", 3)...)
				a.see(t, h.node, shownTo(t, a, h))
				before = h.checkpoint(t)
			}
			a.wantAlarms(t, transparency.TwoHistories)
			evidence := carried(t, a.told[0]).Evidence
			if evidence == nil {
				t.Fatal("no evidence")
			}
			if err := evidence.Check(public(hubKey)); err != nil {
				t.Error(err)
			}
			if c := a.verified(t, h); c != before {
				t.Errorf("verified is %+v, want %+v", c, before)
			}
			a.heard(t, h, b) // told again it is one alarm
			a.later(t, 2*time.Hour)
			a.wantAlarms(t, transparency.TwoHistories)
		})
	}
}

// shownTo is what a hub shows that does not look at what the member says it saw.
func shownTo(t *testing.T, m *member, h *hub) []transparency.Shown {
	t.Helper()
	h.checkpoint(t)
	return m.want(t, h)
}

func TestEvidenceOfNothingIsNone(t *testing.T) {
	t.Parallel()
	h, _ := scene(t)
	_, hubKey := key("hub")
	var notes []transparency.Checkpoint
	for i := range 5 {
		h.append(t, strconv.Itoa(i))
		notes = append(notes, h.checkpoint(t))
	}
	proof, err := h.Consistency(t.Context(), 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]transparency.Evidence{
		"the same twice":   {One: notes[2].Note, Other: notes[2].Note},
		"one log":          {One: notes[4].Note, Other: notes[2].Note, Root: notes[2].Root, Proof: proof},
		"another root":     {One: notes[4].Note, Other: notes[2].Note, Root: notes[1].Root, Proof: proof},
		"without proof":    {One: notes[4].Note, Other: notes[2].Note, Root: notes[1].Root},
		"the wrong way":    {One: notes[2].Note, Other: notes[4].Note, Root: notes[2].Root, Proof: proof},
		"not signed":       {One: strings.Replace(notes[4].Note, "\n5\n", "\n3\n", 1), Other: notes[2].Note},
		"nothing, at size": {},
	} {
		if err := e.Check(public(hubKey)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAForkShownToOneMemberIsNotAccepted(t *testing.T) {
	t.Parallel()
	h, members := scene(t, "member")
	m := members[0]
	h.append(t, "a", "b", "c")
	m.meet(t, h)
	before := m.verified(t, h)
	fork := anotherHub(t)
	fork.append(t, "a", "x", "y", "z")
	fork.checkpoint(t)
	m.see(t, h.node, m.wantOf(t, fork, transparency.Want{From: []transparency.Mark{{Origin: before.Origin, Size: before.Size}}}))
	m.wantAlarms(t, transparency.NotConsistent)
	if c := m.verified(t, h); c != before {
		t.Errorf("verified is %+v", c)
	}
	if len(m.told[0].Notes) != 2 {
		t.Errorf("notes %q", m.told[0].Notes)
	}
}

// wantOf asks a hub for something chosen.
func (m *member) wantOf(tb testing.TB, h *hub, want transparency.Want) (shown []transparency.Shown) {
	tb.Helper()
	err := h.db.Tx(tb.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		shown, err = h.Answer(ctx, tx, m.node, &want)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return carried(tb, shown)
}

func TestAlteredEntriesAreNotKept(t *testing.T) {
	t.Parallel()
	h, members := scene(t, "member")
	m := members[0]
	h.append(t, "a", "b")
	h.checkpoint(t)
	shown := m.want(t, h)
	shown[0].Entries[1] = strings.Replace(shown[0].Entries[1], "warning", "recall", 1)
	m.see(t, h.node, shown)
	m.wantAlarms(t, transparency.Altered)
	if w, err := m.Watched(t.Context()); err != nil || w[0].Kept != 0 {
		t.Errorf("got %+v, %v", w, err)
	}
	m.meet(t, h)
	if w, err := m.Watched(t.Context()); err != nil || w[0].Kept != 2 {
		t.Errorf("got %+v, %v", w, err)
	}
}

func TestWhatOthersSawMustBeConnected(t *testing.T) {
	t.Parallel()
	h, members := scene(t, "a", "b")
	a, b := members[0], members[1]
	h.append(t, "1")
	a.meet(t, h)
	h.append(t, "2")
	b.meet(t, h)
	a.heard(t, h, b)
	h.append(t, "3")
	a.meet(t, h) // the hub shows that it goes on from there
	a.later(t, 2*time.Hour)
	a.wantAlarms(t)

	fork := anotherHub(t)
	fork.append(t, numbered("x", 9)...)
	b2 := openMember(t, storetest.Open(t, storetest.SQLite(t), rooms()...), "b")
	b2.meet(t, fork)
	a.heard(t, h, b2)
	a.later(t, time.Hour)
	a.wantAlarms(t, transparency.NotSettled)
}

func TestANewLogIsSeen(t *testing.T) {
	t.Parallel()
	h, members := scene(t, "a")
	a := members[0]
	h.append(t, "1", "2")
	a.meet(t, h)
	a.received(t, h, transparency.Warning, "3")
	h.append(t, "3")
	h.checkpoint(t)
	if _, err := h.Anew(t.Context(), operator, "an exercise"); err != nil {
		t.Fatal(err)
	}
	h.append(t, "4")
	a.received(t, h, transparency.Warning, "4")
	a.meet(t, h)
	a.wantAlarms(t, transparency.NewLog)
	if !strings.Contains(a.told[0].Text, "covers all") {
		t.Error(a.told[0].Text)
	}
	a.later(t, 2*time.Hour)
	a.wantAlarms(t, transparency.NewLog)

	// One that forgets a part of what was seen.
	short := anotherHub(t)
	short.append(t, "1")
	short.checkpoint(t)
	if _, err := short.Anew(t.Context(), operator, "to hide something"); err != nil {
		t.Fatal(err)
	}
	b := openMember(t, storetest.Open(t, storetest.SQLite(t), rooms()...), "b")
	long := anotherHub(t)
	long.append(t, "1", "2")
	b.meet(t, long)
	b.see(t, h.node, b.wantOf(t, short, transparency.Want{}))
	b.wantAlarms(t, transparency.NewLog)
	if !strings.Contains(b.told[0].Text, "does not vouch for all") {
		t.Error(b.told[0].Text)
	}
}

func TestAHubRecoversFromAMember(t *testing.T) {
	t.Parallel()
	h, members := scene(t, "a")
	a := members[0]
	h.append(t, numbered("w", 20)...)
	a.meet(t, h)
	restored := anotherHub(t, a.node)
	restored.append(t, numbered("w", 3)...)
	restored.checkpoint(t)
	a.see(t, h.node, a.want(t, restored)) // it tells what it saw
	a.wantAlarms(t)
	restored.wantState(t, transparency.Held)
	var file strings.Builder
	if err := a.Export(t.Context(), h.node, 0, &file); err != nil {
		t.Fatal(err)
	}
	if _, err := restored.RecoverFile(t.Context(), operator, strings.NewReader(file.String())); err != nil {
		t.Fatal(err)
	}
	restored.append(t, "on")
	a.meet(t, restored)
	if c := a.verified(t, h); c.Size != 21 {
		t.Errorf("%d entries", c.Size)
	}
	a.wantAlarms(t)
}

// Whatever is appended, shown and heard, in whatever order: one history raises
// nothing, and a fork is found as soon as two who saw different sides of it talk
// and have the entries.
func TestForksAreAlwaysFound(t *testing.T) {
	t.Parallel()
	_, hubKey := key("hub")
	// Each scene opens four databases.
	left := 12
	if testing.Short() {
		left = 3
	}
	rapid.Check(t, func(r *rapid.T) {
		if left--; left < 0 {
			return
		}
		common := rapid.IntRange(0, 9).Draw(r, "common")
		one, other := rapid.IntRange(1, 9).Draw(r, "one"), rapid.IntRange(1, 9).Draw(r, "other")
		forked := rapid.Bool().Draw(r, "forked")
		h, members := scene(t, "a", "b")
		a, b := members[0], members[1]
		hubs := map[*member]*hub{a: h, b: h}
		h.append(t, numbered("common ", common)...)
		if forked {
			hubs[b] = anotherHub(t)
			hubs[b].append(t, numbered("common ", common)...)
		}
		for i := range max(one, other) {
			for _, m := range []*member{a, b} {
				side := map[*member]string{a: "one", b: "other"}[m]
				if limit := map[*member]int{a: one, b: other}[m]; i >= limit {
					continue
				}
				hubs[m].append(t, fmt.Sprint(side, " ", i))
				if rapid.Bool().Draw(r, "meet") {
					m.meet(t, hubs[m])
				}
			}
		}
		a.meet(t, hubs[a])
		b.meet(t, hubs[b])
		a.heard(t, h, b)
		b.heard(t, h, a)
		a.meet(t, hubs[a])
		var found []transparency.Alarm
		for _, m := range []*member{a, b} {
			for _, alarm := range m.told {
				if alarm.Kind == transparency.TwoHistories {
					found = append(found, alarm)
				}
			}
		}
		if forked != (len(found) > 0) || !forked && len(a.told)+len(b.told) > 0 {
			r.Fatalf("forked %v, alarms %+v, %+v", forked, a.told, b.told)
		}
		for _, alarm := range found {
			if err := alarm.Evidence.Check(public(hubKey)); err != nil {
				r.Fatal(err)
			}
		}
	})
}
