package flatjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/flatjson"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"scalars", `{"a":"x","b":-1.5e3,"c":true,"d":false,"e":null}`, `a="x" b=#-1.5e3 c=?true d=?false e=null`},
		{"nested", `{"Event":{"System":{"EventID":1},"EventData":{"Image":"C:\\a.exe"}}}`, `Event.System.EventID=#1 Event.EventData.Image="C:\\a.exe"`},
		{"list", `{"tags":["a","b",3]}`, `tags="a" tags="b" tags=#3`},
		{"list of objects", `{"r":[{"x":1},{"x":2,"y":3}]}`, `r.x=#1 r.x=#2 r.y=#3`},
		{"nested lists", `{"r":[[1,2],[3]]}`, `r=#1 r=#2 r=#3`},
		{"empty object and array", `{"a":{},"b":[]}`, `a=null b=null`},
		{"empty", ` { } `, ``},
		{"white space", "\t{ \"a\" :\r\n 1 , \"b\" : [ 1 , 2 ] }", `a=#1 b=#1 b=#2`},
		{"escapes", `{"a":"\"\\\/\b\f\n\r\t\u0041\u00e9\u4e2d"}`, `a="\"\\/\b\f\n\r\tAé中"`},
		{"surrogates", `{"a":"\ud83d\ude00","b":"\ud83d","c":"\ude00x","d":"\ud83d\u0041"}`, `a="😀" b="�" c="�x" d="�A"`},
		{"escaped key", `{"a\u0062":1,"\"":2}`, `ab=#1 "=#2`},
		{"long string with a late escape", `{"a":"0123456789abcdef0123456789abcdef\\0123456789abcdef"}`, `a="0123456789abcdef0123456789abcdef\\0123456789abcdef"`},
		{"pairs", `{"Event":{"EventData":{"Data":[{"Name":"User","Value":"root"},{"@Name":"Host","#text":"a"}]}}}`, `Event.EventData.Data.Name="User" Event.EventData.Data.Value="root" Event.EventData.Data.User="root" ` +
			`Event.EventData.Data.@Name="Host" Event.EventData.Data.#text="a" Event.EventData.Data.Host="a"`},
		{"repeated key", `{"a":1,"a":2}`, `a=#1 a=#2`},
		{"what follows is left", `{"a":1} tail`, `a=#1`},
		{"invalid UTF-8 is kept", "{\"a\":\"\xff\xfe\"}", `a="\xff\xfe"`},
		{"control characters", "{\"a\":\"x\ny\"}", `a="x\ny"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			names := intel.NewNames(nil)
			decoder := flatjson.NewDecoder(names)
			for round := range 2 { // the second time by guessed keys
				var rec intel.Record
				if _, err := decoder.Decode([]byte(test.text), &rec); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				if diff := cmp.Diff(show(names, &rec), test.want); diff != "" {
					t.Errorf("round %d: got -, want +:\n%s", round, diff)
				}
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{``, "JSON object expected at byte 0"},
		{`[1]`, "JSON object expected at byte 0"},
		{`{"a`, "JSON ends early at byte 3"},
		{`{"a"`, "JSON ends early at byte 4"},
		{`{"a":`, "JSON ends early at byte 5"},
		{`{"a":1`, "JSON ends early at byte 6"},
		{`{"a":1 "b":2}`, "comma or closing bracket expected in JSON at byte 7"},
		{`{"a" 1}`, "colon expected in JSON at byte 5"},
		{`{a:1}`, "JSON key expected at byte 1"},
		{`{"a":1,}`, "JSON key expected at byte 7"},
		{`{"a":x}`, "JSON value expected at byte 5"},
		{`{"a":nul}`, "true, false or null expected in JSON at byte 5"},
		{`{"a":"\x"}`, "unknown escape in JSON string at byte 7"},
		{`{"a":"\u12g4"}`, "unknown escape in JSON string at byte 7"},
		{`{"a":[1,2}`, "comma or closing bracket expected in JSON at byte 9"},
		{strings.Repeat(`{"a":`, 1000), "JSON nested too deeply at byte 646"},
		{`{"a":[` + strings.Repeat(`1,`, 100_000) + `1]}`, "more than 65,536 values in one JSON object at byte 131079"},
		{`{"a":` + strings.Repeat(`[`, 1000), "JSON nested too deeply at byte 134"},
	} {
		var rec intel.Record
		_, err := flatjson.NewDecoder(intel.NewNames(nil)).Decode([]byte(test.text), &rec)
		if err == nil || err.Error() != test.want {
			t.Errorf("%.40q: got %v, want %s", test.text, err, test.want)
		}
	}
}

func TestObjectsAreGivenAsTextWhereAsked(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	decoder := flatjson.NewDecoder(names)
	decoder.Raw(func(path string) bool { return path == "a.b" })
	var rec intel.Record
	if _, err := decoder.Decode([]byte(`{"a":{"b":{"c":[1, 2]}},"b":{"d":3}}`), &rec); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(show(names, &rec), `a.b="{\"c\":[1, 2]}" a.b.c=#1 a.b.c=#2 b.d=#3`); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
}

func TestEverNewKeysAreForgotten(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	used := names.Intern("used.by.rule")
	decoder := flatjson.NewDecoder(names)
	var rec intel.Record
	for i := range 100_000 {
		rec.Reset()
		text := fmt.Appendf(nil, `{"key%d":1,"other%d":{"deep":2},"used":{"by":{"rule":"x"}}}`, i, i)
		if _, err := decoder.Decode(text, &rec); err != nil {
			t.Fatal(err)
		}
		if _, ok := rec.First(used); !ok {
			t.Fatalf("record %d: the field that a rule uses is not found", i)
		}
	}
	if n := names.Len(); n > intel.NamesLimit+10 {
		t.Errorf("%d names are kept, more than %d", n, intel.NamesLimit)
	}
}

func TestSteadyStreamAllocatesNothing(t *testing.T) {
	text := []byte(`{"Event":{"System":{"EventID":1,"Channel":"x"},"EventData":{"Image":"C:\\Windows\\a.exe","Data":[{"Name":"a","Value":"b"}]}}}`)
	decoder := flatjson.NewDecoder(intel.NewNames(nil))
	var rec intel.Record
	got := testing.AllocsPerRun(100, func() {
		rec.Reset()
		if _, err := decoder.Decode(text, &rec); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations a record, want 0", got)
	}
}

// show writes a record as one line: texts quoted, numbers after #, booleans after ?.
func show(names *intel.Names, rec *intel.Record) string {
	var parts []string
	for _, f := range rec.Fields {
		value := map[intel.Kind]string{intel.Text: fmt.Sprintf("%q", f.Value), intel.Number: "#" + string(f.Value), intel.Bool: "?" + string(f.Value), intel.Null: "null"}[f.Kind]
		if f.Kind == intel.Text && utf8.Valid(f.Value) {
			value = strings.NewReplacer(`\u00e9`, "é").Replace(value)
		}
		parts = append(parts, names.Text(f.Name)+"="+value)
	}
	return strings.Join(parts, " ")
}

// FuzzDecode compares with encoding/json: what that accepts must be accepted
// and have the same scalars in the same order; nothing may panic.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x","b":-1.5e3,"c":true,"d":{"e":[null,"\ud83d\ude00\\",{}]}}`, `{"a":"\u12`, `{"":{"":""}}`, `{"a":[{"Name":"x","Value":1}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var rec intel.Record
		n, err := flatjson.NewDecoder(intel.NewNames(nil)).Decode(text, &rec)
		if n < 0 || n > len(text) {
			t.Fatalf("took %d bytes of %d", n, len(text))
		}
		want, ok := scalars(text)
		if !ok {
			return
		}
		if err != nil {
			t.Fatalf("refuses what encoding/json accepts: %v", err)
		}
		var got []string
		for _, field := range rec.Fields {
			got = append(got, string(field.Value))
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("got -, want +:\n%s", diff)
		}
	})
}

// scalars lists the scalars of the first JSON object in text by encoding/json;
// false for text that it refuses, or that this package treats in its own way:
// invalid UTF-8, pairs, and great depth.
func scalars(text []byte) ([]string, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var whole json.RawMessage
	if err := decoder.Decode(&whole); err != nil || !utf8.Valid(whole) || !bytes.HasPrefix(bytes.TrimSpace(whole), []byte("{")) {
		return nil, false
	}
	if n := bytes.Count(whole, []byte("{")) + bytes.Count(whole, []byte("[")); n > 100 || bytes.Contains(whole, []byte("[")) && bytes.ContainsAny(whole, "vV#\\") {
		return nil, false
	}
	decoder = json.NewDecoder(bytes.NewReader(whole))
	decoder.UseNumber()
	var list []string
	type level struct {
		object bool
		count  int
	}
	var stack []level
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return list, true
		}
		if err != nil {
			return nil, false
		}
		if len(stack) > 0 && token != json.Delim('}') && token != json.Delim(']') {
			stack[len(stack)-1].count++
		}
		isKey := len(stack) > 0 && stack[len(stack)-1].object && stack[len(stack)-1].count%2 == 1
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				stack = append(stack, level{object: v == '{'})
				continue
			}
			if stack[len(stack)-1].count == 0 && len(stack) > 1 {
				list = append(list, "")
			}
			stack = stack[:len(stack)-1]
		case nil:
			list = append(list, "")
		default:
			if !isKey {
				list = append(list, fmt.Sprint(v))
			}
		}
	}
}
