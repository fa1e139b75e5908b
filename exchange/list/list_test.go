package list_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/exchange/list"
	"tocsin/intel"
	"tocsin/intel/observable"
)

// read lists what is read of a list: kind, value, what else is said; and the
// lines that are passed over.
func read(t testing.TB, text string, o list.Options) (found []string) {
	t.Helper()
	d, err := list.Recognise([]byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	d.Parse([]byte(text), &o, func(_ int, in *intel.Indicator) {
		line := in.String()
		if in.Port != 0 {
			line += fmt.Sprintf(" port %d", in.Port)
		}
		if in.Match != intel.MatchOrdinary {
			line += " " + in.Match.String()
		}
		said := slices.DeleteFunc([]string{line, in.Label, in.ID, stamp(in.From), stamp(in.Until)}, func(text string) bool { return text == "" })
		line = strings.Join(said, ", ")
		if in.Confidence > 0 {
			line += fmt.Sprintf(", %d%%", in.Confidence)
		}
		found = append(found, line)
	}, func(p list.Problem) {
		found = append(found, fmt.Sprintf("line %d: %s", p.Line, p.Reason))
	})
	return found
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04Z07:00")
}

var lists = map[string]struct {
	text string
	o    list.Options
	want []string
}{
	"plain text": {
		text: "\ufeff# a list\n\n; more\nevil[.]example\r\n192.0.2.7 # c2\nhxxp://evil.example/a\nevil-site.com/b\n198.51.100.0/24\n" +
			"192.0.2.7:8080\nevil.example:8443\n[2001:db8::1]:443\n" + strings.Repeat("Ab", 16) + "\nnothing known\nevil.example:99999\nx*.example\n",
		want: []string{
			"domain evil.example", "ip 192.0.2.7", "url http://evil.example/a", "url //evil-site.com/b prefix", "cidr 198.51.100.0/24",
			"ip 192.0.2.7 port 8080", "url //evil.example:8443/ prefix", "ip 2001:db8::1 port 443", "md5 " + strings.Repeat("ab", 16),
			"line 13: no observable that we know", "line 14: a port that is none", "line 15: a pattern: only values, ranges and beginnings of URLs are matched",
		},
	},
	"a hosts file":  {text: "127.0.0.1 localhost\n0.0.0.0 evil.example\n0.0.0.0 bad.example # why\n", want: []string{"line 1: no observable that we know", "domain evil.example", "domain bad.example"}},
	"an ad blocker": {text: "! Title: x\n||evil.example^\n", want: []string{"domain evil.example"}},
	"kind, value, family": {
		text: "domain\tevil.example\tmalware/x\nip:port\t192.0.2.7:53\tmalware/y\nurl\t/gate.php\tz\nurl\tevil.example/a\tz\ncidr\t10.0.0.0/8\tscan\nother\t2001:db8::1\tscan\nip\tnope.example\tx\nurl\t192.0.2.7:x\tq\n",
		want: []string{
			"domain evil.example, malware/x", "ip 192.0.2.7 port 53, malware/y", "url /gate.php substring, z", "url //evil.example/a prefix, z", "cidr 10.0.0.0/8, scan",
			"ip 2001:db8::1, scan", "domain nope.example, x", "line 8: no observable that we know",
		},
	},
	"a kind not known": {
		text: "domain\tevil.example\tx\n" + strings.Repeat("ip\t192.0.2.7\ty\n", 10) + "yara\trule x\tz\n",
		want: append(append([]string{"domain evil.example, x"}, repeat("ip 192.0.2.7, y", 10)...), "line 12: a kind that we do not know"),
	},
	"a table with names": {
		text: `"first_seen","ioc_type","ioc_value","malware","confidence_level","valid_until","id"` + "\n" +
			`"2024-05-01 10:00:00","ip:port","192.0.2.7:8080","Evil ""X""","75","2025-05-01","41"` + "\n" +
			`"2024-05-01","domain","evil.example","Y","high","","42"` + "\n" + `"2024-05-01","domain","evil.example","Y","100","never","43"` + "\n",
		want: []string{
			`ip 192.0.2.7 port 8080, Evil "X", 41, 2024-05-01T10:00Z, 2025-05-01T00:00Z, 75%`,
			"line 3: a confidence that is no number from 0 to 100", "line 4: an end of validity that is no time",
		},
	},
	"names in a comment": {
		text: "# Feed\n# first_seen_utc,dst_ip,dst_port,malware\n2024-05-01,192.0.2.7,443,Evil\n",
		want: []string{"ip 192.0.2.7, Evil, 2024-05-01T00:00Z"},
	},
	"a column of one kind":  {text: "name;sha256_hash\nx;" + strings.Repeat("ab", 32) + "\ny;" + strings.Repeat("ab", 16) + "\n", want: []string{"sha256 " + strings.Repeat("ab", 32), "md5 " + strings.Repeat("ab", 16)}},
	"a table without names": {text: "7,evil.example,x\n8,bad.example,y\n", want: []string{"domain evil.example", "domain bad.example"}},
	"a column by name":      {text: "a,b,c\nevil.example,bad.example,x\n", o: list.Options{Column: "b"}, want: []string{"domain bad.example"}},
	"a column by number":    {text: "evil.example,bad.example,x\n", o: list.Options{Column: "2"}, want: []string{"domain bad.example"}},
	"what is said of all":   {text: "evil.example\n", o: list.Options{Origin: intel.Origin{Label: "Evil", Confidence: 80}}, want: []string{"domain evil.example, Evil, 80%"}},
	"a long line":           {text: "evil.example\n" + strings.Repeat("x", list.MaxLine+1) + "\n", want: []string{"domain evil.example", "line 2: a line of more than 65,536 bytes"}},
	"nothing":               {text: "", want: nil},
}

func repeat(text string, n int) (list []string) {
	for range n {
		list = append(list, text)
	}
	return list
}

func TestLists(t *testing.T) {
	t.Parallel()
	for name, c := range lists {
		if diff := cmp.Diff(c.want, read(t, c.text, c.o)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAColumnThatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a,b\nevil.example,x\n", "evil.example\n", ""} {
		if _, err := list.Recognise([]byte(text), list.Options{Column: "indicators"}); err == nil || !strings.Contains(err.Error(), `"indicators"`) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever a list holds, what is read of it is in normal form, and it is the
// same in one piece and in two.
func FuzzList(f *testing.F) {
	for _, c := range lists {
		if len(c.text) < 1<<10 {
			f.Add(c.text, c.o.Column)
		}
	}
	f.Fuzz(func(t *testing.T, text, column string) {
		o := list.Options{Column: column}
		d, err := list.Recognise([]byte(text), o)
		if err != nil {
			return
		}
		parse := func(text string) (found []string, lines int) {
			lines = d.Parse([]byte(text), &o, func(_ int, in *intel.Indicator) {
				found = append(found, fmt.Sprintf("%v", *in))
				if in.Match == intel.MatchSubstring {
					return
				}
				if again, err := observable.Parse(in.Kind, in.Value); err != nil || again != in.Observable {
					t.Errorf("%s is not in normal form: %s, %v", in.Observable, again, err)
				}
			}, func(list.Problem) {})
			return found, lines
		}
		whole, lines := parse(text)
		at := strings.IndexByte(text, '\n') + 1
		if strings.HasPrefix(text[at:], "\ufeff") {
			return // a mark counts at the beginning only
		}
		first, before := parse(text[:at])
		second, after := parse(text[at:])
		if diff := cmp.Diff(whole, append(first, second...)); diff != "" || lines != before+after {
			t.Errorf("in two pieces: %d lines of %d, -whole +pieces:\n%s", before+after, lines, diff)
		}
	})
}
