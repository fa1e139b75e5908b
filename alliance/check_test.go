package alliance_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/internal/fault"
)

var (
	now        = time.Date(2017, 5, 12, 15, 24, 0, 0, time.UTC)
	killSwitch = "iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea.com"
)

// expect compares what a check said with the field that was to be wrong; "" is none.
func expect(t *testing.T, err error, field string) {
	t.Helper()
	problems := alliance.ProblemsOf(err)
	if field == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	if !errors.Is(err, fault.Invalid) || !slices.ContainsFunc(problems, func(p *alliance.Problem) bool { return p.Field == field }) {
		t.Errorf("got %v; want a problem at %s", err, field)
	}
}

func card() *alliance.Card {
	return &alliance.Card{
		Node: nodes[0], Revision: 1, Issued: now, Kind: alliance.Enterprise, TimeZone: "Europe/Vienna",
		Names:   map[string]string{"en": "Smith & Sons", "zh-CN": "某公司"},
		Sectors: []string{"health.hospital", "energy"}, Regions: []string{"AT", "CN-31"},
		Contacts: []alliance.Contact{{Role: "duty", Name: "Ann", Mail: "duty@example.org", Phone: "+43 (1) 234-567"}},
		Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		ASNs:     []uint32{64496}, Domains: []string{"example.org", "example.co.uk"},
	}
}

func TestCardsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*alliance.Card)
		field  string
	}{
		"good":                 {func(*alliance.Card) {}, ""},
		"no node":              {func(c *alliance.Card) { c.Node = "n1" }, "/node"},
		"no revision":          {func(c *alliance.Card) { c.Revision = 0 }, "/revision"},
		"no name":              {func(c *alliance.Card) { c.Names = nil }, "/names"},
		"no language":          {func(c *alliance.Card) { c.Names = map[string]string{"english": "x"} }, "/names/english"},
		"a name that turns":    {func(c *alliance.Card) { c.Names["en"] = "a\u202eb" }, "/names/en"},
		"a name of two lines":  {func(c *alliance.Card) { c.Names["en"] = "a\nb" }, "/names/en"},
		"a long name":          {func(c *alliance.Card) { c.Names["en"] = strings.Repeat("x", 513) }, "/names/en"},
		"no kind":              {func(c *alliance.Card) { c.Kind = "club" }, "/kind"},
		"a sector in capitals": {func(c *alliance.Card) { c.Sectors = []string{"Health"} }, "/sectors/0"},
		"an empty sector":      {func(c *alliance.Card) { c.Sectors = []string{"health."} }, "/sectors/0"},
		"a sector twice":       {func(c *alliance.Card) { c.Sectors = []string{"health", "health"} }, "/sectors/1"},
		"no country":           {func(c *alliance.Card) { c.Regions = []string{"QQ"} }, "/regions/0"},
		"a continent":          {func(c *alliance.Card) { c.Regions = []string{"150"} }, "/regions/0"},
		"no zone":              {func(c *alliance.Card) { c.TimeZone = "Europe/Wien" }, "/time_zone"},
		"the machine's zone":   {func(c *alliance.Card) { c.TimeZone = "Local" }, "/time_zone"},
		"a zone elsewhere":     {func(c *alliance.Card) { c.TimeZone = "../../etc/passwd" }, "/time_zone"},
		"nobody to reach":      {func(c *alliance.Card) { c.Contacts = nil }, "/contacts"},
		"no way to reach":      {func(c *alliance.Card) { c.Contacts[0].Mail, c.Contacts[0].Phone = "", "" }, "/contacts/0"},
		"two addresses":        {func(c *alliance.Card) { c.Contacts[0].Mail = "a@b.org, c@d.org" }, "/contacts/0/mail"},
		"a header in mail":     {func(c *alliance.Card) { c.Contacts[0].Mail = "a@b.org\nBcc: c@d.org" }, "/contacts/0/mail"},
		"no telephone":         {func(c *alliance.Card) { c.Contacts[0].Phone = "call me" }, "/contacts/0/phone"},
		"everything":           {func(c *alliance.Card) { c.Networks[0] = netip.MustParsePrefix("0.0.0.0/0") }, "/networks/0"},
		"a private network":    {func(c *alliance.Card) { c.Networks[0] = netip.MustParsePrefix("10.0.0.0/8") }, "/networks/0"},
		"not masked":           {func(c *alliance.Card) { c.Networks[0] = netip.MustParsePrefix("198.51.100.7/24") }, "/networks/0"},
		"a network twice":      {func(c *alliance.Card) { c.Networks[1] = c.Networks[0] }, "/networks/1"},
		"no network":           {func(c *alliance.Card) { c.Networks[0] = netip.Prefix{} }, "/networks/0"},
		"system 0":             {func(c *alliance.Card) { c.ASNs = []uint32{0} }, "/asns"},
		"a suffix":             {func(c *alliance.Card) { c.Domains[0] = "co.uk" }, "/domains/0"},
		"capitals":             {func(c *alliance.Card) { c.Domains[0] = "Example.org" }, "/domains/0"},
		"no domain":            {func(c *alliance.Card) { c.Domains[0] = "a b" }, "/domains/0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			is := card()
			c.change(is)
			expect(t, is.Check(), c.field)
		})
	}
}

func warning() *alliance.Warning {
	return &alliance.Warning{
		ID: "01BX5ZZKBKACTAV9WEVGEMMVRZ", Number: "2017-001", Revision: 1, Author: nodes[0], Category: "malware", Colour: alliance.Red,
		Issued: now, Effective: now, Expires: new(now.Add(720 * time.Hour)), Marking: intel.TLPGreen, PAP: "green",
		Scope: alliance.Scope{Sectors: []string{"health"}},
		Texts: []alliance.Text{{Language: "en", Title: "WannaCry", Body: "It spreads.\nPatch.", Impact: "Files are lost."}},
		Indicators: []alliance.Indicator{
			{Kind: intel.Domain, Value: killSwitch, Action: intel.DoNotBlock, Why: "Whoever reaches it is spared."},
			{Kind: intel.IPAddress, Value: "198.51.100.7", Port: 445, Action: intel.Block, Label: "WannaCry"},
			{Kind: intel.IPAddress, Value: "198.51.100.7", Action: intel.Detect},
			{Kind: intel.URL, Value: "http://example.net/a", Match: intel.MatchPrefix, Action: intel.Block},
			{Kind: intel.CommandLine, Value: "tasksche", Match: intel.MatchSubstring},
		},
		Rules: []alliance.Rule{{ID: "r-1", Text: "title: x\r\ndetection: {}"}},
		Products: []alliance.Product{
			{CPE: `cpe:2.3:o:microsoft:windows_7:-:sp1:*:*:*:*:*:*`},
			{PURL: "pkg:npm/left-pad", Versions: "vers:npm/>=1.0|<2.0"},
			{CPE: `cpe:2.3:a:x\:y:z:1\.0:*:*:*:*:*:*:*`},
		},
		Measures:   []alliance.Measure{{ID: "m1", Text: "Patch MS17-010.", Due: now.Add(24 * time.Hour), Evidence: true}},
		References: []string{"https://example.org/ms17-010"},
		Ask:        alliance.Ask{Since: now.Add(-720 * time.Hour), TimePercent: 99, By: now.Add(time.Hour)},
	}
}

func TestWarningsAreChecked(t *testing.T) {
	t.Parallel()
	add := func(i alliance.Indicator) func(*alliance.Warning) {
		return func(w *alliance.Warning) { w.Indicators = append(w.Indicators, i) }
	}
	spared := func(kind intel.ObservableKind, value string, blocked alliance.Indicator) func(*alliance.Warning) {
		return func(w *alliance.Warning) {
			blocked.Action = intel.Block
			w.Indicators = []alliance.Indicator{{Kind: kind, Value: value, Action: intel.DoNotBlock, Why: "x"}, blocked}
		}
	}
	for name, c := range map[string]struct {
		change func(*alliance.Warning)
		field  string
	}{
		"good":                    {func(*alliance.Warning) {}, ""},
		"no id":                   {func(w *alliance.Warning) { w.ID = "" }, "/id"},
		"a path as id":            {func(w *alliance.Warning) { w.ID = "../x" }, "/id"},
		"no number":               {func(w *alliance.Warning) { w.Number = " " }, "/number"},
		"no colour":               {func(w *alliance.Warning) { w.Colour = "pink" }, "/colour"},
		"no marking there is":     {func(w *alliance.Warning) { w.Marking = 9 }, "/tlp"},
		"red to nobody":           {func(w *alliance.Warning) { w.Marking = intel.TLPRed }, "/scope/members"},
		"red to one":              {func(w *alliance.Warning) { w.Marking, w.Scope = intel.TLPRed, alliance.To(nodes[1]) }, ""},
		"to no node":              {func(w *alliance.Warning) { w.Scope = alliance.To("x") }, "/scope/members/0"},
		"no pap":                  {func(w *alliance.Warning) { w.PAP = "white" }, "/pap"},
		"expired":                 {func(w *alliance.Warning) { w.Expires = new(now) }, "/expires"},
		"no text":                 {func(w *alliance.Warning) { w.Texts = nil }, "/texts"},
		"a language twice":        {func(w *alliance.Warning) { w.Texts = append(w.Texts, w.Texts[0]) }, "/texts/1/language"},
		"no title":                {func(w *alliance.Warning) { w.Texts[0].Title = "" }, "/texts/0/title"},
		"a bell":                  {func(w *alliance.Warning) { w.Texts[0].Body = "a\a" }, "/texts/0/body"},
		"not a normal form":       {add(alliance.Indicator{Kind: intel.Domain, Value: "Example.ORG"}), "/indicators/5/value"},
		"no such thing":           {add(alliance.Indicator{Kind: intel.MD5, Value: "abc"}), "/indicators/5/value"},
		"no kind":                 {add(alliance.Indicator{Value: "abc"}), "/indicators/5/value"},
		"a part of no kind":       {add(alliance.Indicator{Value: "abcd", Match: intel.MatchSubstring}), "/indicators/5/kind"},
		"too little of a text":    {add(alliance.Indicator{Kind: intel.URL, Value: "a", Match: intel.MatchSubstring}), "/indicators/5/value"},
		"the beginning of a hash": {add(alliance.Indicator{Kind: intel.MD5, Value: strings.Repeat("0", 32), Match: intel.MatchPrefix}), "/indicators/5/match"},
		"a port of a domain":      {add(alliance.Indicator{Kind: intel.Domain, Value: "example.org", Port: 80}), "/indicators/5/port"},
		"no action there is":      {add(alliance.Indicator{Kind: intel.Domain, Value: "example.org", Action: 3}), "/indicators/5/action"},
		"spared without a reason": {add(alliance.Indicator{Kind: intel.Domain, Value: "example.org", Action: intel.DoNotBlock}), "/indicators/5/why"},
		"surer than sure":         {add(alliance.Indicator{Kind: intel.Domain, Value: "example.org", Confidence: 101}), "/indicators/5/confidence"},
		"over before it began":    {add(alliance.Indicator{Kind: intel.Domain, Value: "example.org", From: &now, Until: &now}), "/indicators/5/until"},
		"asked twice":             {add(alliance.Indicator{Kind: intel.IPAddress, Value: "198.51.100.7", Action: intel.Block}), "/indicators/5"},
		"blocked and not":         {add(alliance.Indicator{Kind: intel.Domain, Value: killSwitch, Match: intel.MatchExactly, Action: intel.Block}), "/indicators/5"},
		"a domain above":          {spared(intel.Domain, "www.example.org", alliance.Indicator{Kind: intel.Domain, Value: "example.org"}), "/indicators/1"},
		"that domain alone":       {spared(intel.Domain, "www.example.org", alliance.Indicator{Kind: intel.Domain, Value: "example.org", Match: intel.MatchExactly}), ""},
		"a domain below":          {spared(intel.Domain, "example.org", alliance.Indicator{Kind: intel.Domain, Value: "www.example.org"}), ""},
		"a range around":          {spared(intel.IPAddress, "198.51.100.7", alliance.Indicator{Kind: intel.IPRange, Value: "198.51.100.0/24"}), "/indicators/1"},
		"a range beside":          {spared(intel.IPAddress, "198.51.101.7", alliance.Indicator{Kind: intel.IPRange, Value: "198.51.100.0/24"}), ""},
		"a range within":          {spared(intel.IPRange, "198.51.0.0/16", alliance.Indicator{Kind: intel.IPRange, Value: "198.51.100.0/24"}), "/indicators/1"},
		"an address within":       {spared(intel.IPRange, "198.51.0.0/16", alliance.Indicator{Kind: intel.IPAddress, Value: "198.51.100.7"}), "/indicators/1"},
		"a page of it":            {spared(intel.Domain, killSwitch, alliance.Indicator{Kind: intel.URL, Value: "http://www." + killSwitch + "/"}), "/indicators/1"},
		"a page of its address":   {spared(intel.IPRange, "198.51.0.0/16", alliance.Indicator{Kind: intel.URL, Value: "http://198.51.100.7/"}), "/indicators/1"},
		"another page":            {spared(intel.Domain, killSwitch, alliance.Indicator{Kind: intel.URL, Value: "http://example.net/"}), ""},
		"two rules of an id":      {func(w *alliance.Warning) { w.Rules = append(w.Rules, w.Rules[0]) }, "/rules/1/id"},
		"no rule":                 {func(w *alliance.Warning) { w.Rules[0].Text = " " }, "/rules/0/text"},
		"two names of a product":  {func(w *alliance.Warning) { w.Products[0].PURL = "pkg:npm/x" }, "/products/0"},
		"no product":              {func(w *alliance.Warning) { w.Products[0].CPE = "" }, "/products/0"},
		"ten parts":               {func(w *alliance.Warning) { w.Products[0].CPE = "cpe:2.3:a:b:c:d:e:f:g:h:i:j" }, "/products/0/cpe"},
		"an empty part":           {func(w *alliance.Warning) { w.Products[0].CPE = "cpe:2.3:a:b::d:e:f:g:h:i:j:k" }, "/products/0/cpe"},
		"no purl":                 {func(w *alliance.Warning) { w.Products[1].PURL = "npm/left-pad" }, "/products/1/purl"},
		"no range":                {func(w *alliance.Warning) { w.Products[1].Versions = ">=1.0" }, "/products/1/versions"},
		"two measures of an id":   {func(w *alliance.Warning) { w.Measures = append(w.Measures, w.Measures[0]) }, "/measures/1/id"},
		"due at once":             {func(w *alliance.Warning) { w.Measures[0].Due = now }, "/measures/0/due"},
		"asks of tomorrow":        {func(w *alliance.Warning) { w.Ask.Since = now.Add(time.Hour) }, "/ask/since"},
		"more than all":           {func(w *alliance.Warning) { w.Ask.HostPercent = 101 }, "/ask/host_percent"},
		"broken without a reason": {func(w *alliance.Warning) {
			w.BreakGlass = &alliance.BreakGlass{By: "ann", At: now, RatifyBy: now.Add(time.Hour)}
		}, "/break_glass/reason"},
		"not encrypted":            {func(w *alliance.Warning) { w.References[0] = "http://example.org" }, "/references/0"},
		"a script":                 {func(w *alliance.Warning) { w.References[0] = "javascript:alert(1)" }, "/references/0"},
		"another's name before it": {func(w *alliance.Warning) { w.References[0] = "https://good.org@evil.org/" }, "/references/0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := warning()
			c.change(w)
			expect(t, w.Check(), c.field)
		})
	}
	draft := warning()
	draft.ID, draft.Number, draft.Revision, draft.Author, draft.Issued = "", "", 0, "", time.Time{}
	expect(t, draft.CheckDraft(), "")
}

func TestAMillionMistakesAreToldInTwenty(t *testing.T) {
	t.Parallel()
	w := warning()
	w.Indicators = slices.Repeat([]alliance.Indicator{{Kind: intel.MD5, Value: "no"}}, 100_000)
	if got := len(alliance.ProblemsOf(w.Check())); got != 20 {
		t.Errorf("%d problems", got)
	}
}

func TestBulletinsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*alliance.Bulletin)
		field  string
	}{
		"issued":                 {func(*alliance.Bulletin) {}, ""},
		"issued again":           {func(b *alliance.Bulletin) { b.Revision, b.Content.Revision = 2, 2 }, "/revision"},
		"amended":                {func(b *alliance.Bulletin) { b.Change, b.Revision, b.Content.Revision = alliance.AmendedChange, 2, 2 }, ""},
		"amended to nothing":     {func(b *alliance.Bulletin) { b.Change, b.Revision, b.Content = alliance.AmendedChange, 2, nil }, "/content"},
		"recalled":               {func(b *alliance.Bulletin) { b.Change, b.Revision, b.Content = alliance.RecalledChange, 2, nil }, ""},
		"recalled and repeated":  {func(b *alliance.Bulletin) { b.Change, b.Revision = alliance.RecalledChange, 2 }, "/content"},
		"of another warning":     {func(b *alliance.Bulletin) { b.Warning = "other" }, "/content/id"},
		"a warning that is none": {func(b *alliance.Bulletin) { b.Content.Texts = nil }, "/content/texts"},
		"no change there is":     {func(b *alliance.Bulletin) { b.Change = "burnt" }, "/change"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := warning()
			b := &alliance.Bulletin{Change: alliance.IssuedChange, Warning: w.ID, Number: w.Number, Revision: 1, At: now, Content: w}
			c.change(b)
			expect(t, b.Check(), c.field)
		})
	}
}

func answer() *alliance.Answer {
	covered := &alliance.Coverage{Since: now.Add(-time.Hour), Until: now, HostsKnown: 10, HostsCovered: 9, Share: 0.96, Carriers: []alliance.LogSources{{LogSource: "windows dns", Sources: 1, Hosts: 9}}}
	seen := alliance.Sightings{Events: 7, Hosts: 2, First: new(now.Add(-time.Minute)), Last: &now}
	return &alliance.Answer{
		Warning: warning().ID, Revision: 1, Member: nodes[1], Sequence: 1, At: now, Verdict: alliance.Hit, Sightings: seen,
		Hits: []alliance.QuestionHit{{Question: 0, Verdict: alliance.Hit, Sightings: seen}},
		Rest: []alliance.Group{
			{Verdict: alliance.Clear, Questions: "1-5", Coverage: covered},
			{Verdict: alliance.CannotTell, Questions: "6-8", Reason: "no inventory"},
		},
	}
}

func TestAnswersAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*alliance.Answer)
		field  string
	}{
		"good":                      {func(*alliance.Answer) {}, ""},
		"of no node":                {func(a *alliance.Answer) { a.Member = "me" }, "/member"},
		"graver than its parts":     {func(a *alliance.Answer) { a.Hits, a.Rest[0].Questions = nil, "0-5" }, "/verdict"},
		"milder than its parts":     {func(a *alliance.Answer) { a.Verdict = alliance.Clear }, "/verdict"},
		"clear on nothing":          {func(a *alliance.Answer) { a.Rest[0].Coverage = nil }, "/rest/0/coverage"},
		"cannot tell why not":       {func(a *alliance.Answer) { a.Rest[1].Reason = "" }, "/rest/1/reason"},
		"a hit among the rest":      {func(a *alliance.Answer) { a.Rest[1].Verdict = alliance.Hit }, "/rest/1/verdict"},
		"a hit of nothing":          {func(a *alliance.Answer) { a.Hits[0].Events = 0 }, "/hits/0/events"},
		"seen last before first":    {func(a *alliance.Answer) { a.Hits[0].Last = new(now.Add(-time.Hour)) }, "/hits/0/last"},
		"no ranges":                 {func(a *alliance.Answer) { a.Rest[0].Questions = "all" }, "/rest/0/questions"},
		"of no questions":           {func(a *alliance.Answer) { a.Rest[0].Questions = "" }, "/rest/0/questions"},
		"answered twice":            {func(a *alliance.Answer) { a.Rest[0].Questions = "0-5" }, "/rest"},
		"one left out":              {func(a *alliance.Answer) { a.Rest[0].Questions = "1-4" }, "/rest"},
		"one left out for now":      {func(a *alliance.Answer) { a.Rest[0].Questions, a.Partial = "1-4", true }, ""},
		"one that was not asked":    {func(a *alliance.Answer) { a.Rest[1].Questions = "6-9" }, "/rest"},
		"covered more than known":   {func(a *alliance.Answer) { a.Rest[0].Coverage.HostsCovered = 11 }, "/rest/0/coverage/hosts_covered"},
		"more than all of the time": {func(a *alliance.Answer) { a.Rest[0].Coverage.Share = 1.01 }, "/rest/0/coverage/share"},
		"a revision to come":        {func(a *alliance.Answer) { a.Revision = 2 }, "/revision"},
		"the verdict alone": {func(a *alliance.Answer) {
			a.Verdict, a.Hits, a.Rest, a.Sightings = alliance.Clear, nil, nil, alliance.Sightings{}
		}, ""},
		"that it cannot tell alone": {func(a *alliance.Answer) { a.Verdict, a.Hits, a.Rest = alliance.CannotTell, nil, nil }, "/reason"},
		"told, and measured":        {func(a *alliance.Answer) { a.Told = &alliance.Told{By: "Ann", How: "telephone", To: "bob", When: now} }, "/rest/0/coverage"},
		"told": {func(a *alliance.Answer) {
			a.Told, a.Rest[0].Coverage = &alliance.Told{By: "Ann", How: "telephone", To: "bob", When: now}, nil
		}, ""},
		"told to nobody": {func(a *alliance.Answer) { a.Told = &alliance.Told{By: "Ann", How: "telephone", When: now} }, "/told/to"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answer()
			c.change(a)
			expect(t, a.Check(warning()), c.field)
		})
	}
}

func TestReportsOnMeasuresAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*alliance.MeasureReport)
		field  string
	}{
		"done":                  {func(*alliance.MeasureReport) {}, ""},
		"done without evidence": {func(m *alliance.MeasureReport) { m.Evidence = "" }, "/evidence"},
		"cannot":                {func(m *alliance.MeasureReport) { m.State = alliance.MeasureCannot }, "/reason"},
		"no state there is":     {func(m *alliance.MeasureReport) { m.State = "soon" }, "/state"},
		"no such measure":       {func(m *alliance.MeasureReport) { m.Measure = "m2" }, "/measure"},
		"by nobody":             {func(m *alliance.MeasureReport) { m.By = "" }, "/by"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &alliance.MeasureReport{Warning: warning().ID, Revision: 1, Measure: "m1", State: alliance.MeasureDone, Evidence: "KB4012598", By: "ann", At: now}
			c.change(m)
			expect(t, m.Check(warning()), c.field)
		})
	}
}

func TestTotalsOfFewAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		members, inSector, hits int
		field                   string
	}{
		"five":                     {5, 5, 2, ""},
		"four":                     {4, 4, 2, "/members"},
		"four of a sector":         {7, 4, 2, "/sectors/health/members"},
		"a sector larger than all": {5, 6, 2, "/sectors/health/members"},
		"more verdicts than asked": {5, 5, 6, "/sectors/health/verdicts"},
		"less than none":           {5, 5, -1, "/sectors/health/verdicts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			totals := &alliance.Totals{Warning: "w", Revision: 1, Sequence: 1, At: now, Members: c.members, Sectors: map[string]alliance.SectorSum{
				"health": {Members: c.inSector, Verdicts: map[alliance.Verdict]int{alliance.Hit: c.hits}},
			}}
			expect(t, totals.Check(), c.field)
		})
	}
}

func TestReceiptsAreChecked(t *testing.T) {
	t.Parallel()
	expect(t, (&alliance.Receipt{Message: "m", SHA256: strings.Repeat("0a", 32), At: now}).Check(), "")
	expect(t, (&alliance.Receipt{Message: "m", SHA256: "x", At: now}).Check(), "/sha256")
}
