package accesslog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/accesslog"
)

const w3cHeader = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2025-03-01 00:00:00\r\n" +
	"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status time-taken\r\n"

func decodeW3C(t *testing.T, log string) (records [][]string, errs []error) {
	t.Helper()
	names := intel.NewNames(nil)
	decoder := accesslog.NewW3CDecoder(names)
	var parser accesslog.W3CParser
	var rec intel.Record
	for line := range strings.Lines(log) {
		if accesslog.IsW3CDirective([]byte(line)) {
			if err := parser.Directive([]byte(line)); err != nil {
				errs = append(errs, err)
			}
			continue
		}
		rec.Reset()
		decoder.Use(parser.Header())
		if err := decoder.Decode([]byte(line), &rec); err != nil {
			errs = append(errs, err)
			continue
		}
		records = append(records, fields(names, &rec))
	}
	return records, errs
}

func TestDecodeW3C(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, log string
		want      []string
	}{
		{
			"IIS", w3cHeader + "2025-03-01 07:08:09 10.0.0.1 GET /a.aspx x=1 443 - 192.0.2.1 Mozilla/5.0+(Windows+NT+10.0) https://example.net/a+b 200 15\r\n",
			[]string{
				"date=2025-03-01", "time=07:08:09", "s-ip=10.0.0.1", "cs-method=GET", "cs-uri-stem=/a.aspx", "cs-uri-query=x=1", "s-port=#443",
				"c-ip=192.0.2.1", "cs-user-agent=Mozilla/5.0 (Windows NT 10.0)", "cs-referer=https://example.net/a+b", "sc-status=#200", "time-taken=#15",
				"cs-uri=/a.aspx?x=1",
			},
		},
		{
			"without a query", "#Fields: cs-uri-stem cs-uri-query\n/a -\n",
			[]string{"cs-uri-stem=/a", "cs-uri=/a"},
		},
		{"a whole URI in the log", "#Fields: cs-uri cs-uri-stem\n/a?b /a\n", []string{"cs-uri=/a?b", "cs-uri-stem=/a"}},
		{"strings and tabs", "#Fields: a\tb c\n\"x \"\"y\"\" z\"\t\"-\" \"\"\n", []string{`a=x "y" z`, "b=-", "c="}},
		{
			"Windows firewall", "#Fields: date time action protocol src-ip dst-port\n\n2025-03-01 07:08:09 DROP TCP 192.0.2.1 445\n",
			[]string{"date=2025-03-01", "time=07:08:09", "action=DROP", "protocol=TCP", "src-ip=192.0.2.1", "dst-port=#445"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, errs := decodeW3C(t, strings.ReplaceAll(test.log, "\n\n", "\n"))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			if diff := cmp.Diff([][]string{test.want}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestW3CHeader(t *testing.T) {
	t.Parallel()
	var parser accesslog.W3CParser
	for line := range strings.Lines(w3cHeader) {
		if err := parser.Directive([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	h := parser.Header()
	if h.Software != "Microsoft Internet Information Services 10.0" || h.Date != "2025-03-01 00:00:00" || len(h.Fields) != 13 || h.Fields[9] != "cs-user-agent" {
		t.Errorf("header is %+v", h)
	}
}

func TestW3CRefusals(t *testing.T) {
	t.Parallel()
	for log, want := range map[string]error{
		"a b\n":                                 accesslog.ErrNoFields,
		"#Fields: a b\nx\n":                     accesslog.ErrW3CColumns,
		"#Fields: a b\nx y z\n":                 accesslog.ErrW3CColumns,
		"#Fields: a b\n\n":                      accesslog.ErrW3CColumns,
		"#Fields:" + strings.Repeat(" a", 2000): accesslog.ErrManyFields,
	} {
		records, errs := decodeW3C(t, log)
		if len(errs) != 1 || !errors.Is(errs[0], want) || len(records) > 0 {
			t.Errorf("%.20q: records %q, errors %v", log, records, errs)
		}
	}
}

func TestLooksW3C(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]bool{
		w3cHeader: true, "#Fields: a b": true, "#fields\ta\tb\n": false, "# Fields\nx": false, "x\n#Fields: a\n": false, "": false,
	} {
		if got := accesslog.LooksW3C([]byte(head)); got != want {
			t.Errorf("LooksW3C(%q) = %v", head, got)
		}
	}
}

func FuzzDecodeW3C(f *testing.F) {
	f.Add(w3cHeader + "2025-03-01 07:08:09 10.0.0.1 GET /a x=1 443 - 192.0.2.1 a+b c 200 15\n")
	f.Add("#Fields: cs(User-Agent) cs-uri-stem cs-uri-query\n\"a \"\"b\" - \"\n")
	f.Fuzz(func(_ *testing.T, log string) {
		accesslog.LooksW3C([]byte(log))
		decoder := accesslog.NewW3CDecoder(intel.NewNames(nil))
		var parser accesslog.W3CParser
		var rec intel.Record
		for line := range strings.Lines(log) {
			if accesslog.IsW3CDirective([]byte(line)) {
				_ = parser.Directive([]byte(line))
				continue
			}
			rec.Reset()
			decoder.Use(parser.Header())
			_ = decoder.Decode([]byte(line), &rec)
		}
	})
}

func BenchmarkDecodeW3C(b *testing.B) {
	var parser accesslog.W3CParser
	for line := range strings.Lines(w3cHeader) {
		if err := parser.Directive([]byte(line)); err != nil {
			b.Fatal(err)
		}
	}
	line := []byte("2025-03-01 07:08:09 10.0.0.1 GET /a.aspx x=1 443 - 192.0.2.1 Mozilla/5.0+(Windows+NT+10.0) https://example.net/a+b 200 15\r\n")
	decoder := accesslog.NewW3CDecoder(intel.NewNames(nil))
	decoder.Use(parser.Header())
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
