package framing_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"tocsin/intake/framing"
)

// all reads a stream to its end: the messages, a "!" where one was too long,
// and the error when it is not io.EOF.
func all(r *framing.Reader) []string {
	var list []string
	for {
		message, err := r.Next()
		switch {
		case err == nil:
			list = append(list, string(message))
		case errors.Is(err, framing.ErrTooLong):
			list = append(list, "!")
		case errors.Is(err, io.EOF):
			return list
		default:
			return append(list, err.Error())
		}
	}
}

func TestFraming(t *testing.T) {
	t.Parallel()
	lost := framing.ErrLost.Error()
	for _, test := range []struct {
		name, stream string
		want         []string
	}{
		{"lines", "<34>a\n<34>b\n", []string{"<34>a", "<34>b"}},
		{"the last line is not ended", "<34>a\n<34>b", []string{"<34>a", "<34>b"}},
		{"lines without priority that begin with digits", "2025-03-01 h a\n12 monkeys\n", []string{"2025-03-01 h a", "12 monkeys"}},
		{"counted", "5 <34>a7 <34>b\nc", []string{"<34>a", "<34>b\nc"}},
		{"counted, with a line feed behind each", "5 <34>a\n5 <34>b\n", []string{"<34>a", "<34>b"}},
		{"counted, cut off", "5 <34>a9 <34>b", []string{"<34>a", io.ErrUnexpectedEOF.Error()}},
		{"counted, cut off in the count", "5 <34>a9", []string{"<34>a", io.ErrUnexpectedEOF.Error()}},
		{"counted, then lost", "5 <34>a<34>b\n", []string{"<34>a", lost}},
		{"a count that is too large", "5 <34>a9999999999 <", []string{"<34>a", lost}},
		{"counted and too long", "5 <34>a21 " + strings.Repeat("x", 21) + "2 <b", []string{"<34>a", "!", "<b"}},
		{"a line that is too long", "<34>a\n" + strings.Repeat("x", 100_000) + "\n<34>b\n", []string{"<34>a", "!", "<34>b"}},
		{"a long line at the end", strings.Repeat("x", 21), []string{"!"}},
		{"as long as may be", strings.Repeat("x", 20) + "\n", []string{strings.Repeat("x", 20)}},
		{"nothing", "", nil},
		{"one digit", "7", []string{"7"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := fmt.Sprintf("%q", test.want)
			if got := fmt.Sprintf("%q", all(framing.NewReader(strings.NewReader(test.stream), 20))); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got := fmt.Sprintf("%q", all(framing.NewReader(iotest.OneByteReader(strings.NewReader(test.stream)), 20))); got != want {
				t.Errorf("byte by byte: got %s, want %s", got, want)
			}
		})
	}
}

// Messages come out as they went in, by either framing, and Ready never
// promises what makes Next wait.
func TestFramedMessagesComeOutWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		messages := rapid.SliceOfN(rapid.StringMatching(`<[0-9]{1,3}>[ -~é]{0,40}`), 1, 20).Draw(t, "messages")
		count := rapid.Bool().Draw(t, "counted")
		var stream bytes.Buffer
		for _, m := range messages {
			if count {
				fmt.Fprintf(&stream, "%d %s", len(m), m)
			} else {
				stream.WriteString(m + "\n")
			}
		}
		waits := &waiting{r: iotest.HalfReader(&stream)}
		r := framing.NewReader(waits, 1000)
		for _, want := range messages {
			ready, before := r.Ready(), waits.reads
			got, err := r.Next()
			if err != nil || string(got) != want {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
			if ready && waits.reads != before {
				t.Fatal("ready, but the stream was read")
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("at the end: %v", err)
		}
	})
}

type waiting struct {
	r     io.Reader
	reads int
}

func (w *waiting) Read(p []byte) (int, error) {
	w.reads++
	return w.r.Read(p)
}

// FuzzReader: however the stream is cut into pieces, the same messages come
// out, none longer than allowed.
func FuzzReader(f *testing.F) {
	f.Add([]byte("5 <34>a7 <34>b\nc"))
	f.Add([]byte("<34>a\n<34>b"))
	f.Add([]byte("99 <x"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		const most = 64
		whole := all(framing.NewReader(bytes.NewReader(stream), most))
		pieces := all(framing.NewReader(iotest.OneByteReader(bytes.NewReader(stream)), most))
		if fmt.Sprintf("%q", whole) != fmt.Sprintf("%q", pieces) {
			t.Errorf("whole %q, byte by byte %q", whole, pieces)
		}
		for _, m := range whole {
			if len(m) > most && !strings.Contains(m, "syslog") && !strings.Contains(m, "EOF") {
				t.Errorf("%d bytes", len(m))
			}
		}
	})
}
