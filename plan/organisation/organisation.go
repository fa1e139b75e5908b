// Package organisation describes whom a regime may bind: what kind of
// organisation it is, in which sectors, regions and jurisdictions, and what
// authorities have designated it as.
//
// Its words: a Designation is a status that law gives or that follows from law,
// as "cn.cii_operator"; a sector is one of one taxonomy, onto which the annexes
// of NIS2 and the sectors of Chinese critical infrastructure are mapped. Both
// are data: designations.yaml and sectors.yaml.
//
// It decides nothing: it states the organisation as facts below "entity.", and
// regimes ask for those as for any other fact. A designation that somebody is
// unsure of is listed under "unsure", and is then unknown rather than absent.
package organisation

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/strict"
	"tocsin/plan/calendar"
	"tocsin/plan/fact"
)

//go:embed designations.yaml sectors.yaml
var files embed.FS

// Kinds are what an organisation can be.
var kinds = []fact.Word{
	{Code: "authority", Title: fact.Title{EN: "Authority", ZH: "主管部门"}},
	{Code: "association", Title: fact.Title{EN: "Association", ZH: "行业协会"}},
	{Code: "enterprise", Title: fact.Title{EN: "Enterprise", ZH: "企事业单位"}},
	{Code: "support", Title: fact.Title{EN: "Support: a security company or technical team for several members", ZH: "技术支撑单位"}},
}

// Designation is a status that decides which regimes bind.
type Designation struct {
	Code         string     `yaml:"code" json:"code"`
	Title        fact.Title `yaml:"title" json:"title"`
	Jurisdiction string     `yaml:"jurisdiction" json:"jurisdiction"`
	Note         string     `yaml:"note" json:"note,omitempty"`
}

// Sector is one of the taxonomy. A sector below another has its code and a dot
// before its own.
type Sector struct {
	Code  string     `yaml:"code" json:"code"`
	Title fact.Title `yaml:"title" json:"title"`
	// NIS2 is the place in the annexes of Directive (EU) 2022/2555, as "I.1".
	NIS2 string `yaml:"nis2" json:"nis2,omitempty"`
	// CII is the sector's name in article 2 of China's regulation on the
	// protection of critical information infrastructure.
	CII string `yaml:"cii" json:"cii,omitempty"`
}

// Taxonomy is every sector and designation there is. It does not change.
type Taxonomy struct {
	Sectors      []Sector
	Designations []Designation
}

// Load reads the taxonomy that comes with the program.
func Load() (*Taxonomy, error) {
	var t Taxonomy
	var sectors struct {
		Sectors []Sector `yaml:"sectors"`
	}
	var designations struct {
		Designations []Designation `yaml:"designations"`
	}
	if _, err := strict.LoadFS(files, "sectors.yaml", &sectors); err != nil {
		return nil, err
	}
	if _, err := strict.LoadFS(files, "designations.yaml", &designations); err != nil {
		return nil, err
	}
	t.Sectors, t.Designations = sectors.Sectors, designations.Designations
	return &t, nil
}

// Definitions are the facts that a description of an organisation states.
func (t *Taxonomy) Definitions() []fact.Definition {
	var sectors, designations []fact.Word
	for _, s := range t.Sectors {
		sectors = append(sectors, fact.Word{Code: s.Code, Title: s.Title})
	}
	for _, d := range t.Designations {
		designations = append(designations, fact.Word{Code: d.Code, Title: d.Title})
	}
	return []fact.Definition{
		{Key: "entity.kind", Type: fact.Enum, Title: fact.Title{EN: "Kind of organisation", ZH: "单位类型"}, Values: slices.Clone(kinds)},
		{Key: "entity.sectors", Type: fact.Set, Title: fact.Title{EN: "Sectors", ZH: "行业和领域"}, Values: sectors},
		{Key: "entity.regions", Type: fact.Codes, Title: fact.Title{EN: "Regions (ISO 3166-2)", ZH: "所在地区"}},
		{Key: "entity.jurisdictions", Type: fact.Codes, Title: fact.Title{EN: "Jurisdictions (ISO 3166-1, EU)", ZH: "法域"}},
		{Key: "entity.designations", Type: fact.Set, Title: fact.Title{EN: "Designations", ZH: "法定身份"}, Values: designations},
	}
}

// Organisation is one organisation as its people describe it.
type Organisation struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Sectors []string `json:"sectors,omitempty"`
	Regions []string `json:"regions,omitempty"`
	// Jurisdictions are countries by ISO 3166-1; EU follows from a member state.
	Jurisdictions []string `json:"jurisdictions,omitempty"`
	Designations  []string `json:"designations,omitempty"`
	// Unsure are designations of which nobody could say yet.
	Unsure []string `json:"unsure,omitempty"`
	// Zone is where it keeps its clocks, as Europe/Berlin; Holidays names the
	// table of holidays that counts for it.
	Zone     string `json:"zone,omitempty"`
	Holidays string `json:"holidays,omitempty"`
	// Facts are further facts about it, below "entity.".
	Facts json.RawMessage `json:"facts,omitempty"`
	// Targets are what it sets itself where the law has no number, by regime
	// and clock, as "cn-reporting-2025/crime": "2 h".
	Targets map[string]string `json:"targets,omitempty"`

	facts   fact.Facts
	zone    *time.Location
	table   *calendar.Table
	targets map[string]calendar.Limit
}

// limits of a description.
const (
	maxDescription = 1 << 18
	maxList        = 200
	maxName        = 200
)

// memberStates are the Member States of the Union.
var memberStates = strings.Fields("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE")

// Read reads a description from JSON, given the facts there are and the tables of
// holidays. The error is fault.Invalid.
func (t *Taxonomy) Read(dictionary *fact.Dictionary, tables map[string]*calendar.Table, text []byte) (*Organisation, error) {
	o, err := t.read(dictionary, text)
	if err == nil {
		err = o.settle(tables)
	}
	if err != nil {
		return nil, fmt.Errorf("organisation: %w: %w", err, fault.Invalid)
	}
	return o, nil
}

func (t *Taxonomy) read(dictionary *fact.Dictionary, text []byte) (*Organisation, error) {
	if len(text) > maxDescription {
		return nil, fmt.Errorf("larger than %d bytes", maxDescription)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var o Organisation
	if err := d.Decode(&o); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("something follows it")
	}
	if err := t.check(&o); err != nil {
		return nil, err
	}
	return &o, o.state(dictionary)
}

// settle finds the table of holidays, which is that of the organisation's only
// country where it names none, and reads its targets.
func (o *Organisation) settle(tables map[string]*calendar.Table) error {
	if o.Holidays != "" {
		if o.table = tables[o.Holidays]; o.table == nil {
			return fmt.Errorf("holidays: no table is called %.100q, there are %v", o.Holidays, slices.Sorted(maps.Keys(tables)))
		}
	} else if len(o.Jurisdictions) == 1 {
		o.table = tables[strings.ToLower(o.Jurisdictions[0])]
	}
	o.targets = map[string]calendar.Limit{}
	for clock, text := range o.Targets {
		limit, err := calendar.ParseLimit(text)
		if err != nil {
			return fmt.Errorf("targets: %.100s: %w", clock, err)
		}
		o.targets[clock] = limit
	}
	return nil
}

var region = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)

func (t *Taxonomy) check(o *Organisation) error {
	var kindCodes, sectors, designations []string
	for _, k := range kinds {
		kindCodes = append(kindCodes, k.Code)
	}
	for _, s := range t.Sectors {
		sectors = append(sectors, s.Code)
	}
	for _, d := range t.Designations {
		designations = append(designations, d.Code)
	}
	if o.Name == "" || len(o.Name) > maxName {
		return fmt.Errorf("name: 1 to %d bytes", maxName)
	}
	for _, list := range []struct {
		name     string
		words    []string
		among    []string
		optional bool
	}{
		{"kind", []string{o.Kind}, kindCodes, false},
		{"sectors", o.Sectors, sectors, true},
		{"designations", o.Designations, designations, true},
		{"unsure", o.Unsure, designations, true},
	} {
		if len(list.words) > maxList {
			return fmt.Errorf("%s: more than %d", list.name, maxList)
		}
		for _, w := range list.words {
			if !slices.Contains(list.among, w) {
				return fmt.Errorf("%s: nothing is called %.100q%s", list.name, w, strict.Nearest(w, list.among))
			}
		}
	}
	for _, code := range append(slices.Clone(o.Regions), o.Jurisdictions...) {
		if !region.MatchString(code) {
			return fmt.Errorf("%.100q: a country as CN or a region as CN-GD (ISO 3166)", code)
		}
	}
	if len(o.Regions)+len(o.Jurisdictions) > maxList || len(o.Targets) > maxList {
		return fmt.Errorf("more than %d regions, jurisdictions or targets", maxList)
	}
	return nil
}

// state makes facts of the description.
func (o *Organisation) state(dictionary *fact.Dictionary) (err error) {
	o.zone = time.UTC
	if o.Zone != "" {
		if o.zone, err = time.LoadLocation(o.Zone); err != nil || o.Zone == "Local" {
			return fmt.Errorf("zone %.100q: a time zone as Europe/Berlin", o.Zone)
		}
	}
	o.facts = fact.Facts{}
	if len(o.Facts) > 0 {
		wrapped, err := json.Marshal(map[string]json.RawMessage{"facts": o.Facts})
		if err != nil {
			return err
		}
		sheet, err := dictionary.ReadSheet(wrapped)
		if err != nil {
			return err
		}
		o.facts = sheet.Facts
	}
	for key := range o.facts {
		if !strings.HasPrefix(key, "entity.") {
			return fmt.Errorf("facts: %s is of an incident, not of an organisation", key)
		}
		if derived(key) {
			return fmt.Errorf("facts: %s follows from the description itself", key)
		}
	}
	o.facts["entity.kind"] = fact.Fact{State: fact.Known, Words: []string{o.Kind}}
	o.facts["entity.sectors"] = known(withParents(o.Sectors))
	o.facts["entity.regions"] = known(withParents(o.Regions))
	o.facts["entity.jurisdictions"] = known(o.jurisdictions())
	designations := known(o.Designations)
	if unsure := slices.DeleteFunc(unique(o.Unsure), func(u string) bool { return slices.Contains(o.Designations, u) }); len(unsure) > 0 {
		designations.State = fact.Estimated
		designations.Possible = append(slices.Clone(designations.Words), unsure...)
	}
	o.facts["entity.designations"] = designations
	return nil
}

func derived(key string) bool {
	return slices.Contains([]string{"entity.kind", "entity.sectors", "entity.regions", "entity.jurisdictions", "entity.designations"}, key)
}

func known(words []string) fact.Fact { return fact.Fact{State: fact.Known, Words: unique(words)} }

func unique(words []string) []string {
	sorted := slices.Clone(words)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// withParents adds what a code is part of: energy to energy.gas, CN to CN-GD.
func withParents(codes []string) []string {
	all := slices.Clone(codes)
	for _, code := range codes {
		if at := strings.LastIndexAny(code, ".-"); at > 0 {
			all = append(all, code[:at])
		}
	}
	return all
}

// jurisdictions are those given, the countries of its regions, and the Union
// with any of its states.
func (o *Organisation) jurisdictions() []string {
	all := slices.Clone(o.Jurisdictions)
	for _, r := range o.Regions {
		country, _, _ := strings.Cut(r, "-")
		all = append(all, country)
	}
	if slices.ContainsFunc(all, func(c string) bool { return slices.Contains(memberStates, c) }) {
		all = append(all, "EU")
	}
	return all
}

// Stated returns the organisation as facts below "entity.".
func (o *Organisation) Stated() fact.Facts { return o.facts }

// Location is where the organisation keeps its clocks; UTC when it does not say.
func (o *Organisation) Location() *time.Location { return o.zone }

// Table is the holidays that count for the organisation; nil when none is known.
func (o *Organisation) Table() *calendar.Table { return o.table }

// Target is what the organisation sets itself for a clock whose law has no
// number, by "regime/clock"; it has no number where there is none.
func (o *Organisation) Target(clock string) calendar.Limit { return o.targets[clock] }
