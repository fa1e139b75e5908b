package ledger

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"
	"unicode/utf8"

	"tocsin/intel"
)

// An export is lines of JSON: a head, one line for each erasure, observable and
// presence, and an end that counts and checks them. The version changes when a
// program that knows this one would misread it.
//
//	{"format":"tocsin-ledger","version":1,"made":"2026-11-25T02:00:00Z"}
//	{"removed":{"at":"2026-06-01T00:00:00Z","what":"erased","kind":"email","before":"2026-03-01T00:00:00Z","observables":7}}
//	{"kind":"domain","value":"example.com","count":3,"first":"2026-03-01T00:00:00Z","last":"2026-03-10T08:00:00Z","days":["2026-03-02"],"hosts":["pc1","pc2"]}
//	{"presence":true,"source":"dns","category":"dns_query","host":"pc1","day":"2026-03-01","seen":16777215}
//	{"end":true,"lines":2,"sha256":"…"}
//
// A value that the ledger keeps as a hash or a pseudonym only has "key", in
// hexadecimal, instead of "value". The days are those between the first and the
// last. More than sixteen hosts have the first of them and a sketch, 128
// registers of a HyperLogLog in base64. The checksum is of all bytes before the
// last line.
const (
	exportFormat  = "tocsin-ledger"
	exportVersion = 1
)

// exportLine is any line of an export; which, its fields tell.
type exportLine struct {
	Format  string    `json:"format,omitempty"`
	Version int       `json:"version,omitempty"`
	Made    time.Time `json:"made,omitzero"`

	Kind     intel.ObservableKind `json:"kind,omitzero"`
	Value    string               `json:"value,omitempty"`
	Key      string               `json:"key,omitempty"`
	Count    uint64               `json:"count,omitempty"`
	First    time.Time            `json:"first,omitzero"`
	Last     time.Time            `json:"last,omitzero"`
	Days     []string             `json:"days,omitempty"`
	Hosts    []string             `json:"hosts,omitempty"`
	Sketch   string               `json:"sketch,omitempty"`
	Undated  uint64               `json:"undated,omitempty"`
	Received string               `json:"received,omitempty"`

	// Removed stands before all that is remembered: what is missing in it says
	// nothing.
	Removed *Record `json:"removed,omitempty"`

	Presence  bool   `json:"presence,omitempty"`
	Source    string `json:"source,omitempty"`
	Product   string `json:"product,omitempty"`
	Category  string `json:"category,omitempty"`
	Service   string `json:"service,omitempty"`
	Host      string `json:"host,omitempty"`
	Day       string `json:"day,omitempty"`
	Seen      uint32 `json:"seen,omitempty"`
	Unhealthy uint32 `json:"unhealthy,omitempty"`

	End   bool   `json:"end,omitempty"`
	Lines uint64 `json:"lines,omitempty"`
	Sum   string `json:"sha256,omitempty"`
}

// Export writes all that the ledger remembers at this moment, in the order of
// its keys. Others may go on reading and writing.
func (l *Ledger) Export(ctx context.Context, w io.Writer) (err error) {
	l.lasting.RLock()
	defer l.lasting.RUnlock()
	db, done, err := l.use()
	if err != nil {
		return err
	}
	defer done()
	snapshot := db.NewSnapshot()
	removed := l.Records() // after the snapshot: what is missing in it was recorded before
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	x := newExporter(w)
	if err := x.line(exportLine{Format: exportFormat, Version: exportVersion, Made: l.now().UTC()}); err != nil {
		return err
	}
	visit := func(line func(key, value []byte) (exportLine, error)) func(key, value []byte) error {
		return func(key, value []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			e, err := line(key, value)
			if err != nil {
				return err
			}
			x.lines++
			return x.line(e)
		}
	}
	for i := range removed {
		if err := x.removed(&removed[i]); err != nil {
			return err
		}
	}
	if err := scan(snapshot, prefixSpan([]byte{spacePresence}), visit(l.presenceLine)); err != nil {
		return fmt.Errorf("export ledger: %w", err)
	}
	if err := scan(snapshot, prefixSpan([]byte{spaceObservable}), visit(l.sightingLine)); err != nil {
		return fmt.Errorf("export ledger: %w", err)
	}
	return x.end()
}

// exporter writes lines and adds them to the checksum.
type exporter struct {
	out   *bufio.Writer
	sum   hash.Hash
	lines uint64
}

func newExporter(w io.Writer) *exporter {
	return &exporter{out: bufio.NewWriterSize(w, 1<<16), sum: sha256.New()}
}

func (x *exporter) line(e exportLine) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	x.sum.Write(text)
	if _, err := x.out.Write(text); err != nil {
		return fmt.Errorf("export ledger: %w", err)
	}
	return nil
}

// removedValues is how many values a line names at most, of some 36 bytes.
const removedValues = 1000

// removed writes a record that leaves a gap, as several when it names many values.
func (x *exporter) removed(r *Record) error {
	if !r.leavesGap() {
		return nil
	}
	part := *r
	for values := r.Values; ; values = values[len(part.Values):] {
		part.Values = values[:min(len(values), removedValues)]
		x.lines++
		if err := x.line(exportLine{Removed: &part}); err != nil || len(values) == len(part.Values) {
			return err
		}
	}
}

func (x *exporter) end() error {
	sum := hex.EncodeToString(x.sum.Sum(nil))
	if err := x.line(exportLine{End: true, Lines: x.lines, Sum: sum}); err != nil {
		return err
	}
	return x.out.Flush()
}

func (l *Ledger) presenceLine(key, value []byte) (e exportLine, err error) {
	k, err := decodePresence(key)
	if err != nil {
		return e, err
	}
	h, err := decodeHours(value)
	log := parseLog(l.logs.text(k.log))
	return exportLine{
		Presence: true, Source: l.sources.text(k.source), Product: log.Product, Category: log.Category, Service: log.Service,
		Host: l.hosts.text(uint32(k.host)), Day: k.day.time().Format(time.DateOnly), Seen: h.seen, Unhealthy: h.unhealthy,
	}, err
}

func (l *Ledger) sightingLine(key, value []byte) (e exportLine, err error) {
	var s sighting
	if err := s.decode(value); err != nil {
		return e, fmt.Errorf("%x: %w", key, err)
	}
	o, ok := observable(key)
	e.Kind = o.Kind
	// A value that is not text would come back as another one.
	if ok && utf8.ValidString(o.Value) {
		e.Value = o.Value
	} else {
		e.Key = hex.EncodeToString(key[2:])
	}
	e.Count, e.Undated = s.count, s.undated
	if s.count > 0 {
		e.First, e.Last = s.first.time(), s.last.time()
		for _, d := range s.days.between() {
			e.Days = append(e.Days, d.time().Format(time.DateOnly))
		}
	}
	if s.undated > 0 {
		e.Received = s.received.time().Format(time.DateOnly)
	}
	for _, id := range s.hosts.lowest {
		e.Hosts = append(e.Hosts, l.hosts.text(uint32(id)))
	}
	if s.hosts.sketch != nil {
		e.Sketch = base64.StdEncoding.EncodeToString(s.hosts.sketch[:])
	}
	return e, nil
}
