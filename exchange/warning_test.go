package exchange_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/alliance"
	"tocsin/exchange"
	"tocsin/intel"
	"tocsin/intel/observable"
)

// words draws a text as people write them: any letters, lines and blanks, no
// control characters, which neither format has.
var words = rapid.StringOfN(rapid.RuneFrom([]rune("abc XYZ äöü 警告 <&>\"'\n\t.,:;[]{}\\/%")), 0, 40, -1)

// named draws a text that is not empty.
var named = rapid.StringMatching(`[A-Za-z][A-Za-z0-9 ._-]{0,20}[a-z]`)

// languages are drawn without repetition or with: both formats must cope.
var languages = rapid.SampledFrom([]string{"en", "de", "zh-Hans", "fr-CA", "uk"})

func moment(t *rapid.T, label string) time.Time {
	nanos := rapid.Int64Range(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()).Draw(t, label)
	return time.UnixMicro(nanos).UTC()
}

func maybe(t *rapid.T, label string) *time.Time {
	if !rapid.Bool().Draw(t, label+"?") {
		return nil
	}
	at := moment(t, label)
	return &at
}

func node(t *rapid.T) alliance.NodeID {
	return alliance.NodeID(rapid.StringMatching(`n[a-z2-7]{26}`).Draw(t, "node"))
}

// observables are some of each kind that warnings ask for.
var observables = []intel.Observable{
	{Kind: intel.IPAddress, Value: "192.0.2.7"},
	{Kind: intel.IPAddress, Value: "2001:db8::1"},
	{Kind: intel.IPRange, Value: "198.51.100.0/24"},
	{Kind: intel.IPRange, Value: "2001:db8::/32"},
	{Kind: intel.Domain, Value: "iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea.com"},
	{Kind: intel.URL, Value: "http://evil.example/a?b=c"},
	{Kind: intel.EmailAddress, Value: "bad@evil.example"},
	{Kind: intel.MD5, Value: strings.Repeat("ab", 16)},
	{Kind: intel.SHA1, Value: strings.Repeat("cd", 20)},
	{Kind: intel.SHA256, Value: strings.Repeat("ef", 32)},
	{Kind: intel.SHA512, Value: strings.Repeat("01", 64)},
	{Kind: intel.ImpHash, Value: strings.Repeat("12", 16)},
	{Kind: intel.FileName, Value: "mssecsvc.exe"},
	{Kind: intel.FilePath, Value: `c:\windows\tasksche.exe`},
	{Kind: intel.RegistryKey, Value: `hklm\software\wanacrypt0r`},
	{Kind: intel.Mutex, Value: "Global\\MsWinZonesCacheCounterMutexA"},
	{Kind: intel.ServiceName, Value: "mssecsvc2.0"},
	{Kind: intel.JA3, Value: strings.Repeat("23", 16)},
	{Kind: intel.Certificate, Value: strings.Repeat("34", 20)},
	{Kind: intel.ASN, Value: "AS64496"},
	{Kind: intel.CVE, Value: "CVE-2017-0144"},
	{Kind: intel.MACAddress, Value: "00:11:22:33:44:55"},
}

func askedFor(t *rapid.T) alliance.Indicator {
	o := rapid.SampledFrom(observables).Draw(t, "observable")
	o, err := observable.Parse(o.Kind, o.Value)
	if err != nil {
		t.Fatal(err)
	}
	in := alliance.Indicator{
		Kind: o.Kind, Value: o.Value, Action: rapid.SampledFrom([]intel.Action{intel.Detect, intel.Block, intel.DoNotBlock}).Draw(t, "action"),
		Label: words.Draw(t, "label"), Why: words.Draw(t, "why"), Confidence: rapid.Uint8Range(0, 100).Draw(t, "confidence"), From: maybe(t, "from"),
	}
	if o.Kind == intel.Domain {
		in.Match = rapid.SampledFrom([]intel.Match{intel.MatchOrdinary, intel.MatchExactly}).Draw(t, "match")
	}
	if o.Kind == intel.IPAddress {
		in.Port = rapid.SampledFrom([]uint16{0, 443, 65535}).Draw(t, "port")
	}
	if until := maybe(t, "until"); until != nil && (in.From == nil || until.After(*in.From)) {
		in.Until = until
	}
	return in
}

// few draws a short list, nil when it is empty.
func few[T any](t *rapid.T, label string, one func(*rapid.T) T) []T {
	var list []T
	for range rapid.IntRange(0, 3).Draw(t, label) {
		list = append(list, one(t))
	}
	return list
}

func drawnFrom[T any](g *rapid.Generator[T]) func(*rapid.T) T {
	return func(t *rapid.T) T { return g.Draw(t, "one") }
}

func warning(t *rapid.T) *alliance.Warning {
	w := &alliance.Warning{
		ID: rapid.StringMatching(`[0-9A-HJKMNP-TV-Z]{26}`).Draw(t, "id"), Number: named.Draw(t, "number"), Revision: rapid.IntRange(1, 99).Draw(t, "revision"), Author: node(t),
		Category: words.Draw(t, "category"), Colour: rapid.SampledFrom(append(alliance.Colours(), "")).Draw(t, "colour"), Issued: moment(t, "issued"), Effective: moment(t, "effective"),
		Expires: maybe(t, "expires"), Marking: rapid.SampledFrom([]intel.Marking{intel.Unmarked, intel.TLPClear, intel.TLPGreen, intel.TLPAmber, intel.TLPAmberStrict, intel.TLPRed}).Draw(t, "tlp"),
		PAP: rapid.SampledFrom([]string{"", "clear", "green", "amber", "red"}).Draw(t, "pap"), Exercise: rapid.Bool().Draw(t, "exercise"),
		References: few(t, "references", drawnFrom(rapid.SampledFrom([]string{"https://cert.example/1", "http://a.example/?b=c&d", "urn:x:y", "no url at all"}))),
		Indicators: few(t, "indicators", askedFor),
		Rules: few(t, "rules", func(t *rapid.T) alliance.Rule {
			return alliance.Rule{ID: named.Draw(t, "rule"), Text: "title: " + words.Draw(t, "text")}
		}),
		Products: few(t, "products", func(t *rapid.T) alliance.Product {
			return alliance.Product{
				CPE: rapid.SampledFrom([]string{"", "cpe:2.3:o:microsoft:windows_7:-:sp1:*:*:*:*:*:*"}).Draw(t, "cpe"), PURL: rapid.SampledFrom([]string{"", "pkg:golang/example.com/x"}).Draw(t, "purl"),
				Versions: rapid.SampledFrom([]string{"", "vers:generic/<2.0|!=1.9"}).Draw(t, "versions"), Note: "n" + words.Draw(t, "note"),
			}
		}),
		Measures: few(t, "measures", func(t *rapid.T) alliance.Measure {
			return alliance.Measure{ID: named.Draw(t, "measure"), Text: words.Draw(t, "text"), Due: moment(t, "due"), Evidence: rapid.Bool().Draw(t, "evidence")}
		}),
	}
	w.Texts = few(t, "texts", func(t *rapid.T) alliance.Text {
		return alliance.Text{Language: languages.Draw(t, "language"), Title: words.Draw(t, "title"), Body: words.Draw(t, "body"), Impact: words.Draw(t, "impact")}
	})
	w.Scope = alliance.Scope{
		Kinds: few(t, "kinds", drawnFrom(rapid.SampledFrom([]alliance.Kind{"enterprise", "authority"}))), Sectors: few(t, "sectors", drawnFrom(rapid.SampledFrom([]string{"health", "energy.grid"}))),
		Regions: few(t, "regions", drawnFrom(rapid.SampledFrom([]string{"CN-31", "DE"}))), Members: few(t, "members", node),
	}
	if rapid.Bool().Draw(t, "asks more") {
		w.Ask = alliance.Ask{Since: moment(t, "since"), TimePercent: rapid.IntRange(0, 100).Draw(t, "time"), HostPercent: 97, By: moment(t, "by")}
	}
	if rapid.Bool().Draw(t, "breaks glass") {
		w.BreakGlass = &alliance.BreakGlass{By: named.Draw(t, "by"), Reason: words.Draw(t, "reason"), At: moment(t, "at"), RatifyBy: moment(t, "ratify"), Ratified: maybe(t, "ratified")}
	}
	return w
}

// message draws a bulletin of any change, as it is sent.
func message(t *rapid.T) *exchange.Message {
	w := warning(t)
	m := &exchange.Message{SenderName: named.Draw(t, "name")}
	m.Bulletin = alliance.Bulletin{
		Change:  rapid.SampledFrom([]alliance.Change{alliance.IssuedChange, alliance.AmendedChange, alliance.RaisedChange, alliance.LoweredChange, alliance.RatifiedChange, alliance.LiftedChange, alliance.RecalledChange}).Draw(t, "change"),
		Warning: w.ID, Number: w.Number, Revision: w.Revision, At: moment(t, "at"), Reason: words.Draw(t, "reason"), Content: w,
	}
	if m.Change != alliance.IssuedChange {
		first := *m
		first.At = first.At.Add(-time.Hour)
		m.Previous = []string{exchange.Named(&first)}
	}
	if m.Change.Ends() {
		m.Content = nil
	}
	return m
}

// same compares bulletins, telling apart whatever JSON tells apart.
func same(t *rapid.T, want, got alliance.Bulletin) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	a, err1 := json.Marshal(want)
	b, err2 := json.Marshal(got)
	if err1 != nil || err2 != nil || string(a) != string(b) {
		t.Fatalf("%v %v\n%s\n%s", err1, err2, a, b)
	}
}

// What goes out as CAP comes in as an equal bulletin, whatever it says.
func TestWarningsSurviveCAP(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := message(t)
		text, err := exchange.WriteCAP(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := exchange.ReadCAP(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if len(back.Passed) > 0 || back.SenderName != m.SenderName || !cmp.Equal(back.Previous, m.Previous) {
			t.Fatalf("%+v\n%s", back, text)
		}
		same(t, m.Bulletin, back.Bulletin)
	})
}

// What goes out as a STIX bundle comes in as an equal bulletin, whatever it says.
func TestWarningsSurviveSTIX(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := message(t)
		m.Previous = nil // a bundle has versions of objects instead
		text, err := exchange.WriteSTIX(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := exchange.ReadSTIX(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if len(back.Passed) > 0 || back.SenderName != m.SenderName {
			t.Fatalf("%+v\n%s", back, text)
		}
		same(t, m.Bulletin, back.Bulletin)
	})
}
