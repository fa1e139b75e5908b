package organisation_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/fault"
	"tocsin/plan/calendar"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
)

type ground struct {
	taxonomy   *organisation.Taxonomy
	dictionary *fact.Dictionary
	tables     map[string]*calendar.Table
}

func load(t testing.TB) *ground {
	t.Helper()
	taxonomy, err := organisation.Load()
	if err != nil {
		t.Fatal(err)
	}
	dictionary, err := fact.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if dictionary, err = dictionary.With(taxonomy.Definitions()); err != nil {
		t.Fatal(err)
	}
	tables, err := calendar.Tables()
	if err != nil {
		t.Fatal(err)
	}
	return &ground{taxonomy, dictionary, tables}
}

func (g *ground) read(text string) (*organisation.Organisation, error) {
	return g.taxonomy.Read(g.dictionary, g.tables, []byte(text))
}

func TestDescriptionBecomesFacts(t *testing.T) {
	t.Parallel()
	g := load(t)
	o, err := g.read(`{"name": "Grid", "kind": "enterprise", "sectors": ["energy.gas"], "regions": ["DE-BE"], "jurisdictions": ["DE", "CH"],
		"designations": ["eu.nis2_essential"], "unsure": ["eu.nis2_digital", "eu.nis2_essential"], "zone": "Europe/Berlin", "holidays": "de",
		"targets": {"eu-nis2/service": "2 h"}, "facts": {"entity.annual_turnover": {"value": 5, "currency": "EUR"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"entity.kind": "enterprise", "entity.sectors": "energy,energy.gas", "entity.regions": "DE,DE-BE",
		"entity.jurisdictions": "CH,DE,EU", "entity.designations": "eu.nis2_essential",
	} {
		if got := strings.Join(o.Stated()[key].Words, ","); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	f := o.Stated()["entity.designations"]
	if f.State != fact.Estimated || !slices.Equal(f.Possible, []string{"eu.nis2_essential", "eu.nis2_digital"}) {
		t.Errorf("a designation that nobody is sure of: %+v", f)
	}
	if o.Stated()["entity.annual_turnover"].Min != 5 || o.Location().String() != "Europe/Berlin" || o.Table() != g.tables["de"] {
		t.Errorf("%+v", o)
	}
	if o.Target("eu-nis2/service").String() != "2 h" || !o.Target("other/clock").IsZero() {
		t.Error("targets are lost")
	}
}

func TestHolidaysAreThoseOfTheOnlyCountry(t *testing.T) {
	t.Parallel()
	g := load(t)
	for text, want := range map[string]*calendar.Table{
		`{"name": "x", "kind": "enterprise", "jurisdictions": ["FR"]}`:       g.tables["fr"],
		`{"name": "x", "kind": "enterprise", "jurisdictions": ["FR", "DE"]}`: nil,
		`{"name": "x", "kind": "enterprise", "jurisdictions": ["AQ"]}`:       nil,
		`{"name": "x", "kind": "enterprise"}`:                                nil,
	} {
		if o, err := g.read(text); err != nil || o.Table() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDescriptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	g := load(t)
	for text, says := range map[string]string{
		``:                                      "EOF",
		`{"name": "x", "kind": "enterprise"} 1`: "something follows",
		`{"kind": "enterprise"}`:                "name: 1 to",
		`{"name": "x", "kind": "firm"}`:         "kind: nothing is called",
		`{"name": "x", "kind": "enterprise", "sector": []}`:                                          "unknown field",
		`{"name": "x", "kind": "enterprise", "sectors": ["energie"]}`:                                `did you mean "energy"?`,
		`{"name": "x", "kind": "enterprise", "designations": ["cn.cii_operater"]}`:                   `did you mean "cn.cii_operator"?`,
		`{"name": "x", "kind": "enterprise", "unsure": ["x"]}`:                                       "unsure: nothing",
		`{"name": "x", "kind": "enterprise", "regions": ["Berlin"]}`:                                 "ISO 3166",
		`{"name": "x", "kind": "enterprise", "zone": "Mars/Base"}`:                                   "a time zone as",
		`{"name": "x", "kind": "enterprise", "zone": "Local"}`:                                       "a time zone as",
		`{"name": "x", "kind": "enterprise", "zone": "../../etc/passwd"}`:                            "a time zone as",
		`{"name": "x", "kind": "enterprise", "holidays": "xx"}`:                                      "no table is called",
		`{"name": "x", "kind": "enterprise", "targets": {"a/b": "soon"}}`:                            "limit \"soon\"",
		`{"name": "x", "kind": "enterprise", "facts": {"asset.is_cii": true}}`:                       "not of an organisation",
		`{"name": "x", "kind": "enterprise", "facts": {"entity.sectors": ["energy"]}}`:               "follows from the description",
		`{"name": "` + strings.Repeat("x", 300) + `", "kind": "enterprise"}`:                         "name: 1 to",
		`{"name": "x", "kind": "enterprise", "regions": [` + strings.Repeat(`"DE",`, 300) + `"DE"]}`: "more than",
		strings.Repeat(" ", 1<<18) + `{}`:                                                            "larger than",
	} {
		if _, err := g.read(text); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.90s: %v, want %q in it", text, err, says)
		}
	}
}

func TestTaxonomyIsWhole(t *testing.T) {
	t.Parallel()
	g := load(t)
	seen := map[string]bool{}
	cii, annexes := map[string]bool{}, map[string]bool{}
	for _, s := range g.taxonomy.Sectors {
		parent, _, below := strings.Cut(s.Code, ".")
		if seen[s.Code] || below && !seen[parent] || s.Title.ZH == "" {
			t.Errorf("sector %s stands twice, before its parent or without a Chinese title", s.Code)
		}
		seen[s.Code] = true
		cii[s.CII] = true
		annex, _, _ := strings.Cut(s.NIS2, "(")
		annexes[annex] = true
	}
	for name := range strings.FieldsSeq("公共通信和信息服务 能源 交通 水利 金融 公共服务 电子政务 国防科技工业") {
		if !cii[name] {
			t.Errorf("no sector is %s", name)
		}
	}
	for name := range strings.FieldsSeq("I.1 I.2 I.3 I.4 I.5 I.6 I.7 I.8 I.9 I.10 I.11 II.1 II.2 II.3 II.4 II.5 II.6 II.7") {
		if !annexes[name] {
			t.Errorf("no sector is NIS2 %s", name)
		}
	}
	for _, d := range g.taxonomy.Designations {
		if prefix, _, _ := strings.Cut(d.Code, "."); seen[d.Code] || d.Title.ZH == "" || d.Jurisdiction == "" || prefix == d.Code {
			t.Errorf("designation %s", d.Code)
		}
		seen[d.Code] = true
	}
}

// FuzzRead takes any text for an organisation: it is refused, or states facts
// that there are.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"name": "x", "kind": "support", "sectors": ["energy.gas"], "regions": ["CN-GD"], "designations": ["cn.mlps_3"], "unsure": ["cn.mlps_4"]}`,
		`{"name": "x", "kind": "authority", "zone": "Asia/Shanghai", "holidays": "cn", "targets": {"a/b": "2 h"}, "facts": {"entity.employees": 5}}`,
	} {
		f.Add([]byte(seed))
	}
	g := load(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := g.taxonomy.Read(g.dictionary, g.tables, text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Error(err)
			}
			return
		}
		for key := range o.Stated() {
			if g.dictionary.Definition(key) == nil {
				t.Errorf("it states %q", key)
			}
		}
		if _, err := json.Marshal(o); err != nil {
			t.Error(err)
		}
	})
}
