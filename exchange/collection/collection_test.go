package collection_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tocsin/exchange/collection"
	"tocsin/exchange/taxii"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

const id = "11111111-1111-4111-8111-111111111111"

var markings = map[intel.Marking]string{
	intel.TLPGreen: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	intel.TLPAmber: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
	intel.TLPRed:   "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}

// record is a version of an object: its number and year say which.
func record(tb testing.TB, kind string, n, year int, marking intel.Marking, more string) taxii.Record {
	tb.Helper()
	text := fmt.Sprintf(`{"type":%q,"spec_version":"2.1","id":"%s--%08d-0000-4000-8000-000000000000","modified":"%d-01-01T00:00:00Z"%s`, kind, kind, n, year, more)
	if marking != intel.Unmarked {
		text += fmt.Sprintf(`,"object_marking_refs":[%q]`, markings[marking])
	}
	r, err := taxii.NewRecord(json.RawMessage(text + "}"))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func shelf(tb testing.TB, db *store.DB) *collection.Shelf {
	tb.Helper()
	s := collection.New(db, time.Now)
	if err := s.Define(tb.Context(), collection.Definition{ID: id, Root: "default", Title: "one"}); err != nil {
		tb.Fatal(err)
	}
	return s
}

func viewer(s *collection.Shelf, most intel.Marking) taxii.View {
	return s.View(collection.Viewer{Name: most.String(), Most: most, May: func(string) (bool, bool) { return true, true }})
}

// shown are the years of the records that a query finds.
func shown(t *testing.T, v taxii.View, q taxii.Query) (years []string) {
	t.Helper()
	q.Limit = 100
	records, _, err := v.Records(t.Context(), id, q)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		years = append(years, r.Version[:4])
		if i > 0 && !r.Added.After(records[i-1].Added) {
			t.Errorf("%v is not after %v", r.Added, records[i-1].Added)
		}
	}
	return years
}

func TestTheLastVersionIsTheLastThatIsSeen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := shelf(t, db)
		red, green := viewer(s, intel.TLPRed), viewer(s, intel.TLPGreen)
		refused, err := red.Add(t.Context(), id, []taxii.Record{
			record(t, "malware", 1, 2022, intel.TLPAmber, ""), record(t, "malware", 1, 2020, intel.TLPRed, ""), record(t, "malware", 1, 2021, intel.TLPGreen, ""),
			record(t, "malware", 1, 2023, intel.TLPRed, ""),
		})
		if err != nil || errors.Join(refused...) != nil {
			t.Fatal(refused, err)
		}
		all := taxii.VersionFilter{All: true}
		first := taxii.VersionFilter{First: true}
		check := func(name string, v taxii.View, q taxii.Query, want ...string) {
			t.Helper()
			if got := shown(t, v, q); !slices.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
		check("red, last", red, taxii.Query{}, "2023")
		check("green, last", green, taxii.Query{}, "2021")
		check("red, all", red, taxii.Query{Versions: all}, "2022", "2020", "2021", "2023")
		check("green, all", green, taxii.Query{Versions: all}, "2021")
		check("red, first", red, taxii.Query{Versions: first}, "2020")
		check("green, first", green, taxii.Query{Versions: first}, "2021")
		check("exact", red, taxii.Query{Versions: taxii.VersionFilter{Last: true, Exact: []time.Time{time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)}}}, "2022", "2023")

		if refused, err := green.Add(t.Context(), id, []taxii.Record{record(t, "malware", 2, 2020, intel.TLPRed, "")}); err != nil || !errors.Is(refused[0], fault.Forbidden) {
			t.Errorf("green adds red: got %v, %v, want fault.Forbidden", refused, err)
		}
		both := []string{"2.0", "2.1"}
		object := []string{"malware--00000001-0000-4000-8000-000000000000"}
		if err := green.Delete(t.Context(), id, taxii.Query{IDs: object, SpecVersions: both, Versions: all}); err != nil {
			t.Fatal(err)
		}
		check("what green deleted is what it saw", red, taxii.Query{Versions: all}, "2022", "2020", "2023")
		if err := red.Delete(t.Context(), id, taxii.Query{IDs: object, SpecVersions: both, Versions: taxii.VersionFilter{Last: true}}); err != nil {
			t.Fatal(err)
		}
		check("the last one deleted", red, taxii.Query{}, "2022")
	}, collection.Room())
}

func TestTypesAndSpecVersions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		v := viewer(shelf(t, db), intel.TLPRed)
		old, err := taxii.NewRecord(json.RawMessage(`{"type":"tool","id":"tool--00000001-0000-4000-8000-000000000000","modified":"2019-01-01T00:00:00Z"}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = v.Add(t.Context(), id, []taxii.Record{
			record(t, "tool", 1, 2018, 0, ""), old, record(t, "malware", 1, 2021, 0, ""), record(t, "campaign", 1, 2022, 0, ""), record(t, "tool", 2, 2023, 0, ""),
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			q    taxii.Query
			want []string
		}{
			{taxii.Query{}, []string{"2018", "2021", "2022", "2023"}}, // the newest STIX of each
			{taxii.Query{SpecVersions: []string{"2.0"}}, []string{"2019"}},
			{taxii.Query{SpecVersions: []string{"2.0", "2.1"}, Types: []string{"tool"}}, []string{"2018", "2019", "2023"}},
			{taxii.Query{Types: []string{"tool", "campaign", "tool", "none"}, Contents: true}, []string{"2018", "2022", "2023"}},
			{taxii.Query{Types: []string{"tool"}, IDs: []string{"tool--00000002-0000-4000-8000-000000000000"}}, []string{"2023"}},
		} {
			if got := shown(t, v, c.q); !slices.Equal(got, c.want) {
				t.Errorf("%+v: got %v, want %v", c.q, got, c.want)
			}
		}
	}, collection.Room())
}

// Who pages by the moment of adding while others add misses nothing.
func TestWhatIsAddedLaterIsSeenLater(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		v := viewer(shelf(t, db), intel.TLPRed)
		const writers, batches, size = 4, 10, 5
		var wait sync.WaitGroup
		for w := range writers {
			wait.Go(func() {
				for b := range batches {
					var records []taxii.Record
					for n := range size {
						records = append(records, record(t, "malware", (w*batches+b)*size+n, 2020, 0, ""))
					}
					if _, err := v.Add(t.Context(), id, records); err != nil {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { wait.Wait(); close(done) }()
		seen := map[string]int{}
		q := taxii.Query{Limit: 7}
		for ended := false; ; {
			select {
			case <-done:
				ended = true
			default:
			}
			records, more, err := v.Records(t.Context(), id, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				seen[r.ID]++
				q.After = r.Added
			}
			if ended && !more && len(records) == 0 {
				break
			}
		}
		if len(seen) != writers*batches*size {
			t.Errorf("saw %d objects, want %d", len(seen), writers*batches*size)
		}
	}, collection.Room())
}
