package accesslog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/accesslog"
)

func fields(names *intel.Names, rec *intel.Record) []string {
	var fields []string
	for _, f := range rec.Fields {
		mark := "="
		if f.Kind == intel.Number {
			mark = "=#"
		}
		fields = append(fields, names.Text(f.Name)+mark+string(f.Value))
	}
	return fields
}

const stamp = "[10/Oct/2000:13:55:36 -0700]"

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line string
		want       []string
	}{
		{
			"common", `192.0.2.1 - ada ` + stamp + ` "GET /a/b.gif?c=d HTTP/1.0" 200 2326`,
			[]string{
				"c-ip=192.0.2.1", "cs-username=ada", "timestamp=10/Oct/2000:13:55:36 -0700", "cs-method=GET",
				"cs-uri=/a/b.gif?c=d", "cs-uri-stem=/a/b.gif", "cs-uri-query=c=d", "cs-version=HTTP/1.0", "sc-status=#200", "sc-bytes=#2326",
			},
		},
		{
			"combined", `2001:db8::1 - - ` + stamp + ` "POST / HTTP/1.1" 302 - "https://example.net/" "Mozilla/5.0 (X11) \"x\""`,
			[]string{
				"c-ip=2001:db8::1", "timestamp=10/Oct/2000:13:55:36 -0700", "cs-method=POST", "cs-uri=/", "cs-uri-stem=/", "cs-version=HTTP/1.1",
				"sc-status=#302", "cs-referer=https://example.net/", `cs-user-agent=Mozilla/5.0 (X11) "x"`,
			},
		},
		{
			"virtual host and extras", `shop.example.net:443 192.0.2.1 - - ` + stamp + ` "GET /? HTTP/2.0" 200 5 "-" "curl/8" "198.51.100.1" 0.003 "-"`,
			[]string{
				"cs-host=shop.example.net", "s-port=#443", "c-ip=192.0.2.1", "timestamp=10/Oct/2000:13:55:36 -0700", "cs-method=GET",
				"cs-uri=/?", "cs-uri-stem=/", "cs-uri-query=", "cs-version=HTTP/2.0", "sc-status=#200", "sc-bytes=#5", "cs-user-agent=curl/8",
				"extra=198.51.100.1", "extra=0.003",
			},
		},
		{
			"extras without referer", `192.0.2.1 - - ` + stamp + ` "GET / HTTP/1.1" 200 5 0.003 "x"`,
			[]string{
				"c-ip=192.0.2.1", "timestamp=10/Oct/2000:13:55:36 -0700", "cs-method=GET", "cs-uri=/", "cs-uri-stem=/", "cs-version=HTTP/1.1",
				"sc-status=#200", "sc-bytes=#5", "extra=0.003", "extra=x",
			},
		},
		{
			"a user with a blank, a URI with blanks and escapes", `h - ada l ` + stamp + ` "GET /a b\x22c\\d HTTP/1.1" 404 0`,
			[]string{
				"c-ip=h", "cs-username=ada l", "timestamp=10/Oct/2000:13:55:36 -0700", "cs-method=GET", `cs-uri=/a b"c\d`, `cs-uri-stem=/a b"c\d`,
				"cs-version=HTTP/1.1", "sc-status=#404", "sc-bytes=#0",
			},
		},
		{
			"no HTTP", `192.0.2.1 - - ` + stamp + ` "\x16\x03\x01" 400 226 "-" "-"`,
			[]string{"c-ip=192.0.2.1", "timestamp=10/Oct/2000:13:55:36 -0700", "request=\x16\x03\x01", "sc-status=#400", "sc-bytes=#226"},
		},
		{"nothing asked", `192.0.2.1 - - ` + stamp + ` "-" 408 -`, []string{"c-ip=192.0.2.1", "timestamp=10/Oct/2000:13:55:36 -0700", "sc-status=#408"}},
		{
			"without a version", `192.0.2.1 id ada ` + stamp + ` "GET /x" 200 1`,
			[]string{"c-ip=192.0.2.1", "cs-username=ada", "timestamp=10/Oct/2000:13:55:36 -0700", "cs-method=GET", "cs-uri=/x", "cs-uri-stem=/x", "sc-status=#200", "sc-bytes=#1"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			names := intel.NewNames(nil)
			var rec intel.Record
			if err := accesslog.NewDecoder(names).Decode([]byte(test.line), &rec); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, fields(names, &rec)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]error{
		"":                                    accesslog.ErrNotAccess,
		"hello":                               accesslog.ErrNotAccess,
		"192.0.2.1 - - [10/Oct/2000":          accesslog.ErrNotAccess,
		"192.0.2.1 - - " + stamp + " GET /":   accesslog.ErrNotAccess,
		"192.0.2.1 - - " + stamp + ` "GET /`:  accesslog.ErrNotAccess,
		"192.0.2.1 - - " + stamp + ` "GET /"`: accesslog.ErrStatus,
		"192.0.2.1 - - " + stamp + ` "GET /" ok 200`: accesslog.ErrStatus,
	} {
		var rec intel.Record
		if err := accesslog.NewDecoder(intel.NewNames(nil)).Decode([]byte(line), &rec); !errors.Is(err, want) || len(rec.Fields) > 0 {
			t.Errorf("%q: error %v, %d fields", line, err, len(rec.Fields))
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10/Oct/2000:13:55:36 -0700": "2000-10-10T20:55:36Z", "2000-10-10T13:55:36-07:00": "2000-10-10T20:55:36Z", "10/Okt/2000:13:55:36 -0700": "", "": "",
	} {
		got, ok := accesslog.Time([]byte(text))
		if ok != (want != "") || (ok && got.Format(time.RFC3339) != want) {
			t.Errorf("%q is %v, %v", text, got, ok)
		}
	}
	if got, ok := accesslog.W3CTime([]byte("2025-03-01"), []byte("07:08:09.25")); !ok || got.Format(time.RFC3339Nano) != "2025-03-01T07:08:09.25Z" {
		t.Errorf("W3C time is %v, %v", got, ok)
	}
	if _, ok := accesslog.W3CTime([]byte("2025-03-01"), nil); ok {
		t.Error("a date without a time is a time")
	}
}

func TestLooks(t *testing.T) {
	t.Parallel()
	line := "192.0.2.1 - - " + stamp + ` "GET / HTTP/1.1" 200 5` + "\n"
	for head, want := range map[string]bool{
		line:                                   true,
		line + line + line + "x\n":             true,
		line + "x\ny\n":                        false,
		"x\n" + line:                           false,
		strings.ReplaceAll(line, "Oct", "Foo"): false,
		"":                                     false,
		"Mar  1 09:08:07 gate app: [x] \"GET /\" 200 5\n": false,
	} {
		if got := accesslog.Looks([]byte(head)); got != want {
			t.Errorf("Looks(%q) = %v", head, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`v:80 192.0.2.1 - ada ` + stamp + ` "GET /a?b\x22 HTTP/1.0" 200 2326 "r" "ua\"" 5 "x`)
	f.Add(`h - - [t] "" 200`)
	decoder := accesslog.NewDecoder(intel.NewNames(nil))
	f.Fuzz(func(t *testing.T, line string) {
		var rec intel.Record
		err := decoder.Decode([]byte(line), &rec)
		if err != nil && len(rec.Fields) > 0 {
			t.Error("fields beside an error")
		}
		accesslog.Looks([]byte(line))
	})
}

func BenchmarkDecode(b *testing.B) {
	line := []byte(`192.0.2.1 - ada ` + stamp + ` "GET /a/b.gif?c=d HTTP/1.0" 200 2326 "https://example.net/a" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 \"x\""`)
	names := intel.NewNames(nil)
	decoder := accesslog.NewDecoder(names)
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
