package evtx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/evtx"
)

// tenRecords is a chunk of ten events with a field A that counts them.
func tenRecords() []byte {
	c := newBuilder()
	definition := event(&el{name: "EventData", children: []any{dataElement("A", slot(0)), dataElement("B", slot(1))}})
	for i := range 10 {
		c.event(definition, val{0x04, []byte{byte(i)}}, text("some text"))
	}
	return c.chunk()
}

// starts returns where the records of a chunk start.
func starts(chunk []byte) (all []int) {
	for at := 512; binary.LittleEndian.Uint32(chunk[at:]) == 0x2a2a; {
		all = append(all, at)
		at += int(binary.LittleEndian.Uint32(chunk[at+4:]))
	}
	return all
}

// read returns what A counts in the records of a log, and the problems.
func read(t *testing.T, log []byte) (counts []string, reasons []evtx.Reason) {
	t.Helper()
	problems := decodeLog(t, bytes.NewReader(log), func(_ evtx.Record, fields []flat) {
		counts = append(counts, fields[0].value)
	})
	for _, p := range problems {
		reasons = append(reasons, p.Reason)
	}
	return counts, reasons
}

func TestWhatIsReadableIsRead(t *testing.T) {
	all := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	without := func(i ...int) (rest []string) {
		for n, s := range all {
			if !slices.Contains(i, n) {
				rest = append(rest, s)
			}
		}
		return rest
	}
	put := binary.LittleEndian.PutUint32
	for _, test := range []struct {
		name    string
		damage  func(chunk []byte) []byte
		counts  []string
		reasons []evtx.Reason
	}{
		{"nothing", func(c []byte) []byte { return c }, all, nil},
		{
			"checksum of the header",
			func(c []byte) []byte { c[124]++; return c },
			all,
			[]evtx.Reason{evtx.HeaderChecksum},
		},
		{
			"checksum of the records",
			func(c []byte) []byte { c[52]++; seal(c); return c },
			all,
			[]evtx.Reason{evtx.DataChecksum},
		},
		{
			"no checksums",
			func(c []byte) []byte { put(c[52:], 0); put(c[124:], 0); put(c[120:], 4); return c },
			all, nil,
		},
		{
			"header of nonsense",
			func(c []byte) []byte { put(c[48:], 7); return c },
			all,
			[]evtx.Reason{evtx.ChunkHeader},
		},
		{
			"free space counted too large",
			func(c []byte) []byte { put(c[48:], 60000); put(c[32:], 99); put(c[120:], 4); return c },
			all, nil,
		},
		{
			"magic of a record",
			func(c []byte) []byte { c[starts(c)[4]] = 0; return c },
			without(4),
			[]evtx.Reason{evtx.DataChecksum, evtx.RecordHeader},
		},
		{
			"size of a record too large",
			func(c []byte) []byte { put(c[starts(c)[4]+4:], 1<<31-1); return c },
			without(4),
			[]evtx.Reason{evtx.DataChecksum, evtx.RecordHeader},
		},
		{
			"size of a record zero",
			func(c []byte) []byte { put(c[starts(c)[4]+4:], 0); return c },
			without(4),
			[]evtx.Reason{evtx.DataChecksum, evtx.RecordHeader},
		},
		{
			"content of a record",
			func(c []byte) []byte { c[starts(c)[4]+24] = 0x7f; return c },
			without(4),
			[]evtx.Reason{evtx.DataChecksum, evtx.Content},
		},
		{
			"number of values",
			func(c []byte) []byte { put(c[starts(c)[4]+24+4+10:], 5000); return c },
			without(4),
			[]evtx.Reason{evtx.DataChecksum, evtx.Content},
		},
		{
			"offset of the template",
			func(c []byte) []byte { put(c[starts(c)[4]+24+4+6:], 0xfffffff0); return c },
			without(4),
			[]evtx.Reason{evtx.DataChecksum, evtx.Template},
		},
		{
			"type of a value",
			func(c []byte) []byte { c[starts(c)[4]+24+4+16] = 0x7f; return c },
			append(append(without(4, 5, 6, 7, 8, 9), "null"), without(0, 1, 2, 3, 4)...),
			[]evtx.Reason{evtx.DataChecksum, evtx.Value},
		},
		{
			"end of the chunk",
			func(c []byte) []byte { return c[:starts(c)[6]+40] },
			without(6, 7, 8, 9),
			[]evtx.Reason{evtx.Truncated, evtx.RecordHeader},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			counts, reasons := read(t, append(fileHeader(), test.damage(tenRecords())...))
			if diff := cmp.Diff(test.counts, counts); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.reasons, reasons); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChunksAreFound(t *testing.T) {
	chunk := tenRecords()
	zeros := make([]byte, 64<<10)
	noise := bytes.Repeat([]byte("noise"), 20000)
	short := chunk[:60000] // its records are whole, its space is not
	for _, test := range []struct {
		name    string
		log     []byte
		chunks  int
		reasons []evtx.Reason
	}{
		{"a log", slices.Concat(fileHeader(), chunk, chunk), 2, nil},
		{"bare chunks", slices.Concat(chunk, chunk), 2, nil},
		{"no chunk", fileHeader(), 0, nil},
		{"nothing", nil, 0, []evtx.Reason{evtx.FileHeader}},
		{"a header of zeros", slices.Concat(make([]byte, 4096), chunk), 1, []evtx.Reason{evtx.FileHeader}},
		{"a header of noise", slices.Concat(noise[:4096], chunk), 1, []evtx.Reason{evtx.FileHeader, evtx.Gap}},
		{"a lost header", slices.Concat(noise[:77], chunk), 1, []evtx.Reason{evtx.FileHeader, evtx.Gap}},
		{"chunks of zeros", slices.Concat(fileHeader(), chunk, zeros, zeros, chunk, zeros), 2, nil},
		{"noise between", slices.Concat(fileHeader(), chunk, noise, chunk), 2, []evtx.Reason{evtx.Gap}},
		{"noise behind", slices.Concat(fileHeader(), chunk, noise), 1, []evtx.Reason{evtx.Gap}},
		{"a short chunk between", slices.Concat(fileHeader(), short, chunk, chunk), 3, nil},
		{"a short chunk at the end", slices.Concat(fileHeader(), chunk, short), 2, nil},
		{"a magic in a chunk", slices.Concat(fileHeader(), slices.Concat(chunk[:60000], []byte("ElfChnk\x00"), chunk[60008:]), noise), 1, []evtx.Reason{evtx.Gap}},
	} {
		t.Run(test.name, func(t *testing.T) {
			counts, reasons := read(t, test.log)
			if len(counts) != 10*test.chunks {
				t.Errorf("got %d records of %d chunks", len(counts), test.chunks)
			}
			slices.Sort(reasons)
			if diff := cmp.Diff(test.reasons, reasons); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReaderHandsOnTheErrorOfItsSource(t *testing.T) {
	broken := io.MultiReader(bytes.NewReader(append(fileHeader(), tenRecords()...)), errorReader{})
	r, err := evtx.NewReader(broken)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Next(nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, os.ErrClosed }

func TestLooks(t *testing.T) {
	for head, want := range map[string]bool{"ElfFile\x00": true, "ElfChnk\x00rest": true, "ElfFile": false, "": false, "{}": false} {
		if got := evtx.Looks([]byte(head)); got != want {
			t.Errorf("Looks(%q) = %v", head, got)
		}
	}
}

func TestProblemsSayWhatAndWhere(t *testing.T) {
	p := evtx.Problem{Reason: evtx.Content, Offset: 4608, Record: 7}
	if got, want := p.String(), "record 7 at offset 4608: unreadable record content"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Offsets that lead back to themselves, one name for thousands of elements and
// values in each other: each must end, and soon.
func TestHostileChunksAreBounded(t *testing.T) {
	long := string(bytes.Repeat([]byte("n"), 2000))
	wide := &el{name: "Event"}
	for range 2000 {
		wide.children = append(wide.children, &el{name: long})
	}
	deep := &el{name: "E"}
	for range 400 {
		deep = &el{name: "E", children: []any{deep}}
	}
	many := event()
	for range 2500 {
		many.children = append(many.children, &el{name: "E", children: []any{slot(0)}})
	}
	product := event(&el{name: "E", children: []any{slot(0), slot(1), slot(2), slot(3)}})
	bytesArray := val{0x84, bytes.Repeat([]byte{1}, 200)}
	for name, build := range map[string]func(c *builder){
		"names":   func(c *builder) { c.event(wide) },
		"depth":   func(c *builder) { c.event(deep) },
		"values":  func(c *builder) { c.event(many, text(string(bytes.Repeat([]byte("x"), 10000)))) },
		"product": func(c *builder) { c.event(product, bytesArray, bytesArray, bytesArray, bytesArray) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newBuilder()
			build(c)
			d := evtx.NewDecoder(intel.NewNames(nil))
			d.Reset(c.chunk(), 0)
			var into intel.Record
			if _, ok := d.Next(&into); ok {
				t.Errorf("read with %d fields", len(into.Fields))
			}
			if len(d.Problems()) != 1 {
				t.Errorf("problems: %v", d.Problems())
			}
		})
	}
}

func TestDecodingAllocatesNothing(t *testing.T) {
	c := newBuilder()
	inner := &el{name: "EventData", children: []any{dataElement("A", slot(0)), dataElement("B", slot(1))}}
	outer := event(&el{name: "System", children: []any{slot(0)}}, slot(1))
	c.define(inner)
	for range 50 {
		c.event(outer, val{0x11, le(8, 1<<57)}, c.nested(inner, text("value"), val{0x08, le(4, 77)}))
	}
	chunk := c.chunk()
	d := evtx.NewDecoder(intel.NewNames(nil))
	var into intel.Record
	allocs := testing.AllocsPerRun(20, func() {
		d.Reset(chunk, 0)
		for {
			if _, ok := d.Next(&into); !ok {
				break
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
