package envelope_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
)

// history is the passports that a node had one after the other, through every change
// there is.
func history(t testing.TB) []*envelope.Passport {
	t.Helper()
	i := identity(t)
	all := []*envelope.Passport{i.Passport()}
	first := i.Passport().Root
	clock := now
	step := func(change func() error) {
		clock = clock.Add(day)
		if err := change(); err != nil {
			t.Fatal(err)
		}
		all = append(all, i.Passport())
	}
	card := alliance.Card{Kind: alliance.Enterprise, Names: map[string]string{"en": "Another name"}}
	step(func() error { return i.Renew("", clock) })
	step(func() error { card.Issued = clock; return i.Describe(card) })
	step(func() error { return i.Succeed("", "", clock) })
	step(func() error { return i.Revoke("", i.Key(), clock, "stolen", clock) })
	step(func() error { card.Issued = clock; return i.Describe(card) })
	step(func() error { return i.Succeed("", "", clock) })
	step(func() error { return i.Revoke("", first, clock, "lost", clock) })
	return all
}

func merge(t testing.TB, a, b *envelope.Passport) *envelope.Passport {
	t.Helper()
	m, err := envelope.Merge(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPassportsMergeInAnyOrder: whatever of a node's passports come in whatever order and
// however often, what is known in the end is the latest.
func TestPassportsMergeInAnyOrder(t *testing.T) {
	t.Parallel()
	all := history(t)
	latest := all[len(all)-1]
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same every time
	for range 8 {
		order := make([]int, 2+random.IntN(3))
		var known, backwards *envelope.Passport
		for n := range order {
			order[n] = random.IntN(len(all))
		}
		for n := range order {
			known = merge(t, known, all[order[n]])
			backwards = merge(t, backwards, all[order[len(order)-1-n]])
		}
		if diff := cmp.Diff(known, backwards); diff != "" {
			t.Fatalf("%v: the order matters: %s", order, diff)
		}
		if diff := cmp.Diff(known, merge(t, known, known)); diff != "" {
			t.Fatalf("%v: once more matters: %s", order, diff)
		}
		want := merge(t, nil, all[slices.Max(order)])
		if diff := cmp.Diff(want.Keys(), known.Keys()); diff != "" {
			t.Fatalf("%v: keys: %s", order, diff)
		}
		if !bytes.Equal(want.CardText, known.CardText) {
			t.Fatalf("%v: card: %s, want %s", order, known.CardText, want.CardText)
		}
	}
	if got := merge(t, all[0], latest); len(got.Successions) != 2 || len(got.Revocations) < 2 {
		t.Errorf("%d successions, %d revocations", len(got.Successions), len(got.Revocations))
	}
}

func TestStolenRootIsProvedByTwoSuccessions(t *testing.T) {
	t.Parallel()
	dir, i := at(t)
	before := i.Passport()
	thief := load(t, dir)
	stick := filepath.Join(t.TempDir(), "thief.pem")
	if err := thief.Succeed("", stick, now.Add(day)); err != nil {
		t.Fatal(err)
	}
	if err := i.Succeed("", "", now.Add(2*day)); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]*envelope.Passport{{i.Passport(), thief.Passport()}, {thief.Passport(), i.Passport()}} {
		_, err := envelope.Merge(pair[0], pair[1])
		expect(t, err, envelope.Forked)
		if fork, ok := errors.AsType[*envelope.Fork](err); !ok || fork.Node != i.ID() || !strings.Contains(fork.What, before.Keys()[0].Fingerprint) {
			t.Errorf("%v is no proof", err)
		}
	}
}

func TestCardsOfOneRevisionThatDifferAreRefused(t *testing.T) {
	t.Parallel()
	dir, i := at(t)
	thief := load(t, dir)
	card := alliance.Card{Kind: alliance.Enterprise, Issued: now, Names: map[string]string{"en": "A"}}
	err := i.Describe(card)
	card.Names = map[string]string{"en": "B"}
	if err := errors.Join(err, thief.Describe(card)); err != nil {
		t.Fatal(err)
	}
	_, err = envelope.Merge(i.Passport(), thief.Passport())
	expect(t, err, envelope.Forked)
	_, err = envelope.Merge(thief.Passport(), i.Passport())
	expect(t, err, envelope.Forked)

	// Once the stolen key is revoked the thief's card is none, of whatever revision.
	if err := errors.Join(thief.Describe(card), thief.Describe(card), i.Revoke("", i.Key(), now, "stolen", now.Add(day))); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*envelope.Passport{merge(t, i.Passport(), thief.Passport()), merge(t, thief.Passport(), i.Passport())} {
		if got, err := m.Card(); err != nil || got.Names["en"] != "A" {
			t.Errorf("%v, %v", got, err)
		}
	}
}

// TestOldRootCannotStopANode: who finds a root that was succeeded revokes no key that
// was made since.
func TestOldRootCannotStopANode(t *testing.T) {
	t.Parallel()
	dir, i := at(t)
	finder := load(t, dir)
	if err := finder.Revoke("", finder.Key(), now, "by the finder", now.Add(3*day)); err != nil {
		t.Fatal(err)
	}
	dir2 := filepath.Join(t.TempDir(), "identity")
	owner, err := envelope.Recover(dir2, i.Passport(), filepath.Join(dir, envelope.RootFile), now.Add(day), "moved", now.Add(day))
	if err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(t.TempDir(), "second.pem")
	if err := errors.Join(owner.Succeed(filepath.Join(dir, envelope.RootFile), second, now.Add(2*day)), owner.Renew(second, now.Add(4*day))); err != nil {
		t.Fatal(err)
	}
	m := merge(t, owner.Passport(), finder.Passport())
	if err := m.Signs(owner.Key(), now.Add(5*day)); err != nil {
		t.Error(err)
	}
	if err := m.Signs(finder.Key(), now.Add(5*day)); err == nil {
		t.Error("a key of the root before counts")
	}
}

func TestPassportsOfOthersDoNotMerge(t *testing.T) {
	t.Parallel()
	a, b := identity(t), identity(t)
	_, err := envelope.Merge(a.Passport(), b.Passport())
	expect(t, err, envelope.UnknownSender)
}

func TestPassportsThatLieAreRefused(t *testing.T) {
	t.Parallel()
	all := history(t)
	other := history(t)
	latest := all[len(all)-1]
	for name, c := range map[string]struct {
		change func(p *envelope.Passport)
		want   envelope.Reason
	}{
		"true":                  {func(*envelope.Passport) {}, ""},
		"no root":               {func(p *envelope.Passport) { p.Root = nil }, envelope.Malformed},
		"another's root":        {func(p *envelope.Passport) { p.Root = other[0].Root }, envelope.BadSignature},
		"another's certificate": {func(p *envelope.Passport) { p.Certificates = other[0].Certificates }, envelope.BadSignature},
		"a longer certificate": {func(p *envelope.Passport) {
			p.Certificates = slices.Clone(p.Certificates)
			p.Certificates[0].Until = nil
		}, envelope.BadSignature},
		"a succession left out":   {func(p *envelope.Passport) { p.Successions = p.Successions[1:] }, envelope.BadSignature},
		"successions turned":      {func(p *envelope.Passport) { p.Successions = []envelope.Succession{p.Successions[1], p.Successions[0]} }, envelope.BadSignature},
		"another reason":          {func(p *envelope.Passport) { p.Revocations = slices.Clone(p.Revocations); p.Revocations[0].Reason = "x" }, envelope.BadSignature},
		"another's card":          {func(p *envelope.Passport) { p.CardText = other[0].CardText }, envelope.Malformed},
		"another card":            {func(p *envelope.Passport) { p.CardText = bytes.Replace(p.CardText, []byte("Another"), []byte("No"), 1) }, envelope.BadSignature},
		"no card":                 {func(p *envelope.Passport) { p.CardText = []byte("{") }, envelope.Malformed},
		"a thousand certificates": {func(p *envelope.Passport) { p.Certificates = slices.Repeat(p.Certificates, 1000) }, envelope.Malformed},
		"a certificate of half a key": {func(p *envelope.Passport) {
			p.Certificates = slices.Clone(p.Certificates)
			p.Certificates[0].Key = p.Root[:16]
		}, envelope.Malformed},
	} {
		p := *latest
		c.change(&p)
		expect(t, p.Verify(), c.want)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestDistrustedKeysAreRefused(t *testing.T) {
	t.Parallel()
	author, relay := identity(t), identity(t)
	e := countersign(t, relay, seal(t, author, header(), nil), now)
	for name, fingerprint := range map[string]string{
		"the key":     alliance.KeyFingerprint(author.Key()),
		"the root":    alliance.KeyFingerprint(author.Passport().Root),
		"the node":    author.ID().Fingerprint(),
		"the relay's": alliance.KeyFingerprint(relay.Key()),
	} {
		d := envelope.Distrust{Fingerprint: strings.ReplaceAll(fingerprint, " ", "-"), By: "ann", Reason: "they called", At: now}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		_, err := e.Verify(envelope.Guarded{Ring: ring(author, relay), Distruster: envelope.Distrusts{d.Fingerprint: d}}, now)
		expect(t, err, envelope.DistrustedKey)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	if err := (&envelope.Distrust{Fingerprint: "12345", By: "ann", Reason: "x", At: now}).Check(); !errors.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

// TestDistrustedRootNamesNoSuccessor: whoever stole a root could.
func TestDistrustedRootNamesNoSuccessor(t *testing.T) {
	t.Parallel()
	all := history(t)
	root := alliance.KeyFingerprint(all[0].Root)
	d := envelope.Distrusts{root: {Fingerprint: root, By: "ann", Reason: "they called", At: now}}
	_, err := envelope.MergeTrusted(all[0], all[len(all)-1], d)
	expect(t, err, envelope.DistrustedKey)
	_, err = envelope.MergeTrusted(all[4], all[len(all)-1], d) // it was succeeded before that was known
	expect(t, err, "")
	_, err = envelope.MergeTrusted(all[0], all[len(all)-1], envelope.Distrusts(nil))
	expect(t, err, "")
}

func FuzzParsePassport(f *testing.F) {
	for _, p := range history(f) {
		text, err := p.Bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := envelope.ParsePassport(text)
		if err != nil {
			if _, ok := envelope.RefusalOf(err); !ok {
				t.Errorf("%v is no refusal", err)
			}
			return
		}
		merged := merge(t, p, p)
		again, err := merged.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := envelope.ParsePassport(again); err != nil {
			t.Errorf("not read again: %v", err)
		}
		_ = p.Signs(p.Root, time.Time{})
	})
}
