package csvlog_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/intel"
	"tocsin/telemetry/csvlog"
)

// read decodes a whole table.
func read(t *testing.T, table string, dialect csvlog.Dialect) (records [][]string, errs []error) {
	t.Helper()
	names := intel.NewNames(nil)
	decoder := csvlog.NewDecoder(names)
	var rec intel.Record
	var header *csvlog.Header
	for data := []byte(table); len(data) > 0; {
		end := dialect.End(data, true)
		if end <= 0 || end > len(data) {
			t.Fatalf("End is %d of %d", end, len(data))
		}
		record := data[:end]
		data = data[end:]
		if header == nil {
			var err error
			if header, err = dialect.Header(record); err != nil {
				return nil, []error{err}
			}
			decoder.Use(header)
			continue
		}
		rec.Reset()
		if err := decoder.Decode(record, &rec); err != nil {
			errs = append(errs, err)
			continue
		}
		fields := []string{}
		for _, f := range rec.Fields {
			mark := "="
			if f.Kind == intel.Number {
				mark = "=#"
			}
			fields = append(fields, names.Text(f.Name)+mark+string(f.Value))
		}
		records = append(records, fields)
	}
	return records, errs
}

func TestDecode(t *testing.T) {
	t.Parallel()
	comma := csvlog.Dialect{Separator: ','}
	tests := []struct {
		name, table string
		dialect     csvlog.Dialect
		want        [][]string
	}{
		{"plain", "a,b,c\n1,x y,2.5\n", comma, [][]string{{"a=#1", "b=x y", "c=#2.5"}}},
		{"no line end at the end", "a,b\r\n1,2\r\n3,4", comma, [][]string{{"a=#1", "b=#2"}, {"a=#3", "b=#4"}}},
		{"quotes", "a,b\n\"x, \"\"y\"\"\",\"7\"\n", comma, [][]string{{`a=x, "y"`, "b=7"}}},
		{"line breaks in quotes", "a,b\n\"x\r\ny\n\",1\n2,3\n", comma, [][]string{{"a=x\r\ny\n", "b=#1"}, {"a=#2", "b=#3"}}},
		{"empty and absent", "a,b,c\n,\"\",x\n", comma, [][]string{{"b=", "c=x"}}},
		{"short and long", "a,b\n1\n1,2,,\n", comma, [][]string{{"a=#1"}, {"a=#1", "b=#2"}}},
		{"blanks before a quote", "a, b\n1, \"x, y\"\n", comma, [][]string{{"a=#1", "b=x, y"}}},
		{"a quote within a value", "a,b\nx \"y\",z\n", comma, [][]string{{`a=x "y"`, "b=z"}}},
		{"text after a closing quote", "a,b\n\"x\"y,z\n", comma, [][]string{{"a=xy", "b=z"}}},
		{"a quote never closed", "a,b\n\"x,1\n2,3\n", comma, [][]string{{`a="x`, "b=#1"}, {"a=#2", "b=#3"}}},
		{"names twice, empty and with a mark", "\xef\xbb\xbfa,,a\n1,2,3\n", comma, [][]string{{"a=#1", "column2=#2", "a=#3"}}},
		{"semicolons", "a;b\n1,5;x\n", csvlog.Dialect{Separator: ';'}, [][]string{{"a=1,5", "b=x"}}},
		{"tabs and empty lines", "a\tb\n1\tx\n\n", csvlog.Dialect{Separator: '\t'}, [][]string{{"a=#1", "b=x"}, {}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, errs := read(t, test.table, test.dialect)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	comma := csvlog.Dialect{Separator: ','}
	for table, want := range map[string]error{
		"a,b\n1,2,3\n":             csvlog.ErrColumns,
		"a,b\n1,2,\"3\"\n":         csvlog.ErrColumns,
		strings.Repeat("a,", 5000): csvlog.ErrManyColumns,
	} {
		records, errs := read(t, table, comma)
		if len(errs) != 1 || !errors.Is(errs[0], want) || len(records) > 0 {
			t.Errorf("%.20q: records %q, errors %v", table, records, errs)
		}
	}
	var rec intel.Record
	if err := csvlog.NewDecoder(intel.NewNames(nil)).Decode([]byte("a,b"), &rec); !errors.Is(err, csvlog.ErrNoHeader) {
		t.Errorf("without a header: %v", err)
	}
}

func TestEndWaitsForTheRest(t *testing.T) {
	t.Parallel()
	comma := csvlog.Dialect{Separator: ','}
	long := "\"" + strings.Repeat("x", 2<<20)
	tests := []struct {
		name, data string
		last       bool
		want       int
	}{
		{"a line", "a,b\nc", false, 4},
		{"half a line", "a,b", false, 0},
		{"the last line", "a,b", true, 3},
		{"within quotes", "a,\"b\nc", false, 0},
		{"quotes closed", "a,\"b\nc\"\nd", false, 8},
		{"quotes closed, half a line", "a,\"b\nc\"", false, 0},
		{"quotes closed at the source's end", "a,\"b\nc\"", true, 7},
		{"a record that does not end", strings.Repeat(",\"a\nb\",c", 200<<10), false, 1 << 20},
		{"quotes never closed", "a,\"b\nc", true, 5},
		{"quotes not closed for long", "a\n" + long, false, 2},
		{"quotes not closed for long, later line end", long + "\nb", false, len(long) + 1},
		{"nothing", "", true, 0},
	}
	for _, test := range tests {
		if got := comma.End([]byte(test.data), test.last); got != test.want {
			t.Errorf("%s: End is %d, want %d", test.name, got, test.want)
		}
	}
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]byte{
		"Time,Event ID,User\n2025-03-01,7,ada\n":                 ',',
		"\xef\xbb\xbfTime;Event ID;User\n2025-03-01;1,5;ada\n":   ';',
		"a\tb, c\td\n1\t2, 3\t4\n":                               '\t',
		"a|b|c\n1|2|3\n":                                         '|',
		"\"a\",\"b\",\"c\"\n\"x\ny\",2,3\n":                      ',',
		"key,value\na,1\nb,2\nc,3\n":                             ',',
		"a,b,c\n1,2,3\n1,2":                                      ',',
		"Hello, world\nHow, are\n":                               0,
		"a,b,c\n":                                                0,
		"a,b,c\n1,2\n":                                           0,
		"1,2,3\n4,5,6\n":                                         0,
		"{\"a\":1,\"b\":2,\"c\":3}\n{\"a\":1,\"b\":2,\"c\":3}\n": 0,
		"a=1,b=2,c=3\na=1,b=2,c=3\n":                             0,
		"# a,b,c\n1,2,3\n":                                       0,
		"plain text\nmore of it\n":                               0,
		"":                                                       0,
	} {
		dialect, ok := csvlog.Recognise([]byte(head))
		if ok != (want != 0) || dialect.Separator != want || csvlog.Looks([]byte(head)) != ok {
			t.Errorf("%q: %q, %v", head, dialect.Separator, ok)
		}
	}
}

// Any table that the standard library writes is read as it was.
func TestTablesAreReadAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		separator := rapid.SampledFrom([]rune{',', ';', '\t', '|'}).Draw(t, "separator")
		columns := rapid.IntRange(1, 5).Draw(t, "columns")
		cell := rapid.StringMatching(`[a-z,;|" \n\t\\ä]{0,6}`)
		rows := rapid.SliceOf(rapid.SliceOfN(cell, columns, columns)).Draw(t, "rows")
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Comma = separator
		header := strings.Split("a b c d e", " ")[:columns]
		if err := w.WriteAll(append([][]string{header}, rows...)); err != nil {
			t.Fatal(err)
		}

		dialect := csvlog.Dialect{Separator: byte(separator)}
		names := intel.NewNames(nil)
		decoder := csvlog.NewDecoder(names)
		data := b.Bytes()
		data = data[dialect.End(data, true):]
		h, err := dialect.Header([]byte(strings.Join(header, string(separator))))
		if err != nil {
			t.Fatal(err)
		}
		decoder.Use(h)
		for _, row := range rows {
			end := dialect.End(data, false)
			var rec intel.Record
			if err := decoder.Decode(data[:end], &rec); err != nil {
				t.Fatal(err)
			}
			data = data[end:]
			want, got := map[string]string{}, map[string]string{}
			for i, value := range row {
				if value != "" {
					want[header[i]] = value
				}
			}
			for _, f := range rec.Fields {
				if len(f.Value) > 0 {
					got[names.Text(f.Name)] = string(f.Value)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%q (-want +got)\n%s", row, diff)
			}
		}
		if len(data) > 0 {
			t.Fatalf("%q is left", data)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add("a,b,c\n1,\"x \"\"y\"\"\",3\n", byte(','))
	f.Add("a;b\n\"x\n;\";\n", byte(';'))
	f.Add("\"\"\"\n\"", byte('\t'))
	f.Fuzz(func(t *testing.T, table string, separator byte) {
		if separator == '"' || separator == '\n' || separator == '\r' || separator == ' ' {
			t.Skip("never recognised")
		}
		csvlog.Looks([]byte(table))
		read(t, table, csvlog.Dialect{Separator: separator})
	})
}

func BenchmarkDecode(b *testing.B) {
	header := "date,time,src,dst,user,action,size,url\n"
	for name, text := range map[string]string{
		"bare":   "2025-03-01,12:00:00,192.0.2.1,198.51.100.7,ada,allow,1200,https://example.net/a\n",
		"quoted": "\"2025-03-01\",\"12:00:00\",\"192.0.2.1\",\"198.51.100.7\",\"ada \"\"l\"\"\",\"allow\",1200,\"https://example.net/a,b\"\n",
	} {
		b.Run(name, func(b *testing.B) {
			line := []byte(text)
			dialect := csvlog.Dialect{Separator: ','}
			h, err := dialect.Header([]byte(header))
			if err != nil {
				b.Fatal(err)
			}
			decoder := csvlog.NewDecoder(intel.NewNames(nil))
			decoder.Use(h)
			var rec intel.Record
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				rec.Reset()
				if err := decoder.Decode(line[:dialect.End(line, false)], &rec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
