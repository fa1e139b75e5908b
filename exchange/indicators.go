package exchange

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"tocsin/exchange/list"
	"tocsin/intel"
	"tocsin/intel/pack"
	"tocsin/internal/fault"
)

// Format is how indicators are written.
type Format string

// The formats.
const (
	List Format = "list" // text or a table, see package list
	MISP Format = "misp"
	STIX Format = "stix"
)

// IndicatorOptions say what is known of indicators beside what is read.
type IndicatorOptions struct {
	// Origin is what is said of each where the source says nothing.
	Origin intel.Origin
	// Column names the column of a table that holds the indicators.
	Column string
	// Workers is how many goroutines read; 0 means one a processor.
	Workers int
}

// Reading says what was read.
type Reading struct {
	Format Format
	Read   int // indicators
	Passed []Passed
}

// Passed counts what was passed over for one reason.
type Passed struct {
	Reason string
	Count  int
	First  string // where the first stands: "line 7", a path in a document
}

// PassedOver returns how many entries were passed over.
func (r *Reading) PassedOver() int {
	n := 0
	for _, p := range r.Passed {
		n += p.Count
	}
	return n
}

// maxExpansion bounds what a compressed source unpacks to.
const maxExpansion = 4 << 30

// ReadIndicators reads indicators in whatever format they are, gzip around it
// included. Entries that cannot be used are counted and passed over. It fails
// (fault.Invalid) when the whole is in no format that we know, or holds no
// indicator.
func ReadIndicators(r io.Reader, o IndicatorOptions) (*pack.Pack, Reading, error) {
	in := bufio.NewReaderSize(r, list.HeadSize)
	if head, _ := in.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, Reading{}, fmt.Errorf("unpack indicators: %w: %w", err, fault.Invalid)
		}
		in = bufio.NewReaderSize(&boundedReader{unpacked, maxExpansion}, list.HeadSize)
	}
	head, err := in.Peek(list.HeadSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, Reading{}, fmt.Errorf("read indicators: %w", err)
	}
	reading := &reading{IndicatorOptions: o, builder: pack.NewBuilder(), passed: map[string]*Passed{}}
	switch reading.format = recognise(head); reading.format {
	case MISP, STIX:
		err = reading.document(in)
	default:
		err = reading.list(in, head)
	}
	if err != nil {
		return nil, Reading{}, err
	}
	p := reading.builder.Pack()
	told := reading.told(p.Len())
	if p.Len() == 0 {
		return nil, told, fmt.Errorf("no indicator in it%s: %w", told.because(), fault.Invalid)
	}
	return p, told, nil
}

// because names the first reason for which entries were passed over.
func (r *Reading) because() string {
	if len(r.Passed) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s: %s)", r.Passed[0].First, r.Passed[0].Reason)
}

// boundedReader ends with an error where io.LimitReader would pretend the end.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("it unpacks to more than %d bytes: %w", int64(maxExpansion), fault.Invalid)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// reading is one source being read.
type reading struct {
	IndicatorOptions
	format  Format
	builder *pack.Builder

	mu     sync.Mutex
	passed map[string]*Passed // guarded by mu
}

// pass counts what is passed over. The first place is that of the least order.
func (r *reading) pass(reason, where string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.passed[reason]
	if p == nil {
		p = &Passed{Reason: reason, First: where}
		r.passed[reason] = p
	}
	p.Count += n
}

func (r *reading) told(read int) Reading {
	t := Reading{Format: r.format, Read: read}
	for _, p := range r.passed {
		t.Passed = append(t.Passed, *p)
	}
	slices.SortFunc(t.Passed, func(a, b Passed) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Reason, b.Reason))
	})
	return t
}
