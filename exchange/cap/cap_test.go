package cap_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/exchange/cap"
	"tocsin/internal/fault"
)

// smallest has what is required and nothing else.
const smallest = `<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
 <identifier>1</identifier><sender>s</sender><sent>2026-05-12T08:00:00-00:00</sent>
 <status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
 <info><category>Security</category><event>e</event><urgency>Past</urgency><severity>Minor</severity><certainty>Likely</certainty></info>
</alert>`

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]*cap.Alert{"full": full(), "two infos": func() *cap.Alert { a := full(); a.Infos = append(a.Infos, full().Infos...); return a }()} {
		text, err := cap.Write(a)
		if err != nil {
			t.Fatal(err)
		}
		back, faults, err := cap.Parse(text)
		if diff := cmp.Diff(a, back); diff != "" || err != nil || len(faults) > 0 {
			t.Errorf("%s: %v %v (-want +got):\n%s", name, err, faults, diff)
		}
	}
}

// The schema's rules, which only a document can break.
func TestStructure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, old, text, path string }{
		{"nothing is wrong", "", "", ""},
		{"a prefix is as good as a default namespace", "", "", ""},
		{"elements stand in order", "<sender>s</sender><sent>2026-05-12T08:00:00-00:00</sent>", "<sent>2026-05-12T08:00:00-00:00</sent><sender>s</sender>", "/alert/sender"},
		{"one identifier", "<sender>", "<identifier>2</identifier><sender>", "/alert/identifier"},
		{"one event", "<urgency>", "<event>f</event><urgency>", "/alert/info[1]/event"},
		{"no other element", "<info>", "<comment>x</comment><info>", "/alert/comment"},
		{"no element of another namespace", "<info>", `<note xmlns="urn:x">x</note><info>`, "/alert/note"},
		{"no element in a text", "<event>e</event>", "<event>e<b>f</b></event>", "/alert/info[1]/event/b"},
		{"no text between elements", "<info>", "text<info>", "/alert"},
		{"a signature is allowed", "</alert>", `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><x><y/></x></Signature></alert>`, ""},
		{"comments are allowed", "<info>", "<!-- x --><info>", ""},
		{"an info has its elements", "<event>e</event>", "", "/alert/info[1]/event"},
		{"identifier", "<identifier>1</identifier>", "", "/alert/identifier"},
		{"a parameter has a name", "</info>", "<parameter><value>1</value></parameter></info>", "/alert/info[1]/parameter[1]/valueName"},
		{"character references are read", "<event>e</event>", "<event>&#x65;&amp;</event>", ""},
	} {
		text := strings.Replace(smallest, c.old, c.text, 1)
		if strings.HasPrefix(c.rule, "a prefix") {
			text = strings.NewReplacer("xmlns=", "xmlns:c=", "<?", "<?", "</", "</c:", "<", "<c:").Replace(smallest)
		}
		a, faults, err := cap.Parse([]byte(text))
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.rule, err)
		case c.path == "" && len(faults) > 0, c.path != "" && (len(faults) == 0 || faults[0].Path != c.path):
			t.Errorf("%s: %v", c.rule, faults)
		case a.MsgType != cap.NewAlert:
			t.Errorf("%s: the rest is not read: %+v", c.rule, a)
		}
	}
}

func TestWhatIsNoAlertIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": "", "text": "hello", "another root": "<a/>", "CAP 1.1": strings.Replace(smallest, "cap:1.2", "cap:1.1", 1), "no namespace": strings.Replace(smallest, ` xmlns="urn:oasis:names:tc:emergency:cap:1.2"`, "", 1),
		"cut off": smallest[:200], "two roots": smallest + "<alert/>", "text after": smallest + "x",
		"a document type": `<!DOCTYPE alert [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>` + strings.TrimPrefix(smallest, `<?xml version="1.0" encoding="UTF-8"?>`),
		"an entity":       strings.Replace(smallest, "<event>e", "<event>&nbsp;", 1), "another encoding": strings.Replace(smallest, "UTF-8", "UTF-16", 1),
		"deep":        strings.Replace(smallest, "<info>", strings.Repeat("<x>", 100)+strings.Repeat("</x>", 100)+"<info>", 1),
		"many":        strings.Replace(smallest, "<info>", strings.Repeat("<code>1</code>", 200_000)+"<info>", 1),
		"large":       strings.Replace(smallest, "<event>e", "<event>"+strings.Repeat("e", cap.MaxSize), 1),
		"no UTF-8":    strings.Replace(smallest, "<event>e", "<event>\xff", 1),
		"not closed":  strings.Replace(smallest, "</event>", "</events>", 1),
		"a null byte": strings.Replace(smallest, "<event>e", "<event>\x00", 1),
	} {
		if _, _, err := cap.Parse([]byte(text)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, 5, 12, 10, 30, 5, 7, time.FixedZone("", 7200))
	d := cap.At(moment)
	if d != "2026-05-12T08:30:05-00:00" {
		t.Errorf("got %s", d)
	}
	for _, text := range []cap.DateTime{d, "2026-05-12T10:30:05+02:00", "2026-05-12T08:30:05+00:00"} {
		if got, err := text.Time(); err != nil || !got.Equal(moment.Truncate(time.Second)) {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOf(rapid.StringMatching(`[a-z ,\t]*`)).Draw(t, "items")
		back, err := cap.Split(cap.Join(items))
		if err != nil || len(items) != len(back) || len(items) > 0 && !reflect.DeepEqual(items, back) {
			t.Fatalf("%q became %q: %v", items, back, err)
		}
	})
	references := []cap.Reference{full().Reference(), {"b", "c", "2026-05-12T10:30:05+02:00"}}
	if back, err := cap.SplitReferences(cap.JoinReferences(references)); err != nil || !reflect.DeepEqual(references, back) {
		t.Errorf("%v, %v", back, err)
	}
}

// FuzzParse: whatever the document, it is refused or read; and an alert without
// faults is written and read back equal.
func FuzzParse(f *testing.F) {
	text, err := cap.Write(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(smallest))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, faults, err := cap.Parse(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v", err)
			}
			return
		}
		for _, f := range faults {
			if !f.Advice {
				return
			}
		}
		again, err := cap.Write(a)
		if err != nil {
			t.Fatalf("no faults, and yet: %v", err)
		}
		back, _, err := cap.Parse(again)
		if diff := cmp.Diff(a, back); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}
