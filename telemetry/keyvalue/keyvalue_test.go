package keyvalue_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/intel"
	"tocsin/telemetry/keyvalue"
)

func decode(t *testing.T, line string) []string {
	t.Helper()
	names := intel.NewNames(nil)
	var rec intel.Record
	if err := keyvalue.NewDecoder(names).Decode([]byte(line), &rec); err != nil {
		t.Fatal(err)
	}
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

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line string
		want       []string
	}{
		{"logfmt", `level=info dur=1.5 msg="it \"works\" \\ so" empty= path=/a/b`, []string{"level=info", "dur=#1.5", `msg=it "works" \ so`, "empty=", "path=/a/b"}},
		{
			"Fortinet", `date=2025-03-01 time=12:00:00 logid="0000000013" type="traffic" srcip=192.0.2.1 sentbyte=120`,
			[]string{"date=2025-03-01", "time=12:00:00", "logid=0000000013", "type=traffic", "srcip=192.0.2.1", "sentbyte=#120"},
		},
		{"single quotes", `user='ada l' note=''`, []string{"user=ada l", "note="}},
		{"commas", "a=1, b=two,c=x,y,d=4,", []string{"a=#1", "b=two", "c=x,y", "d=#4"}},
		{"semicolons", "a=1; b=2;c=x;", []string{"a=#1", "b=#2", "c=x"}},
		{
			"Check Point", `[action:"Accept"; conn_direction:"Incoming"; ifdir:"in\"out"; ]`,
			[]string{"action=Accept", "conn_direction=Incoming", `ifdir=in"out`},
		},
		{"Check Point without quotes", "action: accept; src: 192.0.2.1; rule_name: a b; service: http;", []string{"action=accept", "src=192.0.2.1", "rule_name=a b", "service=http"}},
		{
			"iptables", "[UFW BLOCK] IN=eth0 OUT= MAC=00:11 SRC=192.0.2.1 DF PROTO=TCP SYN URGP=0",
			[]string{"message=[UFW BLOCK]", "IN=eth0", "OUT=", "MAC=00:11", "SRC=192.0.2.1", "message=DF", "PROTO=TCP", "message=SYN", "URGP=#0"},
		},
		{"a path in quotes", `file="C:\Temp\new" x=1`, []string{`file=C:\Temp\new`, "x=#1"}},
		{"a quote never closed", `a="x y b=2`, []string{`a="x`, "message=y", "b=#2"}},
		{"equals signs in a value", "url=http://h/?a=b&c=d x=1", []string{"url=http://h/?a=b&c=d", "x=#1"}},
		{"words", "now and then a=1 and again", []string{"message=now and then", "a=#1", "message=and again"}},
		{"line end", "a=1\r\n", []string{"a=#1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, decode(t, test.line)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLinesWithoutPairsAreRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", " ", "hello there", "= =", `"quoted"`, strings.Repeat("k", 200) + "=1"} {
		var rec intel.Record
		if err := keyvalue.NewDecoder(intel.NewNames(nil)).Decode([]byte(line), &rec); !errors.Is(err, keyvalue.ErrNoPairs) || len(rec.Fields) > 0 {
			t.Errorf("%q: error %v, %d fields", line, err, len(rec.Fields))
		}
	}
}

// Pairs that were written by the rules are read as they were.
func TestPairsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	decoder := keyvalue.NewDecoder(names)
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.StringMatching(`[a-z][a-z0-9_.]{0,8}`), 1, 8).Draw(t, "keys")
		separator := rapid.SampledFrom([]string{" ", ", ", "; ", ",", ";"}).Draw(t, "separator")
		var want, pairs []string
		for _, key := range keys {
			value := rapid.StringMatching(`[ -~äß]{0,12}`).Draw(t, "value")
			want = append(want, key+"="+value)
			pairs = append(pairs, key+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)+`"`)
		}
		var rec intel.Record
		if err := decoder.Decode([]byte(strings.Join(pairs, separator)), &rec); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range rec.Fields {
			got = append(got, names.Text(f.Name)+"="+string(f.Value))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestLooks(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]bool{
		"date=2025-03-01 time=12:00:00 type=\"traffic\" srcip=192.0.2.1\n": true,
		"a=1 b=2 c=3":                    true,
		"a=1, b=2, c=3\na=1, b=2, c=3\n": true,
		`[action:"Accept"; src:"192.0.2.1"; dst:"192.0.2.2"; ]`:                 true,
		"[UFW BLOCK] IN=eth0 OUT= MAC=00:11 SRC=192.0.2.1 DF PROTO=TCP URGP=0":  true,
		"name=x\nvalue=y\nother=z\n":                                            false,
		"[section]\nname=x\n":                                                   false,
		"export A=1 B=2\n":                                                      false,
		"a long text that mentions a=1 b=2 c=3 somewhere in the middle of it\n": false,
		`{"a":"1","b":"2","c":"3"}`:                                             false,
		"a,b,c\n1,2,3\n":                                                        false,
		"":                                                                      false,
		"a=1 b=2 c=3\nfree text\nmore free text":                                false,
	} {
		if got := keyvalue.Looks([]byte(head)); got != want {
			t.Errorf("Looks(%q) = %v", head, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, line := range []string{`a=1 b="x \" y" c='z', d=;e=`, `[a:"b"; c:"d"; ]`, "a: b; c: d;", "x y a=b,c=d,e", "[]", "=", "'='"} {
		f.Add(line)
	}
	decoder := keyvalue.NewDecoder(intel.NewNames(nil))
	f.Fuzz(func(t *testing.T, line string) {
		var rec intel.Record
		err := decoder.Decode([]byte(line), &rec)
		if keyvalue.Looks([]byte(line)) && err != nil && !strings.ContainsAny(line, "\n") && !strings.HasPrefix(line, "\xef") {
			t.Errorf("looks like pairs: %v", err)
		}
		length := 0
		for _, field := range rec.Fields {
			length += len(field.Value)
		}
		if length > len(line) {
			t.Errorf("%d bytes of values in a line of %d", length, len(line))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	line := []byte(`date=2025-03-01 time=12:00:00 devname="edge1" devid="FGT1" logid="0000000013" type="traffic" subtype="forward" level="notice" srcip=192.0.2.1 srcport=50123 dstip=198.51.100.7 dstport=443 proto=6 action="close" msg="a \"quoted\" word" sentbyte=1200 rcvdbyte=34000`)
	decoder := keyvalue.NewDecoder(intel.NewNames(nil))
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
