package fact_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/internal/fault"
	"tocsin/plan/fact"
)

var at = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func dictionary(t testing.TB) *fact.Dictionary {
	t.Helper()
	d, err := fact.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFactsAreReadAndShown(t *testing.T) {
	t.Parallel()
	d := dictionary(t)
	for _, test := range []struct {
		key, text, want string
		state           fact.State
	}{
		{"data.pi_persons", `1200000`, "1 200 000 persons", fact.Known},
		{"data.pi_persons", `{"value": 12.5}`, "12.5 persons", fact.Known},
		{"data.pi_persons", `{"min": 900000, "max": 1200000}`, "estimated 900 000 to 1 200 000 persons", fact.Estimated},
		{"data.pi_persons", `{"min": 1000000, "state": "estimated"}`, "estimated 1 000 000 or more persons", fact.Estimated},
		{"outage.share_of_users", `{"min": 40}`, "estimated 40 to 100 %", fact.Estimated},
		{"data.pi_persons", `null`, "unknown", fact.Unknown},
		{"data.pi_persons", `{"state": "unknown"}`, "unknown", fact.Unknown},
		{"data.pi_persons", `{}`, "unknown", fact.Unknown},
		{"data.pi_persons", `{"state": "not_applicable", "reason": "no such data"}`, "not applicable", fact.NotApplicable},
		{"outage.total_minutes", `{"since": "2026-01-05T08:00:00Z"}`, "60 min, growing", fact.Known},
		{"outage.total_minutes", `{"since": "2026-01-05T08:00:00Z", "until": "2026-01-05T08:10:00Z"}`, "10 min", fact.Known},
		{"outage.total_minutes", `{"since": "2026-01-05T08:00:00Z", "until": "2026-01-05T10:00:00Z"}`, "60 min, growing", fact.Known},
		{"outage.total_minutes", `{"since": "2026-01-05T10:00:00Z"}`, "0 min, growing", fact.Known},
		{"outage.total_minutes", `{"since": "2026-01-05T08:00:00Z", "since_latest": "2026-01-05T08:30:00Z"}`, "estimated 30 to 60 min, growing", fact.Estimated},
		{"loss.direct", `{"value": 20000000, "currency": "CNY"}`, "20 000 000 CNY", fact.Known},
		{"loss.direct", `{"max": 5, "currency": "EUR"}`, "estimated 0 to 5 EUR", fact.Estimated},
		{"asset.is_cii", `true`, "true", fact.Known},
		{"data.class", `["core", "personal"]`, "core, personal", fact.Known},
		{"data.class", `{"value": []}`, "", fact.Known},
		{"data.class", `{"at_least": ["core"]}`, "estimated at least {core}", fact.Estimated},
		{"data.class", `{"at_least": ["core"], "at_most": ["core", "important"]}`, "estimated at least {core}, at most {core, important}", fact.Estimated},
		{"defacement.authority_determination", `"large"`, "large", fact.Known},
		{"defacement.authority_determination", `{"one_of": ["large", "limited"]}`, "estimated one of large, limited", fact.Estimated},
		{"geo.member_states_affected", `["DE", "FR"]`, "DE, FR", fact.Known},
		{"ransom.method", `"Monero"`, `"Monero"`, fact.Known},
		{"times.detected", `"2026-01-05T08:00:00Z"`, "2026-01-05T08:00:00Z", fact.Known},
		{"times.detected", `{"min": "2026-01-05T08:00:00Z", "max": "2026-01-05T09:00:00Z"}`, "estimated 2026-01-05T08:00:00Z to 2026-01-05T09:00:00Z", fact.Estimated},
		{"threat.judged", `{"value": "severe", "by": "Li", "reason": "a city without power"}`, "severe (judged by Li: a city without power)", fact.Known},
	} {
		f, err := d.Read(test.key, []byte(test.text))
		if err != nil {
			t.Errorf("%s %s: %v", test.key, test.text, err)
			continue
		}
		if got := f.Show(d.Definition(test.key), at); got != test.want || f.State != test.state {
			t.Errorf("%s %s: %q, %s, want %q, %s", test.key, test.text, got, f.State, test.want, test.state)
		}
	}
}

func TestFactsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := dictionary(t)
	for _, test := range []struct{ key, text, says string }{
		{"data.pi_person", `1`, `did you mean "data.pi_persons"?`},
		{strings.Repeat("x", 500), `1`, "…"},
		{"data.pi_persons", `-1`, "not from 0"},
		{"data.pi_persons", `1e300`, "not from 0"},
		{"data.pi_persons", `"5"`, "a number is wanted"},
		{"data.pi_persons", `true`, "a number is wanted"},
		{"data.pi_persons", `{"min": 5, "max": 4}`, "min is above max"},
		{"data.pi_persons", `{"value": 5, "min": 4}`, "give one of"},
		{"data.pi_persons", `{"value": 5, "state": "estimated"}`, "an estimate has a range"},
		{"data.pi_persons", `{"state": "known"}`, "without a value"},
		{"data.pi_persons", `{"value": 5, "state": "not_applicable"}`, "state is"},
		{"data.pi_persons", `{"value": 5, "value": 6}`, "given twice"},
		{"data.pi_persons", `{"value": null}`, "leave it out"},
		{"data.pi_persons", `{"valu": 5}`, "unknown field"},
		{"data.pi_persons", `{"value": 5, "currency": "EUR"}`, "money has a currency"},
		{"data.pi_persons", `{"since": "2026-01-05T08:00:00Z"}`, "does not grow"},
		{"data.pi_persons", `5 6`, "not JSON"},
		{"data.pi_persons", ``, "not JSON"},
		{"asset.mlps_level", `6`, "not from 0 to 5"},
		{"outage.total_minutes", `{"until": "2026-01-05T08:00:00Z"}`, "since is missing"},
		{"outage.total_minutes", `{"since": "2026-01-05T08:00:00Z", "until": "2026-01-05T07:00:00Z"}`, "not in this order"},
		{"outage.total_minutes", `{"since": "2026-01-05T08:00:00Z", "since_latest": "2026-01-05T07:00:00Z"}`, "not in this order"},
		{"outage.total_minutes", `{"since": "yesterday"}`, "parsing time"},
		{"loss.direct", `5`, "money has a currency"},
		{"loss.direct", `{"value": 5, "currency": "eur"}`, "three letters"},
		{"asset.is_cii", `1`, "cannot unmarshal"},
		{"asset.is_cii", `{"min": 1}`, "not of a bool"},
		{"data.class", `"core"`, "a list of words"},
		{"data.class", `["cores"]`, `did you mean "core"?`},
		{"data.class", `["core", "core"]`, "stands twice"},
		{"data.class", `{"at_least": ["core"], "at_most": []}`, "not in at_most"},
		{"data.class", `{"one_of": ["core"]}`, "by at_least and at_most"},
		{"geo.member_states_affected", `["<b>"]`, "codes are letters"},
		{"defacement.authority_determination", `{"one_of": []}`, "one_of is empty"},
		{"threat.judged", `"severe"`, "needs by"},
		{"threat.judged", `{"value": "severe", "by": "Li"}`, "needs by"},
		{"threat.judged", `{"one_of": ["severe"], "by": "Li", "reason": "x"}`, "not of a judgement"},
		{"times.detected", `{"min": "2026-01-05T08:00:00Z"}`, "min and max"},
		{"ransom.method", `"` + strings.Repeat("x", 9000) + `"`, "longer than"},
		{"ransom.method", `{"value": "x", "by": "` + strings.Repeat("x", 9000) + `"}`, "up to"},
	} {
		_, err := d.Read(test.key, []byte(test.text))
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%.50s %.80s: %v, want %q in it", test.key, test.text, err, test.says)
		}
	}
}

func TestSheetsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := dictionary(t)
	var many []string
	for i := range 1001 {
		many = append(many, fmt.Sprintf(`"x%d": 1`, i))
	}
	for text, says := range map[string]string{
		``:                 "EOF",
		`[]`:               "cannot unmarshal",
		`{"facts": []}`:    "an object is wanted",
		`{"fact": {}}`:     "unknown field",
		`{"facts": {}} {}`: "something follows",
		`{"facts": {"asset.is_cii": true, "asset.is_cii": false}}`:                                                                    "given twice",
		`{"facts": {` + strings.Join(many, ",") + `}}`:                                                                                "more than 1000",
		`{"rates": [{"from": "USD", "to": "CNY", "rate": 0, "source": "x"}]}`:                                                         "rate 0",
		`{"rates": [{"from": "USD", "to": "CNY", "rate": 7}]}`:                                                                        "where the rate is from",
		`{"rates": [{"from": "USD", "to": "USD", "rate": 1, "source": "x"}]}`:                                                         "two different",
		`{"rates": [{"from": "USD", "to": "CNY", "rate": 7, "source": "x"}, {"from": "CNY", "to": "USD", "rate": 1, "source": "x"}]}`: "stated twice",
		strings.Repeat(" ", 1<<20) + `{}`:                                                                                             "larger than",
	} {
		if _, err := d.ReadSheet([]byte(text)); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.80s: %v, want %q in it", text, err, says)
		}
	}
}

func TestRatesAreNeverPutTogether(t *testing.T) {
	t.Parallel()
	s := &fact.Sheet{Rates: []fact.Rate{{From: "USD", To: "CNY", Rate: 8}, {From: "CNY", To: "JPY", Rate: 20}}}
	for _, test := range []struct {
		from, to string
		want     float64
		ok       bool
	}{{"USD", "USD", 1, true}, {"USD", "CNY", 8, true}, {"CNY", "USD", 0.125, true}, {"USD", "JPY", 0, false}, {"EUR", "CNY", 0, false}} {
		if got, ok := s.Rate(test.from, test.to); got != test.want || ok != test.ok {
			t.Errorf("%s to %s: %v, %v", test.from, test.to, got, ok)
		}
	}
}

func TestOwnFactsCountBeforeTheOrganisations(t *testing.T) {
	t.Parallel()
	yes, no := fact.Fact{State: fact.Known, Bool: true}, fact.Fact{State: fact.Known}
	s := &fact.Sheet{Facts: fact.Facts{"a.a": yes, "a.b": {}}}
	joined := s.With(fact.Facts{"a.a": no, "a.b": no, "a.c": no})
	if !joined.Facts["a.a"].Bool || joined.Facts["a.b"].State != fact.Known || joined.Facts["a.c"].State != fact.Known {
		t.Errorf("%+v", joined.Facts)
	}
	if s.Facts["a.b"].State != fact.Unknown {
		t.Error("joining changed the sheet")
	}
}

func TestDefinitionsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := dictionary(t)
	title := fact.Title{EN: "x"}
	for _, test := range []struct {
		definition fact.Definition
		says       string
	}{
		{fact.Definition{Key: "x", Type: fact.Bool, Title: title}, "write its key"},
		{fact.Definition{Key: "x.X", Type: fact.Bool, Title: title}, "write its key"},
		{fact.Definition{Key: "x.y", Type: "boolean", Title: title}, "none of"},
		{fact.Definition{Key: "x.y", Type: fact.Bool}, "no title.en"},
		{fact.Definition{Key: "x.y", Type: fact.Number, Title: title}, "has a unit"},
		{fact.Definition{Key: "x.y", Type: fact.Enum, Title: title}, "have values"},
		{fact.Definition{Key: "x.y", Type: fact.Number, Unit: "s", Grows: true, Title: title}, "only minutes"},
		{fact.Definition{Key: "x.y", Type: fact.Bool, Max: 5, Title: title}, "max is of numbers"},
		{fact.Definition{Key: "x.y", Type: fact.Number, Unit: "persons", Share: &fact.Share{Of: "x.a", In: "x.b"}, Title: title}, "a share is in %"},
		{fact.Definition{Key: "x.y", Type: fact.Set, Title: title, Values: []fact.Word{{Code: "a", Title: title}, {Code: "a", Title: title}}}, "given once"},
		{fact.Definition{Key: "asset.is_cii", Type: fact.Bool, Title: title}, "defined already"},
	} {
		if _, err := d.With([]fact.Definition{test.definition}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v, want %q", test.definition, err, test.says)
		}
	}
	same := *d.Definition("asset.is_cii")
	if _, err := d.With([]fact.Definition{same}); err != nil {
		t.Errorf("defined again in the same way: %v", err)
	}
}

// FuzzReadFact takes any text for a fact of any type: it is refused, or is the
// same when it is written and read again.
func FuzzReadFact(f *testing.F) {
	d := dictionary(f)
	keys := d.Keys()
	for i, seed := range []string{
		`5`, `{"min": 1}`, `{"since": "2026-01-05T08:00:00Z", "since_latest": "2026-01-05T08:00:00+01:00", "until": "2027-01-05T08:00:00Z"}`,
		`{"value": 5, "currency": "EUR", "by": "me", "noted": "2026-01-05T08:00:00Z"}`, `true`, `["a"]`, `{"at_least": ["DE"], "at_most": ["DE", "FR"]}`,
		`{"one_of": ["large"]}`, `{"value": "severe", "by": "x", "reason": "y"}`, `{"state": "not_applicable"}`, `"2026-01-05T08:00:00Z"`, `null`,
	} {
		f.Add(i*7, seed)
	}
	f.Fuzz(func(t *testing.T, n int, text string) {
		key := keys[int(uint(n)%uint(len(keys)))]
		first, err := d.Read(key, []byte(text))
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Error(err)
			}
			return
		}
		definition := d.Definition(key)
		first.Show(definition, at)
		written, err := definition.Write(first)
		if err != nil {
			t.Fatal(err)
		}
		again, err := d.Read(key, written)
		if err != nil {
			t.Fatalf("%s %s, written %s: %v", key, text, written, err)
		}
		if twice, err := definition.Write(again); err != nil || string(twice) != string(written) || again.State != first.State {
			t.Errorf("%s %s, written %s, then %s, %v", key, text, written, twice, err)
		}
	})
}

// FuzzReadSheet takes any text for a sheet: it is refused, or holds facts that
// there are.
func FuzzReadSheet(f *testing.F) {
	d := dictionary(f)
	for _, seed := range []string{
		`{"facts": {"outage.total_minutes": {"since": "2026-01-05T09:00:00Z"}, "asset.is_cii": true, "loss.direct": null},
		  "rates": [{"from": "USD", "to": "CNY", "rate": 7.1, "source": "PBoC"}], "categories": {"cn-plan-2017": ["MI"]}}`,
		`{}`, `{"facts": null}`, `{"facts": {"a": {"b": {"c": [[[]]]}}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := d.ReadSheet(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Error(err)
			}
			return
		}
		for key, f := range s.Facts {
			if d.Definition(key) == nil {
				t.Errorf("no fact is called %q", key)
			}
			if _, err := json.Marshal(f.At(at).Show(d.Definition(key), at)); err != nil {
				t.Error(err)
			}
		}
		if !reflect.DeepEqual(s.With(nil).Facts, s.Facts) {
			t.Error("joined with nothing it is another")
		}
	})
}
