package cef_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/cef"
)

const header = "CEF:0|Acme|Wall|1.2|100|Port scan|7|"

func decode(t *testing.T, line string) []string {
	t.Helper()
	names := intel.NewNames(nil)
	var rec intel.Record
	if err := cef.NewDecoder(names).Decode([]byte(line), &rec); err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, f := range rec.Fields {
		fields = append(fields, names.Text(f.Name)+"="+string(f.Value))
	}
	return fields
}

func TestHeader(t *testing.T) {
	t.Parallel()
	want := []string{"Version=0", "DeviceVendor=Acme", "DeviceProduct=Wa|ll", `DeviceVersion=1\2`, "DeviceEventClassID=100", "Name=Port scan", "Severity=7"}
	for _, line := range []string{
		`CEF:0|Acme|Wa\|ll|1\\2|100|Port scan|7|`,
		`CEF: 0 | Acme |Wa\|ll|1\\2|100|Port scan|7`,
		"CEF:0|Acme|Wa\\|ll|1\\2|100|Port scan|7|\r\n",
	} {
		if diff := cmp.Diff(want, decode(t, line)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", line, diff)
		}
	}
}

func TestExtension(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, extension string
		want            []string
	}{
		{"none", "", nil},
		{"values with blanks", "src=192.0.2.1 msg=three  ports  dpt=22 act=", []string{"src=192.0.2.1", "msg=three  ports", "dpt=22", "act="}},
		{"escapes", `msg=a\=b c\\d e\nf\rg \q request=x`, []string{"msg=a=b c\\d e\nf\rg \\q", "request=x"}},
		{"an equals sign that nobody escaped", "request=http://h/?a=b&c=d fname=x", []string{"request=http://h/?a=b&c=d", "fname=x"}},
		{"a path that nobody escaped", `filePath=C:\Users\ada fname=x`, []string{`filePath=C:\Users\ada`, "fname=x"}},
		{"a word like a key within an escape", `msg=say x\=1 dpt=2`, []string{"msg=say x=1", "dpt=2"}},
		{
			"labels before and after", "cs1Label=Rule Name cs1=deny all cn1=7 cn1Label=Hits cs2Label=Unused",
			[]string{"cs1Label=Rule Name", "cs1=deny all", "cn1=7", "cn1Label=Hits", "cs2Label=Unused", "Rule Name=deny all", "Hits=7"},
		},
		{"keys of vendors", "ad.event_id=5 ad.x[0]=y", []string{"ad.event_id=5", "ad.x[0]=y"}},
		{"text before the first key", "hello src=1", []string{"src=1"}},
		{"a backslash at the end", `msg=x\`, []string{`msg=x\`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := decode(t, header+test.extension)[7:]
			if diff := cmp.Diff(test.want, append([]string(nil), got...)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]error{
		"":                  cef.ErrNotCEF,
		"LEEF:1.0|a|b|c|d|": cef.ErrNotCEF,
		"CEF:0|Acme|Wall":   cef.ErrHeader,
	} {
		var rec intel.Record
		if err := cef.NewDecoder(intel.NewNames(nil)).Decode([]byte(line), &rec); !errors.Is(err, want) || len(rec.Fields) > 0 {
			t.Errorf("%q: error %v, %d fields", line, err, len(rec.Fields))
		}
	}
}

func TestLooks(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]bool{
		header + "src=1\n":                       true,
		"\n" + header + "\nx":                    true,
		"CEF:0|a|b|c|d|e|5":                      true,
		"CEF:0|a|b":                              false,
		"CEF: what it is|a|b|c|d|e|f":            false,
		"":                                       false,
		"<13>Mar  1 09:08:07 h " + header + "\n": false,
	} {
		if got := cef.Looks([]byte(head)); got != want {
			t.Errorf("Looks(%q) = %v", head, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(header + `src=1 msg=a\=b c cs1=x cs1Label=Y Z`)
	f.Add(`CEF:0|a\|b|\\|c|d|e|f`)
	f.Add("CEF:|||||||=a = b= =")
	decoder := cef.NewDecoder(intel.NewNames(nil))
	f.Fuzz(func(t *testing.T, line string) {
		var rec intel.Record
		err := decoder.Decode([]byte(line), &rec)
		if err == nil && len(rec.Fields) < 7 {
			t.Errorf("%d fields", len(rec.Fields))
		}
		if cef.IsEvent([]byte(line)) && errors.Is(err, cef.ErrNotCEF) {
			t.Error("looks like an event, and is refused as none")
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	line := []byte(header + "rt=1700000000000 src=192.0.2.1 spt=50123 dst=198.51.100.7 dpt=443 proto=TCP act=blocked " +
		"cs1Label=Rule Name cs1=deny all request=https://example.net/a?b\\=c requestMethod=GET " + strings.Repeat("msg=three ports in a row ", 2))
	decoder := cef.NewDecoder(intel.NewNames(nil))
	var rec intel.Record
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		rec.Reset()
		if err := decoder.Decode(line, &rec); err != nil {
			b.Fatal(err)
		}
	}
}
