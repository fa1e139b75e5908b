package evtx_test

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/evtx"
)

// decodeBoth decodes a chunk by programs and by trees, which must agree.
func decodeBoth(t *testing.T, chunk []byte) (records [][]flat, problems []evtx.Problem) {
	t.Helper()
	names := intel.NewNames(nil)
	d, slow := evtx.NewDecoder(names), evtx.NewDecoder(names)
	d.Reset(chunk, 0)
	slow.Reset(chunk, 0)
	var a, b intel.Record
	for {
		r, ok := d.Next(&a)
		other, otherOK := slow.NextByTree(&b)
		if ok != otherOK || r.Number != other.Number {
			t.Fatalf("record %d %v by program, %d %v by tree", r.Number, ok, other.Number, otherOK)
		}
		if !ok {
			return records, d.Problems()
		}
		got, want := flatten(names, &a), flatten(names, &b)
		if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
			t.Fatalf("record %d by tree (-) and by program (+):\n%s", r.Number, diff)
		}
		records = append(records, got)
	}
}

func show(fields []flat) string {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(strings.TrimPrefix(f.path, "Event.") + " = " + f.value + "\n")
	}
	return b.String()
}

func le(size int, v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v)[:size] }

func TestValuesByType(t *testing.T) {
	guid := []byte{0x5c, 0x2d, 0xfc, 0x4f, 0x43, 0x5f, 0x28, 0x4b, 0x9c, 0x2b, 0xd4, 0xf3, 0xc5, 0xb1, 0xb0, 0xa1}
	sid := append([]byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0}, le(4, 544)...)
	moment := []byte{0xe3, 7, 3, 0, 5, 0, 1, 0, 12, 0, 34, 0, 56, 0, 0x15, 3}
	for _, test := range []struct {
		name  string
		value val
		want  string
	}{
		{"text", text(`C:\Users\Jürgen "x"`), `"C:\\Users\\Jürgen \"x\""`},
		{"text up to NUL", text("ab\x00cd"), `"ab"`},
		{"long text up to NUL", text("abcdefghijklmnopqrstuvwxyz\x00cd"), `"abcdefghijklmnopqrstuvwxyz"`},
		{"text beyond the basic plane", text("😀 日本語 and a tail of ASCII"), `"😀 日本語 and a tail of ASCII"`},
		{"unpaired surrogates", val{0x01, []byte{0x41, 0, 0x3d, 0xd8, 0x42, 0, 0, 0xdc}}, `"A�B�"`},
		{"odd size", val{0x01, []byte{0x41, 0, 0x42}}, `"A"`},
		{"windows-1252", val{0x02, []byte{'a', 0x80, 0xe9, 0}}, `"a€é"`},
		{"int8", val{0x03, le(1, 0xff)}, "-1"},
		{"uint8", val{0x04, le(1, 200)}, "200"},
		{"int16", val{0x05, le(2, 0x8000)}, "-32768"},
		{"uint16", val{0x06, le(2, 4624)}, "4624"},
		{"int32", val{0x07, le(4, 0xfffffffe)}, "-2"},
		{"uint32", val{0x08, le(4, math.MaxUint32)}, "4294967295"},
		{"int64", val{0x09, le(8, math.MaxUint64)}, "-1"},
		{"uint64", val{0x0a, le(8, math.MaxUint64)}, "18446744073709551615"},
		{"real32", val{0x0b, le(4, uint64(math.Float32bits(1.1)))}, `"1.1"`},
		{"real64", val{0x0c, le(8, math.Float64bits(3))}, `"3.0"`},
		{"large real64", val{0x0c, le(8, math.Float64bits(1e300))}, `"1e+300"`},
		{"small real64", val{0x0c, le(8, math.Float64bits(-1.5e-7))}, `"-1.5e-7"`},
		{"no number", val{0x0c, le(8, math.Float64bits(math.NaN()))}, `"NaN"`},
		{"true", val{0x0d, le(4, 1)}, "true"},
		{"false", val{0x0d, le(4, 0)}, "false"},
		{"a mask as a Boolean", val{0x0d, le(4, 6)}, "6"},
		{"binary", val{0x0e, []byte{0xde, 0xad, 0x01}}, `"DEAD01"`},
		{"GUID", val{0x0f, guid}, `"{4ffc2d5c-5f43-4b28-9c2b-d4f3c5b1b0a1}"`},
		{"size of 4", val{0x10, le(4, 0x1f)}, `"0x1f"`},
		{"size of 8", val{0x10, le(8, 0x1f)}, `"0x1f"`},
		{"FILETIME", val{0x11, le(8, 132_000_000_012_345_678)}, `"2019-04-17T18:40:01.2345678Z"`},
		{"FILETIME too large", val{0x11, le(8, math.MaxUint64)}, `"0000-00-00T00:00:00.0000000Z"`},
		{"SYSTEMTIME", val{0x12, moment}, `"2019-03-01T12:34:56.7890000Z"`},
		{"SYSTEMTIME unset", val{0x12, make([]byte, 16)}, `"1601-01-01T00:00:00.0000000Z"`},
		{"SID", val{0x13, sid}, `"S-1-5-32-544"`},
		{"hex32", val{0x14, le(4, 0)}, `"0x0"`},
		{"hex64", val{0x15, le(8, 0x8020000000000000)}, `"0x8020000000000000"`},
		{"null", val{}, "null"},
		{"empty text", text(""), "null"},
		{"array of one", val{0x88, le(4, 7)}, `"7"`},
		{"empty array", val{0x81, nil}, "null"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newBuilder()
			c.event(&el{name: "Event", children: []any{&el{name: "V", children: []any{slot(0)}}}}, test.value)
			records, problems := decodeBoth(t, c.chunk())
			if len(records) != 1 || len(problems) != 0 {
				t.Fatalf("got %d records, problems %v", len(records), problems)
			}
			if diff := cmp.Diff("V = "+test.want+"\n", show(records[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// dataElement is a Data element with a name.
func dataElement(name string, content any) *el {
	return &el{name: "Data", attrs: []at{{"Name", name}}, children: []any{content}}
}

func event(children ...any) *el { return &el{name: "Event", children: children} }

func TestShapes(t *testing.T) {
	strs := val{0x81, units("a\x00\x00b\x00")}
	numbers := val{0x88, append(le(4, 1), le(4, 2)...)}
	data := func(children ...any) *el { return event(&el{name: "EventData", children: children}) }
	for _, test := range []struct {
		name       string
		definition *el
		values     []val
		want       string
	}{
		{
			"attributes beside text",
			event(&el{name: "EventID", attrs: []at{{"Qualifiers", slot(1)}}, children: []any{slot(0)}}),
			[]val{{0x06, le(2, 1)}, {0x06, le(2, 2)}},
			"EventID.#attributes.Qualifiers = 2\nEventID.#text = 1\n",
		},
		{
			"attributes that are null",
			event(
				&el{name: "EventID", attrs: []at{{"Qualifiers", slot(1)}}, children: []any{slot(0)}},
				&el{name: "Correlation", attrs: []at{{"ActivityID", slot(1)}}},
			),
			[]val{{0x06, le(2, 1)}, {}},
			"EventID = 1\nCorrelation = null\n",
		},
		{
			"attributes of one element do not count for the next",
			event(
				&el{name: "A", attrs: []at{{"x", "1"}, {"y", slot(0)}}, children: []any{slot(1)}},
				&el{name: "B", attrs: []at{{"x", slot(2)}}, children: []any{slot(3)}},
			),
			[]val{text("y"), text("a"), {}, text("b")},
			"A.#attributes.x = \"1\"\nA.#attributes.y = \"y\"\nA.#text = \"a\"\nB = \"b\"\n",
		},
		{
			"constant attributes",
			event(&el{name: "A", attrs: []at{{"x", "1"}}}, &el{name: "B", attrs: []at{{"x", ""}}}),
			nil,
			"A.#attributes.x = \"1\"\nB = null\n",
		},
		{
			"named data",
			data(dataElement("A", slot(0)), dataElement("B", slot(1)), dataElement("C", slot(9))),
			[]val{text("x"), {}},
			"EventData.A = \"x\"\nEventData.B = \"\"\nEventData.C = \"\"\n",
		},
		{
			"unnamed data",
			data(&el{name: "Data", children: []any{slot(0)}}, &el{name: "Data"}, &el{name: "Binary", children: []any{slot(1)}}),
			[]val{text("x"), {0x0e, []byte{1}}},
			"EventData.Data.#text = \"x\"\nEventData.Data.#text = \"\"\nEventData.Binary = \"01\"\n",
		},
		{
			"unnamed beside named data",
			data(dataElement("A", slot(0)), &el{name: "Data", children: []any{slot(1)}}),
			[]val{text("x"), text("y")},
			"EventData.A = \"x\"\n",
		},
		{
			"array in unnamed data",
			data(&el{name: "Data", children: []any{slot(0)}}),
			[]val{strs},
			"EventData.Data.#text = \"a\"\nEventData.Data.#text = \"\"\nEventData.Data.#text = \"b\"\n",
		},
		{
			"array in named data",
			data(dataElement("A", slot(0))),
			[]val{numbers},
			"EventData.A = 1\nEventData.A = 2\n",
		},
		{
			"array elsewhere",
			event(&el{name: "Item", attrs: []at{{"k", "v"}}, children: []any{slot(0)}}, &el{name: "Item", children: []any{"last"}}),
			[]val{numbers},
			"Item.#attributes.k = \"v\"\nItem.#text = 1\nItem_1.#attributes.k = \"v\"\nItem_1.#text = 2\nItem_2 = \"last\"\n",
		},
		{
			"array in an attribute",
			event(&el{name: "Item", attrs: []at{{"k", slot(0)}}}),
			[]val{strs},
			"Item.#attributes.k = \"a\"\nItem_1 = null\nItem_2.#attributes.k = \"b\"\n",
		},
		{
			"names that repeat",
			data(dataElement("A", slot(0)), dataElement("A", slot(1)), dataElement("B", slot(2)), dataElement("A", slot(3))),
			[]val{text("1"), text("2"), text("3"), text("4")},
			"EventData.A = \"1\"\nEventData.A = \"2\"\nEventData.B = \"3\"\nEventData.A_1 = \"4\"\n",
		},
		{
			"siblings that repeat",
			event(&el{name: "A", children: []any{slot(0)}}, &el{name: "A", children: []any{slot(1)}}),
			[]val{text("1"), text("2")},
			"A = \"1\"\nA_1 = \"2\"\n",
		},
		{
			"elements left out",
			event(
				&el{name: "A", depends: 1, children: []any{slot(0)}},
				&el{name: "B", depends: 2, children: []any{slot(1)}},
				&el{name: "C", depends: 9, children: []any{"c"}},
			),
			[]val{{}, text("")},
			"B = null\nC = \"c\"\n",
		},
		{
			"all elements left out",
			event(&el{name: "EventData", children: []any{
				&el{name: "Data", depends: 1, attrs: []at{{"Name", "A"}}, children: []any{slot(0)}},
			}}),
			[]val{{}},
			"EventData = null\n",
		},
		{
			"data named by the record",
			data(&el{name: "Data", attrs: []at{{"Name", slot(0)}}, children: []any{slot(1)}}),
			[]val{text("Key"), text("value")},
			"EventData.Key = \"value\"\n",
		},
		{
			"text in parts",
			event(&el{name: "A", children: []any{"a ", ref("lt"), ref("other"), char('é'), slot(0)}}),
			[]val{{0x08, le(4, 5)}},
			"A = \"a <&other;é5\"\n",
		},
		{
			"text beside elements",
			event(&el{name: "A", children: []any{slot(0), &el{name: "B", children: []any{slot(1)}}}}),
			[]val{{0x08, le(4, 5)}, text("b")},
			"A.#text = 5\nA.B = \"b\"\n",
		},
		{
			"a value used twice",
			event(&el{name: "A", children: []any{slot(0)}}, &el{name: "B", children: []any{slot(0)}}),
			[]val{text("x")},
			"A = \"x\"\nB = \"x\"\n",
		},
		{
			"elements in data",
			data(dataElement("A", &el{name: "B", children: []any{slot(0)}})),
			[]val{text("x")},
			"EventData.A.B = \"x\"\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newBuilder()
			c.event(test.definition, test.values...)
			records, problems := decodeBoth(t, c.chunk())
			if len(records) != 1 || len(problems) != 0 {
				t.Fatalf("got %d records, problems %v", len(records), problems)
			}
			if diff := cmp.Diff(test.want, show(records[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInstancesInValues(t *testing.T) {
	outer := event(&el{name: "System", children: []any{slot(0)}}, slot(1))
	inner := &el{name: "EventData", children: []any{dataElement("A", slot(0))}}
	user := &el{name: "UserData", children: []any{slot(0)}}
	clash := &el{name: "System", children: []any{slot(0)}}
	c := newBuilder()
	for _, e := range []*el{inner, user, clash} {
		c.define(e)
	}
	c.event(outer, text("s"), c.nested(inner, text("x")))
	c.event(outer, text("s"), c.nested(user, c.nested(&el{name: "X"})))
	c.event(outer, text("s"), c.nested(clash, text("t")))
	c.event(outer, text("s"), val{0x21, nil})
	c.event(outer, text("s"), text("no element"))
	records, problems := decodeBoth(t, c.chunk())
	if len(problems) != 1 || problems[0].Reason != evtx.Template {
		// The definition of X does not stand in the chunk.
		t.Errorf("problems: %v", problems)
	}
	want := []string{
		"System = \"s\"\nEventData.A = \"x\"\n",
		"System = \"s\"\nSystem_1 = \"t\"\n",
		"System = \"s\"\n",
		"#text = \"no element\"\nSystem = \"s\"\n",
	}
	var got []string
	for _, r := range records[3:] {
		got = append(got, show(r))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsWithoutTemplates(t *testing.T) {
	c := newBuilder()
	c.stream(func() {
		c.b = append(c.b, 0x0f, 1, 1, 0)
		c.element(event(&el{name: "System", attrs: []at{{"a", "b"}}, children: []any{"x"}}), false)
	})
	inner := &el{name: "EventData", children: []any{dataElement("A", slot(0))}}
	c.define(inner)
	c.stream(func() { // an instance in an element
		c.b = append(c.b, 0x01)
		c.u32(0)
		c.name("Event")
		c.b = append(c.b, 0x02)
		c.instance(inner, []val{text("y")})
		c.b = append(c.b, 0x04)
	})
	records, problems := decodeBoth(t, c.chunk())
	if len(records) != 3 || len(problems) != 0 {
		t.Fatalf("got %d records, problems %v", len(records), problems)
	}
	if diff := cmp.Diff("System.#attributes.a = \"b\"\nSystem.#text = \"x\"\n", show(records[0])); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("EventData.A = \"y\"\n", show(records[2])); diff != "" {
		t.Error(diff)
	}
}

func TestTemplatesAreKnownByContentNotByPlace(t *testing.T) {
	names := intel.NewNames(nil)
	d := evtx.NewDecoder(names)
	var got []string
	for _, path := range []string{"First", "Second", "First"} {
		c := newBuilder() // the same bytes but for the name, which has the same length
		c.event(event(&el{name: path[:5], children: []any{slot(0)}}), text("x"))
		d.Reset(c.chunk(), 0)
		var into intel.Record
		for {
			if _, ok := d.Next(&into); !ok {
				break
			}
			got = append(got, names.Text(into.Fields[0].Name))
		}
	}
	if diff := cmp.Diff([]string{"Event.First", "Event.Secon", "Event.First"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamesAreRewrittenOnce(t *testing.T) {
	asked := map[string]int{}
	names := intel.NewNames(func(path string) string {
		asked[path]++
		return strings.TrimPrefix(path, "Event.EventData.")
	})
	c := newBuilder()
	definition := event(&el{name: "EventData", children: []any{dataElement("Image", slot(0))}})
	for range 10 {
		c.event(definition, text("x"))
	}
	d := evtx.NewDecoder(names)
	d.Reset(c.chunk(), 0)
	var into intel.Record
	image := names.Intern("Image")
	for n := 0; ; n++ {
		if _, ok := d.Next(&into); !ok {
			if n != 10 {
				t.Errorf("got %d records", n)
			}
			break
		}
		if f, ok := into.First(image); !ok || string(f.Value) != "x" {
			t.Errorf("got %q, %v", f.Value, ok)
		}
	}
	if asked["Event.EventData.Image"] != 1 {
		t.Errorf("asked %v", asked)
	}
}

func TestWantLeavesOutTheOthers(t *testing.T) {
	names := intel.NewNames(nil)
	for name, want := range map[string]func(intel.Name) bool{
		"nothing": func(intel.Name) bool { return false },
		"half":    func(n intel.Name) bool { return n%2 == 0 },
		"all":     func(intel.Name) bool { return true },
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunk := range seeds() {
				full, some := evtx.NewDecoder(names), evtx.NewDecoder(names)
				some.Want = want
				full.Reset(chunk, 0)
				some.Reset(chunk, 0)
				var a, b intel.Record
				for {
					_, ok := full.Next(&a)
					if _, other := some.Next(&b); ok != other {
						t.Fatal(some.Problems())
					}
					if !ok {
						break
					}
					a.Fields = slices.DeleteFunc(a.Fields, func(f intel.Field) bool { return !want(f.Name) })
					if diff := cmp.Diff(sorted(flatten(names, &a)), sorted(flatten(names, &b))); diff != "" {
						t.Error(diff)
					}
				}
			}
		})
	}
}
