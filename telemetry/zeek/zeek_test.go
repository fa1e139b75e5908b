package zeek_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/zeek"
)

// decodeAll decodes a whole log and returns each record as "name=value" lines, with
// a mark for values that are not text.
func decodeAll(t *testing.T, log string) (records []string, errs []error) {
	t.Helper()
	names := intel.NewNames(nil)
	decoder := zeek.NewDecoder(names)
	var parser zeek.HeaderParser
	var rec intel.Record
	for line := range strings.Lines(log) {
		line := []byte(line)
		if zeek.IsDirective(line) {
			if err := parser.Directive(line); err != nil {
				errs = append(errs, err)
			}
			continue
		}
		rec.Reset()
		decoder.Use(parser.Header())
		if err := decoder.Decode(line, &rec); err != nil {
			errs = append(errs, err)
			continue
		}
		records = append(records, render(names, &rec))
	}
	return records, errs
}

func render(names *intel.Names, rec *intel.Record) string {
	var b strings.Builder
	for i, f := range rec.Fields {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(names.Text(f.Name))
		b.WriteByte('=')
		switch f.Kind {
		case intel.Number:
			b.WriteByte('#')
		case intel.Bool:
			b.WriteByte('?')
		}
		b.Write(f.Value)
	}
	return b.String()
}

const header = "#separator \\x09\n" +
	"#set_separator\t,\n" +
	"#empty_field\t(empty)\n" +
	"#unset_field\t-\n" +
	"#path\tdns\n" +
	"#open\t2025-03-01-00-00-00\n" +
	"#fields\tts\tid.orig_h\tid.orig_p\tquery\tAA\tanswers\tTTLs\n" +
	"#types\ttime\taddr\tport\tstring\tbool\tvector[string]\tvector[interval]\n"

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line, want string
	}{
		{
			"each type as its kind",
			"1740787200.5\t10.0.0.7\t53124\texample.org\tT\ta,b\t60.0,30.5",
			"ts=#1740787200.5 id.orig_h=10.0.0.7 id.orig_p=#53124 query=example.org AA=?true answers=a answers=b TTLs=#60.0 TTLs=#30.5",
		},
		{"unset is absent", "1.0\t-\t-\t-\tF\t-\t-", "ts=#1.0 AA=?false"},
		{"empty is an empty string or an empty list", "1.0\t-\t-\t(empty)\tF\t(empty)\t(empty)", "ts=#1.0 query= AA=?false"},
		{"unset and empty elements", "1.0\t-\t-\t-\tF\t-,(empty),x\t-", "ts=#1.0 AA=?false answers= answers=x"},
		{
			"escapes",
			`1.0` + "\t-\t-\t" + `a\x09b\\c\x2d\q\x0` + "\tF\t" + `x\x2cy,z` + "\t-",
			"ts=#1.0 query=a\tb\\c-\\q\\x0 AA=?false answers=x,y answers=z",
		},
		{"an escaped mark is text", "1.0\t-\t-\t\\x2d\tF\t\\x28empty)\t-", "ts=#1.0 query=- AA=?false answers=(empty)"},
		{"a value that is not of its type stays text", "soon\t-\thttp\t-\tmaybe\t-\t-", "ts=soon id.orig_p=http AA=maybe"},
		{"carriage return at the end", "1.0\t-\t-\t-\tT\t-\t7.0\r\n", "ts=#1.0 AA=?true TTLs=#7.0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, errs := decodeAll(t, header+test.line)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			if diff := cmp.Diff([]string{test.want}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLogsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	got, errs := decodeAll(t, header+"1.0\t-\t-\ta\tF\t-\t-\n#close\t2025-03-01-01-00-00\n"+
		"#separator ,\n#set_separator,|\n#unset_field,NULL\n#path,x\n#fields,n,tags\n#types,count,set[string]\n5,a|b\nNULL,NULL\n")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want := []string{"ts=#1.0 query=a AA=?false", "n=#5 tags=a tags=b", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHeaderIsKeptUntilADirectiveChangesIt(t *testing.T) {
	t.Parallel()
	var parser zeek.HeaderParser
	if parser.Header() != nil {
		t.Error("a header before any directive")
	}
	for line := range strings.Lines(header) {
		if err := parser.Directive([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	h := parser.Header()
	if err := parser.Directive([]byte("#close\t2025-03-01-01-00-00")); err != nil || parser.Header() != h {
		t.Error("#close changed the header", err)
	}
	if h.Path != "dns" || len(h.Fields()) != 7 || h.Fields()[1] != "id.orig_h" {
		t.Errorf("header is %q %q", h.Path, h.Fields())
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, log string
		want      error
	}{
		{"no header", "1.0\t-\n", zeek.ErrNoHeader},
		{"types before fields", "#types\ttime\n", zeek.ErrNoHeader},
		{"too few values", header + "1.0\t-\n", zeek.ErrColumns},
		{"too many values", header + "1.0\t-\t-\t-\tT\t-\t-\t-\n", zeek.ErrColumns},
		{"empty line", header + "\n", zeek.ErrColumns},
		{"types that do not fit", "#fields\ta\tb\n#types\tstring\n", zeek.ErrTypes},
		{"no separator", "#separator \n", zeek.ErrDirective},
		{"no value", "#fields\n", zeek.ErrDirective},
		{"empty separator of sets", "#set_separator\t\n", zeek.ErrDirective},
		{"too many fields", "#fields" + strings.Repeat("\tf", 5000), zeek.ErrManyFields},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			records, errs := decodeAll(t, test.log)
			if len(errs) != 1 || !errors.Is(errs[0], test.want) || len(records) > 0 {
				t.Errorf("records %q, errors %v, want %v", records, errs, test.want)
			}
		})
	}
}

func TestLooks(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]bool{
		header:                                  true,
		"\xef\xbb\xbf" + header:                 true,
		"#path\tconn\n#fields\tts\tuid\n1\tC\n": true,
		"":                                      false,
		"#Fields: date time\n":                  false,
		"#fields\tare mentioned in a comment\nx\n": false,
		"# separator\na,b\n":                       false,
	} {
		if got := zeek.Looks([]byte(head)); got != want {
			t.Errorf("Looks(%q) = %v", head, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(header + "1.0\t10.0.0.7\t53\ta\\x09b\tT\ta,-,(empty)\t1.0\n")
	f.Add("#separator \\x2c\n#fields,a,b\n#types,set[string],vector[bool]\nx,T\n")
	f.Add("#fields\ta\n#types\tset[string]\n#set_separator\t\nx\\\n")
	f.Fuzz(func(_ *testing.T, log string) {
		decoder := zeek.NewDecoder(intel.NewNames(nil))
		var parser zeek.HeaderParser
		var rec intel.Record
		zeek.Looks([]byte(log))
		for line := range strings.Lines(log) {
			if zeek.IsDirective([]byte(line)) {
				_ = parser.Directive([]byte(line))
				continue
			}
			rec.Reset()
			decoder.Use(parser.Header())
			_ = decoder.Decode([]byte(line), &rec)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	var parser zeek.HeaderParser
	for line := range strings.Lines(header) {
		if err := parser.Directive([]byte(line)); err != nil {
			b.Fatal(err)
		}
	}
	line := []byte("1740787200.512345\t10.0.0.7\t53124\twww.example\\x2eorg\tT\tcdn.example.net,192.0.2.7\t60.000000,30.500000\n")
	decoder := zeek.NewDecoder(intel.NewNames(nil))
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
