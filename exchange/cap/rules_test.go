package cap_test

import (
	"strings"
	"testing"

	"tocsin/exchange/cap"
)

// full is an alert that uses every element.
func full() *cap.Alert {
	return &cap.Alert{
		Identifier: "W-2026-7", Sender: "warnings@cert.example", Sent: "2026-05-12T08:00:00-00:00", Status: cap.Actual, MsgType: cap.NewAlert,
		Source: "duty officer", Scope: cap.Public, Addresses: `alpha "beta gamma"`, Codes: []string{"profile:1"}, Note: "a note",
		References: "warnings@cert.example,W-2026-6,2026-05-11T08:00:00+02:00", Incidents: `WannaCry "second wave"`,
		Infos: []cap.Info{{
			Language: "en-GB", Categories: []cap.Category{cap.Security, cap.Infra}, Event: "Worm", ResponseTypes: []cap.ResponseType{cap.Monitor, cap.Execute},
			Urgency: cap.Immediate, Severity: cap.Extreme, Certainty: cap.Observed, Audience: "operators", EventCodes: []cap.Pair{{"SAME", "CEM"}},
			Effective: "2026-05-12T08:00:00-00:00", Onset: "2026-05-12T07:00:00+01:00", Expires: "2026-05-13T08:00:00-00:00", SenderName: "CERT",
			Headline: "A worm spreads", Description: "It uses <SMB> & more.", Instruction: "Patch.", Web: "https://cert.example/w7", Contact: "+1 555", Parameters: []cap.Pair{{"colour", "red"}},
			Resources: []cap.Resource{
				{Description: "map", MIMEType: "image/png", Size: "1024", URI: "https://cert.example/m.png", Digest: strings.Repeat("ab", 20)},
				cap.Attach("rule", "application/yaml", []byte("title: x\n")),
			},
			Areas: []cap.Area{{
				Description: "The north", Polygons: []string{"38.47,-120.14 38.34,-119.95 38.52,-119.74 38.47,-120.14"}, Circles: []string{"32.9525,-115.5527 10"},
				Geocodes: []cap.Pair{{"ISO3166-2", "GB-ENG"}}, Altitude: "100", Ceiling: "200.5",
			}},
		}},
	}
}

type change func(*cap.Alert, string)

// rules are the element rules of the data dictionary (§3.2.1 to §3.2.4) and of
// the schema: each with values that pass and values that fail. "" is absence.
var rules = []struct {
	rule   string
	path   string
	set    change
	passes []string
	fails  []string
}{
	{"identifier is required and has no blank, comma, < or &", "/alert/identifier", func(a *cap.Alert, v string) { a.Identifier = v }, []string{"43b080713727", "urn:oid:2.49.0.1"}, []string{"", " ", "a b", "a,b", "a<b", "a&b", "a\tb", "a\u00a0b"}},
	{"sender is required and has no blank, comma, < or &", "/alert/sender", func(a *cap.Alert, v string) { a.Sender = v }, []string{"hsas@dhs.gov", "KSTO"}, []string{"", "a b", "a,b", "a<b", "a&b"}},
	{
		"sent is required, with a numeric zone, UTC as -00:00", "/alert/sent", func(a *cap.Alert, v string) { a.Sent = cap.DateTime(v) },
		[]string{"2002-05-24T16:49:00-07:00", "2002-05-24T16:49:00-00:00", "2024-02-29T00:00:00+05:30"},
		[]string{"", "2002-05-24T16:49:00Z", "2002-05-24T16:49:00z", "2002-05-24T16:49:00", "2002-05-24", "2002-05-24T16:49:00.5-07:00", "2002-13-24T16:49:00-07:00", "2023-02-29T00:00:00-00:00", "2002-05-24T16:49:00+00:00", "2002-05-24 16:49:00-07:00", "2002-05-24T25:49:00-07:00", "2002-05-24T16:49:00-0700", "2002-05-24T16:49:00PDT"},
	},
	{"status is one of five", "/alert/status", func(a *cap.Alert, v string) { a.Status = cap.Status(v) }, []string{"Actual", "Exercise", "System", "Test", "Draft"}, []string{"", "actual", "Real", " Actual"}},
	{"msgType is one of five", "/alert/msgType", func(a *cap.Alert, v string) { a.MsgType = cap.MsgType(v) }, []string{"Alert", "Update", "Cancel", "Ack", "Error"}, []string{"", "alert", "Warning"}},
	{"source may be anything", "/alert/source", func(a *cap.Alert, v string) { a.Source = v }, []string{"", "sensor 7"}, []string{"bell\a"}},
	{"scope is one of three", "/alert/scope", func(a *cap.Alert, v string) { a.Scope = cap.Scope(v) }, []string{"Public"}, []string{"", "public", "Secret"}},
	{"restriction is required when scope is Restricted", "/alert/restriction", func(a *cap.Alert, v string) { a.Scope, a.Restriction = cap.Restricted, v }, []string{"TLP:AMBER"}, []string{"", " "}},
	{"restriction is used only when scope is Restricted", "/alert/restriction", func(a *cap.Alert, v string) { a.Restriction = v }, []string{""}, []string{"TLP:AMBER"}},
	{"addresses are required when scope is Private", "/alert/addresses", func(a *cap.Alert, v string) { a.Scope, a.Addresses = cap.Private, v }, []string{"a", `a "b c" d`}, []string{"", "  "}},
	{"addresses with blanks are in double quotes", "/alert/addresses", func(a *cap.Alert, v string) { a.Addresses = v }, []string{"", "a b", `"a b"`}, []string{`"a b`, `a"b"`, `"a"b`}},
	{"code may be anything, any number of times", "/alert/code[1]", func(a *cap.Alert, v string) { a.Codes = []string{v, "2"} }, []string{"1"}, []string{"", "\x01"}},
	{"note may be anything", "/alert/note", func(a *cap.Alert, v string) { a.Note = v }, []string{"", "of an exercise"}, []string{"\x00"}},
	{
		"references are sender,identifier,sent, separated by blanks", "/alert/references", func(a *cap.Alert, v string) { a.References = v },
		[]string{"", "a,b,2002-05-24T16:49:00-07:00", "a,b,2002-05-24T16:49:00-07:00\n c,d,2002-05-24T16:49:00-00:00"},
		[]string{"a", "a,b", "a,b,c", "a,b,2002-05-24T16:49:00Z", "a,,2002-05-24T16:49:00-07:00", ",b,2002-05-24T16:49:00-07:00", "a,b,2002-05-24T16:49:00-07:00,d", "a, b, 2002-05-24T16:49:00-07:00"},
	},
	{"references say which message an Update updates", "/alert/references", func(a *cap.Alert, v string) { a.MsgType, a.References = cap.Update, v }, []string{"a,b,2002-05-24T16:49:00-07:00"}, []string{""}},
	{"references say which message a Cancel cancels", "/alert/references", func(a *cap.Alert, v string) { a.MsgType, a.References = cap.Cancel, v }, []string{"a,b,2002-05-24T16:49:00-07:00"}, []string{""}},
	{"references say which message an Ack acknowledges", "/alert/references", func(a *cap.Alert, v string) { a.MsgType, a.References = "Ack", v }, []string{"a,b,2002-05-24T16:49:00-07:00"}, []string{""}},
	{"references say which message an Error rejects", "/alert/references", func(a *cap.Alert, v string) { a.MsgType, a.References = "Error", v }, []string{"a,b,2002-05-24T16:49:00-07:00"}, []string{""}},
	{"incidents with blanks are in double quotes", "/alert/incidents", func(a *cap.Alert, v string) { a.Incidents = v }, []string{"", "a b", `"a b"`}, []string{`"a b`}},

	{"language is as RFC 3066 writes it; absent means en-US", "/alert/info[1]/language", info(func(i *cap.Info, v string) { i.Language = v }), []string{"", "en-US", "fr", "i-navajo", "zh-Hant-TW"}, []string{"en_US", "englishlanguage", "e n", "en-", "-en", "en-US "}},
	{"category is one of twelve", "/alert/info[1]/category[1]", info(func(i *cap.Info, v string) { i.Categories[0] = cap.Category(v) }), []string{"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"}, []string{"", "Cyber", "geo"}},
	{"category is required", "/alert/info[1]/category", info(func(i *cap.Info, v string) {
		i.Categories = make([]cap.Category, 0, 1)
		i.Categories = list(v, i.Categories)
	}), []string{"Geo"}, []string{""}},
	{"event is required", "/alert/info[1]/event", info(func(i *cap.Info, v string) { i.Event = v }), []string{"Worm"}, []string{"", "\n"}},
	{"responseType is one of nine", "/alert/info[1]/responseType[2]", info(func(i *cap.Info, v string) { i.ResponseTypes[1] = cap.ResponseType(v) }), []string{"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"}, []string{"", "Run"}},
	{"responseType may be absent", "/alert/info[1]/responseType[1]", info(func(i *cap.Info, v string) { i.ResponseTypes = list(v, []cap.ResponseType(nil)) }), []string{""}, []string{"Pray"}},
	{"urgency is one of five", "/alert/info[1]/urgency", info(func(i *cap.Info, v string) { i.Urgency = cap.Urgency(v) }), []string{"Immediate", "Expected", "Future", "Past", "Unknown"}, []string{"", "Soon"}},
	{"severity is one of five", "/alert/info[1]/severity", info(func(i *cap.Info, v string) { i.Severity = cap.Severity(v) }), []string{"Extreme", "Severe", "Moderate", "Minor", "Unknown"}, []string{"", "High"}},
	{"certainty is one of five; Very Likely is of CAP 1.0", "/alert/info[1]/certainty", info(func(i *cap.Info, v string) { i.Certainty = cap.Certainty(v) }), []string{"Observed", "Likely", "Possible", "Unlikely", "Unknown"}, []string{"", "Very Likely", "likely"}},
	{"audience may be anything", "/alert/info[1]/audience", info(func(i *cap.Info, v string) { i.Audience = v }), []string{"", "all"}, []string{"\x02"}},
	{"eventCode has a name", "/alert/info[1]/eventCode[1]/valueName", info(func(i *cap.Info, v string) { i.EventCodes[0].Name = v }), []string{"SAME"}, []string{"", " "}},
	{"eventCode has a value", "/alert/info[1]/eventCode[1]/value", info(func(i *cap.Info, v string) { i.EventCodes[0].Value = v }), []string{"", "CEM"}, []string{"\x03"}},
	{"effective is a time", "/alert/info[1]/effective", info(func(i *cap.Info, v string) { i.Effective = cap.DateTime(v) }), []string{"", "2002-05-24T16:49:00-07:00"}, []string{"2002-05-24T16:49:00Z", "today"}},
	{"onset is a time", "/alert/info[1]/onset", info(func(i *cap.Info, v string) { i.Onset = cap.DateTime(v) }), []string{"", "2002-05-24T16:49:00-07:00"}, []string{"2002-05-24T16:49:00Z", "today"}},
	{"expires is a time", "/alert/info[1]/expires", info(func(i *cap.Info, v string) { i.Expires = cap.DateTime(v) }), []string{"", "2002-05-24T16:49:00-07:00"}, []string{"2002-05-24T16:49:00Z", "never"}},
	{"senderName may be anything", "/alert/info[1]/senderName", info(func(i *cap.Info, v string) { i.SenderName = v }), []string{"", "Föderales Amt"}, []string{"\x04"}},
	{"headline may be anything", "/alert/info[1]/headline", info(func(i *cap.Info, v string) { i.Headline = v }), []string{"", "Short"}, []string{"\x05"}},
	{"description may be anything", "/alert/info[1]/description", info(func(i *cap.Info, v string) { i.Description = v }), []string{"", "Lines\r\nof <text> & more"}, []string{"\xff"}},
	{"instruction may be anything", "/alert/info[1]/instruction", info(func(i *cap.Info, v string) { i.Instruction = v }), []string{"", "Go"}, []string{"\ufffe"}},
	{"web is a full absolute URI", "/alert/info[1]/web", info(func(i *cap.Info, v string) { i.Web = v }), []string{"", "https://cert.example/x?y=1", "mailto:a@b.example"}, []string{"/x", "cert.example", "http://a b", "%zz:"}},
	{"contact may be anything", "/alert/info[1]/contact", info(func(i *cap.Info, v string) { i.Contact = v }), []string{"", "call us"}, []string{"\x06"}},
	{"parameter has a name", "/alert/info[1]/parameter[1]/valueName", info(func(i *cap.Info, v string) { i.Parameters[0].Name = v }), []string{"tocsin:colour"}, []string{""}},

	{"resourceDesc is required", "/alert/info[1]/resource[1]/resourceDesc", resource(func(r *cap.Resource, v string) { r.Description = v }), []string{"map"}, []string{""}},
	{"mimeType is required, a type and a subtype", "/alert/info[1]/resource[1]/mimeType", resource(func(r *cap.Resource, v string) { r.MIMEType = v }), []string{"text/html", "application/vnd.x+json; charset=utf-8"}, []string{"", "html", "text/", "/html", "a b/c"}},
	{"size is a whole number", "/alert/info[1]/resource[1]/size", resource(func(r *cap.Resource, v string) { r.Size = v }), []string{"", "0", "123456"}, []string{"-1", "1.5", "big", "1 kB"}},
	{"uri is a full absolute URI", "/alert/info[1]/resource[1]/uri", resource(func(r *cap.Resource, v string) { r.URI = v }), []string{"", "https://cert.example/m.png"}, []string{"m.png", "http://a b"}},
	{"uri may be relative where derefUri has the content", "/alert/info[1]/resource[2]/uri", info(func(i *cap.Info, v string) { i.Resources[1].URI = v }), []string{"", "rule.yml"}, []string{"a b"}},
	{"derefUri is base64", "/alert/info[1]/resource[1]/derefUri", resource(func(r *cap.Resource, v string) { r.DerefURI, r.Digest = v, "" }), []string{"", "aGVsbG8=", "aGVs\nbG8="}, []string{"***", "aGVsbG8"}},
	{"digest is a SHA-1 digest", "/alert/info[1]/resource[1]/digest", resource(func(r *cap.Resource, v string) { r.Digest = v }), []string{"", strings.Repeat("0A", 20)}, []string{"abc", strings.Repeat("ab", 32), strings.Repeat("zz", 20)}},
	{"digest is that of the content", "/alert/info[1]/resource[2]/digest", info(func(i *cap.Info, v string) { i.Resources[1].Digest = v }), []string{"", cap.Digest([]byte("title: x\n"))}, []string{strings.Repeat("ab", 20)}},

	{"areaDesc is required", "/alert/info[1]/area[1]/areaDesc", area(func(a *cap.Area, v string) { a.Description = v }), []string{"North"}, []string{""}},
	{
		"polygon is closed, of four points or more, in WGS 84", "/alert/info[1]/area[1]/polygon[1]", area(func(a *cap.Area, v string) { a.Polygons[0] = v }),
		[]string{"0,0 0,1 1,1 0,0", "-90,-180 90,180 0,0\n-90,-180", "0.0,0 0,1 1,1 0,0"},
		[]string{"", "0,0 0,1 0,0", "0,0 0,1 1,1 1,0", "0,0 0,1 91,1 0,0", "0,0 0,181 1,1 0,0", "0 0 0 1 1 1 0 0", "0,0 0,x 1,1 0,0", "0,0 0,1e1 1,1 0,0", "0,0,0 0,1,0 1,1,0 0,0,0"},
	},
	{"circle is a point and a radius", "/alert/info[1]/area[1]/circle[1]", area(func(a *cap.Area, v string) { a.Circles[0] = v }), []string{"32.9525,-115.5527 0", "0,0 1.5"}, []string{"", "0,0", "0,0 -1", "0,0 x", "91,0 1", "0,0 1 2", "0 0 1"}},
	{"geocode has a name", "/alert/info[1]/area[1]/geocode[1]/valueName", area(func(a *cap.Area, v string) { a.Geocodes[0].Name = v }), []string{"SAME"}, []string{""}},
	{"altitude is a decimal number", "/alert/info[1]/area[1]/altitude", area(func(a *cap.Area, v string) { a.Altitude = v }), []string{"0", "-10.5", "+3"}, []string{"high", "1e3", "10 ft"}},
	{"ceiling is a decimal number", "/alert/info[1]/area[1]/ceiling", area(func(a *cap.Area, v string) { a.Ceiling = v }), []string{"", "7."}, []string{"high"}},
	{"ceiling is not used without altitude", "/alert/info[1]/area[1]/ceiling", area(func(a *cap.Area, v string) { a.Altitude = v }), []string{"5"}, []string{""}},
}

func info(set func(*cap.Info, string)) change {
	return func(a *cap.Alert, v string) { set(&a.Infos[0], v) }
}

func resource(set func(*cap.Resource, string)) change {
	return func(a *cap.Alert, v string) { set(&a.Infos[0].Resources[0], v) }
}

func area(set func(*cap.Area, string)) change {
	return func(a *cap.Alert, v string) { set(&a.Infos[0].Areas[0], v) }
}

func list[T ~string](v string, to []T) []T {
	if v == "" {
		return to
	}
	return append(to, T(v))
}

// faulty lists the paths that break a rule.
func faulty(a *cap.Alert) (paths []string) {
	for _, f := range a.Faults() {
		if !f.Advice {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

func TestEveryElementRule(t *testing.T) {
	t.Parallel()
	for _, r := range rules {
		for _, value := range r.passes {
			a := full()
			r.set(a, value)
			if got := a.Faults(); len(faulty(a)) > 0 {
				t.Errorf("%s: %q fails: %v", r.rule, value, got)
			}
		}
		for _, value := range r.fails {
			a := full()
			r.set(a, value)
			if got := faulty(a); len(got) == 0 || got[0] != r.path {
				t.Errorf("%s: %q: faults at %q, want %s", r.rule, value, got, r.path)
			}
			if _, err := cap.Write(a); err == nil {
				t.Errorf("%s: an alert with %q is written", r.rule, value)
			}
		}
	}
}

// What the standard says SHOULD is advice: such an alert is valid.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path string
		set  func(*cap.Alert)
	}{
		{"/alert/note", func(a *cap.Alert) { a.Status, a.Note = cap.Exercise, "" }},
		{"/alert/note", func(a *cap.Alert) { a.MsgType, a.Note = cap.ErrorType, "" }},
		{"/alert/info[1]/eventCode[1]/valueName", func(a *cap.Alert) { a.Infos[0].EventCodes[0].Name = "S.A.M.E." }},
		{"/alert/info[1]/parameter[1]/valueName", func(a *cap.Alert) { a.Infos[0].Parameters[0].Name = "Z.I.P" }},
		{"/alert/info[1]/area[1]/geocode[1]", func(a *cap.Alert) { a.Infos[0].Areas[0].Polygons, a.Infos[0].Areas[0].Circles = nil, nil }},
	} {
		a := full()
		if len(a.Faults()) > 0 {
			t.Fatalf("%v", a.Faults())
		}
		c.set(a)
		if got := a.Faults(); len(got) != 1 || got[0].Path != c.path || !got[0].Advice || got[0].Reason == "" {
			t.Errorf("%s: %v", c.path, got)
		}
		if _, err := cap.Write(a); err != nil {
			t.Errorf("%s: %v", c.path, err)
		}
	}
}
