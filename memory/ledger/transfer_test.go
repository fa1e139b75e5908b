package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory/ledger"
)

// varied fills a ledger with something of everything.
func varied(t *testing.T) *ledger.Ledger {
	t.Helper()
	l := open(t, t.TempDir(), ledger.Config{})
	b := l.NewBatch()
	for i := range 40 {
		host := fmt.Appendf(nil, "pc%d", i)
		b.See("a", intel.Domain, []byte("popular.example"), host, march.AddDate(0, 0, i%7))
		b.See("a", intel.IPAddress, fmt.Appendf(nil, "192.0.2.%d", i), host, march.AddDate(0, 0, i))
		b.Present("a", intel.LogSource{Product: "zeek", Service: "dns"}, host, march.Add(time.Duration(i)*time.Hour), i%5 == 0)
	}
	b.See("b", intel.CommandLine, bytes.Repeat([]byte("whoami "), 20), nil, march)
	b.See("b", intel.FileName, []byte("caf\xe9.exe"), nil, march)
	b.See("b", intel.FileName, []byte("\"quoted\"\n<&>.exe"), []byte("pc"), time.Unix(5, 0))
	b.See("b", intel.URL, []byte("https://example.com/"+strings.Repeat("long/", 100)), []byte("pc"), march)
	if err := l.Commit(t.Context(), b, 9); err != nil {
		t.Fatal(err)
	}
	return l
}

func export(t *testing.T, l *ledger.Ledger) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := l.Export(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestExportIsImportedWhole(t *testing.T) {
	t.Parallel()
	text := export(t, varied(t))
	l := open(t, t.TempDir(), ledger.Config{})
	r, err := l.Import(t.Context(), bytes.NewReader(text))
	if err != nil || r.Observables != 45 || r.Presences == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if diff := cmp.Diff(string(text), string(export(t, l))); diff != "" {
		t.Error(diff)
	}
	if l.Cursor() != 0 {
		t.Errorf("an import moves the cursor to %d", l.Cursor())
	}
	if _, err := l.Import(t.Context(), bytes.NewReader(text)); !errors.Is(err, fault.Conflict) {
		t.Errorf("the same export is imported twice: %v", err)
	}
	other := export(t, open(t, t.TempDir(), ledger.Config{}))
	if _, err := l.Import(t.Context(), bytes.NewReader(other)); err != nil {
		t.Errorf("an empty export: %v", err)
	}
}

func TestImportAddsToWhatIsThere(t *testing.T) {
	t.Parallel()
	text := export(t, varied(t))
	l := varied(t)
	before := ask(t, l, about(intel.Domain, "popular.example"))[0]
	if _, err := l.Import(t.Context(), bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	after := ask(t, l, about(intel.Domain, "popular.example"))[0]
	if after.Count != 2*before.Count || after.HostCount != before.HostCount || !before.HostsEstimated {
		t.Errorf("%+v, before %+v", after, before)
	}
}

func TestChangedExportAddsNothing(t *testing.T) {
	t.Parallel()
	text := export(t, varied(t))
	lines := bytes.SplitAfter(text, []byte("\n"))
	for name, changed := range map[string][]byte{
		"torn":          text[:len(text)/2],
		"without end":   bytes.Join(lines[:len(lines)-2], nil),
		"a line less":   bytes.Join(append(append([][]byte{}, lines[:3]...), lines[4:]...), nil),
		"a line twice":  bytes.Join(append(append([][]byte{}, lines[:4]...), lines[3:]...), nil),
		"another count": bytes.Replace(text, []byte(`"count":1,`), []byte(`"count":9,`), 1),
		"other version": bytes.Replace(text, []byte(`"version":1`), []byte(`"version":2`), 1),
		"something on":  append(bytes.Clone(text), "{}\n"...),
		"empty":         {},
		"no head":       bytes.Join(lines[1:], nil),
	} {
		l := open(t, t.TempDir(), ledger.Config{})
		_, err := l.Import(t.Context(), bytes.NewReader(changed))
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if len(bytes.Split(export(t, l), []byte("\n"))) != 3 {
			t.Errorf("%s: something was added", name)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(`{"format":"tocsin-ledger","version":1}
{"presence":true,"source":"s","category":"dns","host":"h","day":"2026-03-01","seen":1}
{"kind":"domain","value":"a.example","count":2,"first":"2026-03-01T00:00:00Z","last":"2026-03-10T00:00:00Z","days":["2026-03-02"],"hosts":["h"],"undated":1,"received":"2026-03-01"}
{"kind":"command-line","key":"0300112233445566778899aabbccddeeff","count":1,"first":"2026-03-01T00:00:00Z","last":"2026-03-01T00:00:00Z"}
`))
	f.Fuzz(func(t *testing.T, text []byte) {
		// With the right end, so that what is before it is read and added.
		text = ledger.Ended(text)
		if ledger.CheckExport(t.Context(), text) != nil {
			return
		}
		l, err := ledger.Open(t.TempDir(), ledger.Config{CacheBytes: 1 << 20, MemtableBytes: 1 << 20}.OnFiles(vfs.NewMem()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Import(t.Context(), bytes.NewReader(text)); err != nil {
			t.Fatalf("what was checked is not added: %v", err)
		}
		if err := ledger.CheckExport(t.Context(), export(t, l)); err != nil {
			t.Fatalf("what was added is not exported: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// What was erased in one ledger is missing in another that has its export: there
// too it is not said to be unseen.
func TestExportTellsWhatWasErased(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	commit(t, l, 1,
		saw{intel.EmailAddress, "ann@example.com", "pc", march}, saw{intel.Domain, "a.example", "pc", march}, saw{intel.Domain, "b.example", "pc", march},
	)
	before := march.AddDate(0, 0, 5)
	if _, err := l.Erase(t.Context(), ledger.Removal{Kind: intel.EmailAddress, Before: before}); err != nil {
		t.Fatal(err)
	}
	a := []intel.Observable{{Kind: intel.Domain, Value: "a.example"}}
	if _, err := l.Pseudonymise(t.Context(), ledger.Removal{Kind: intel.Domain, Before: before, Only: a}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	other := open(t, dir, ledger.Config{})
	if r, err := other.Import(t.Context(), bytes.NewReader(export(t, l))); err != nil || r.Observables != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	for range 2 {
		got := ask(t, other, about(intel.EmailAddress, "ann@example.com"), about(intel.Domain, "a.example"), about(intel.Domain, "b.example"), about(intel.Mutex, "m"))
		for i, problem := range []string{"erased", "key of pseudonyms that is gone", "", ""} {
			if problem != "" && (got[i].Seen || !strings.Contains(got[i].Problem, problem)) {
				t.Errorf("question %d: %+v", i, got[i])
			}
		}
		if !got[2].Seen || got[3].Problem != "" {
			t.Errorf("%+v", got[2:])
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		other = open(t, dir, ledger.Config{})
	}
	torn := strings.Replace(string(export(t, l)), `"what":"erased"`, `"what":"nothing"`, 1)
	if _, err := open(t, t.TempDir(), ledger.Config{}).Import(t.Context(), strings.NewReader(torn)); !errors.Is(err, fault.Invalid) {
		t.Errorf("a removal of no kind: %v", err)
	}
}
