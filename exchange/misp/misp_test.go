package misp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/exchange/misp"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
)

// read lists what is read of a document, and what is passed over.
func read(text string) (found []string, err error) {
	err = misp.Indicators(strings.NewReader(text), intel.Origin{Source: "file"}, func(in *intel.Indicator) {
		line := fmt.Sprintf("%s of %s: %s", in.Observable, in.Source, in.Label)
		if in.Port != 0 {
			line += fmt.Sprintf(", port %d", in.Port)
		}
		if in.Marking != intel.Unmarked || in.Confidence != 0 {
			line += fmt.Sprintf(", %s, %d%%", in.Marking, in.Confidence)
		}
		if !in.From.IsZero() {
			line += ", " + in.From.Format("2006-01-02")
		}
		if in.ID != "" {
			line += ", " + in.ID
		}
		found = append(found, line)
	}, func(path, reason string) { found = append(found, path+": "+reason) })
	return found, err
}

var documents = map[string]struct {
	text string
	want []string
}{
	"an event": {
		text: `{"Event":{"info":"Operation X","Orgc":{"name":"CERT"},"Tag":[{"name":"tlp:green"},{"name":"misp-galaxy:malpedia=\"Evil\""}],"Attribute":[
			{"uuid":"u1","type":"domain","value":"evil.example","to_ids":true,"timestamp":"1714521600"},
			{"type":"ip-dst|port","value":"192.0.2.7|8080","to_ids":true,"Tag":[{"name":"tlp:amber"},{"name":"misp:confidence-level=\"usually-confident\""}]},
			{"type":"filename|sha256","value":"x.exe|` + strings.Repeat("AB", 32) + `","to_ids":true},
			{"type":"domain|ip","value":"bad.example|192.0.2.8","to_ids":"1"},
			{"type":"ip-src","value":"10.0.0.0/8","to_ids":true},
			{"type":"url","value":"hxxp://evil[.]example/a","to_ids":true},
			{"type":"domain","value":"evil.example","to_ids":false},
			{"type":"domain","value":"not a domain","to_ids":true},
			{"type":"yara","value":"rule x {}","to_ids":true},
			{"type":"md5","value":"` + strings.Repeat("ab", 16) + `","to_ids":true,"deleted":true}],
			"Object":[{"name":"file","Attribute":[{"type":"filename","value":"Evil.exe","to_ids":true},{"type":"hostname|port","value":"c2.example|99999","to_ids":true}]}]}}`,
		want: []string{
			"domain evil.example of CERT: Evil, green, 0%, 2024-05-01, u1",
			"ip 192.0.2.7 of CERT: Evil, port 8080, amber, 75%",
			"sha256 " + strings.Repeat("ab", 32) + " of CERT: Evil, green, 0%",
			"domain bad.example of CERT: Evil, green, 0%", "ip 192.0.2.8 of CERT: Evil, green, 0%",
			"cidr 10.0.0.0/8 of CERT: Evil, green, 0%", "url http://evil.example/a of CERT: Evil, green, 0%",
			"Event.Attribute[6]: not meant for detection (to_ids)", "Event.Attribute[7]: a value that is not what its type says",
			`Event.Attribute[8]: type "yara" names no observable that we know`, "Event.Attribute[9]: deleted",
			"filename evil.exe of CERT: Evil, green, 0%", "Event.Object[0].Attribute[1]: a port that is none",
		},
	},
	"an event without wrapping": {`{"info":"X","Attribute":[{"type":"domain","value":"evil.example","to_ids":true}]}`, []string{"domain evil.example of file: X"}},
	"a list of events":          {`[{"Event":{"info":"X","Attribute":[{"type":"domain","value":"a.example","to_ids":true}]}},{"Event":{"info":"Y","Attribute":[{"type":"domain","value":"b.example","to_ids":1}]}}]`, []string{"domain a.example of file: X", "domain b.example of file: Y"}},
	"the answer of a server":    {`{"response":[{"Event":{"info":"X","Attribute":[{"type":"domain","value":"a.example","to_ids":true}]}}]}`, []string{"domain a.example of file: X"}},
	"attributes found": {
		`{"response":{"Attribute":[{"type":"domain","value":"a.example","to_ids":true,"Event":{"info":"X","Orgc":{"name":"CERT"}}}]}}`,
		[]string{"domain a.example of CERT: X"},
	},
	"a single attribute": {`{"type":"domain","value":"a.example","to_ids":true}`, []string{"domain a.example of file: "}},
	"a number as value":  {`{"type":"AS","value":64496,"to_ids":true}`, []string{"asn AS64496 of file: "}},
	"nothing of it":      {`{"version":1,"list":[1,2]}`, nil},
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	for name, c := range documents {
		found, err := read(c.text)
		if diff := cmp.Diff(c.want, found); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestWhatIsNoDocumentIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", `{"Event":[1]}`, `{"Event":{"Attribute":[{"value":"x"`, strings.Repeat("[", 100), `{"response":` + strings.Repeat(`{"response":`, 100)} {
		if _, err := read(text); !errors.Is(err, fault.Invalid) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestWarninglists(t *testing.T) {
	t.Parallel()
	l, err := misp.ReadWarninglist(strings.NewReader(`{"name":"X","type":"regex","matching_attributes":["email-src"],"list":["/^noc\\@.*$/i","plain"]}`))
	want := misp.Warninglist{Name: "X", Type: "regex", MatchingAttributes: []string{"email-src"}, List: []string{"(?i)^noc@.*$", "plain"}}
	if diff := cmp.Diff(want, l); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, text := range []string{"", "[]", `{"type":"string","list":[]}`, `{"name":"X","type":"spell","list":[]}`} {
		if _, err := misp.ReadWarninglist(strings.NewReader(text)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzIndicators: whatever the document, what is read of it is in normal form.
func FuzzIndicators(f *testing.F) {
	for _, c := range documents {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := misp.Indicators(strings.NewReader(text), intel.Origin{}, func(in *intel.Indicator) {
			if again, err := observable.Parse(in.Kind, in.Value); err != nil || again != in.Observable {
				t.Errorf("%s is not in normal form: %v", in.Observable, err)
			}
		}, func(string, string) {})
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzWarninglist: whatever the bytes, a list is read or refused.
func FuzzWarninglist(f *testing.F) {
	f.Add(`{"name":"X","type":"regex","list":["/a/i","/"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := misp.ReadWarninglist(strings.NewReader(text)); err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	})
}
