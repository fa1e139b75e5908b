package ledger

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/intel"
	"tocsin/internal/fault"
)

const (
	// importLine is how long a line may be: ten thousand days and sixteen of
	// the longest names are less than half of it.
	importLine = 1 << 19
	// importChunk is how many lines are written at once.
	importChunk = 50_000
)

// Import adds an export, of this or of another ledger, to what is remembered.
// It is read twice: the first time it is checked as a whole, so that a file
// that is torn or changed adds nothing. An import that was interrupted goes on
// where it was when it is repeated; one that is complete is refused, with
// fault.Conflict, because everything would count twice. What is wrong with a
// file is fault.Invalid, with its line.
//
// Hashes and pseudonyms are added as they are: pseudonyms mean something only
// to a ledger with the same key.
func (l *Ledger) Import(ctx context.Context, r io.ReadSeeker) (Record, error) {
	record := Record{What: Imported}
	sum, err := checkExport(ctx, r)
	if err != nil {
		return record, fmt.Errorf("import: %w", err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return record, fmt.Errorf("import: %w", err)
	}
	i := importer{ledger: l, mark: append(metaKey(metaImport), sum...)}
	if err := l.alone(ctx, i.begin); err != nil {
		return record, fmt.Errorf("import: %w", err)
	}
	if err := i.run(ctx, r); err != nil {
		return record, fmt.Errorf("import: %w", err)
	}
	record.Reason = "export " + hex.EncodeToString(sum)
	record.Observables, record.Presences = i.observables, i.presences
	return record, l.record(ctx, &record)
}

// checkExport reads a whole export and returns its checksum.
func checkExport(ctx context.Context, r io.Reader) ([]byte, error) {
	var end *exportLine
	var lines uint64
	sum := sha256.New()
	err := eachLine(ctx, r, func(n uint64, text []byte) error {
		e, err := parseLine(text)
		switch {
		case err != nil:
			return err
		case end != nil:
			return errors.New("something follows the end")
		case (n == 1) != (e.Format != ""):
			return errors.New("the first line, and no other, is the head")
		case e.Format != "":
			err = e.checkHead()
		case e.End:
			end = &e
			return nil
		case e.Removed != nil:
			lines++
			err = e.Removed.checkImported()
		case e.Presence:
			lines++
			_, _, err = e.hours()
		default:
			lines++
			_, _, err = e.sighting()
		}
		sum.Write(text)
		sum.Write([]byte{'\n'})
		return err
	})
	if err != nil {
		return nil, err
	}
	got := sum.Sum(nil)
	if end == nil || end.Lines != lines || end.Sum != hex.EncodeToString(got) {
		return nil, fmt.Errorf("the export is incomplete or was changed: get it again: %w", fault.Invalid)
	}
	return got, nil
}

// eachLine calls visit for each line, without its end; an error gets its
// number.
func eachLine(ctx context.Context, r io.Reader, visit func(n uint64, text []byte) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 1<<16), importLine)
	for n := uint64(1); in.Scan(); n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := visit(n, in.Bytes()); err != nil {
			return fmt.Errorf("line %d: %w: %w", n, err, fault.Invalid)
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	return nil
}

func parseLine(text []byte) (e exportLine, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, err
	}
	if d.More() {
		return e, errors.New("more than one value")
	}
	return e, nil
}

func (r *Record) checkImported() error {
	if !r.leavesGap() || r.Kind == intel.NoObservable || r.Before.IsZero() || r.At.IsZero() {
		return errors.New("what was removed is not told")
	}
	return nil
}

func (e *exportLine) checkHead() error {
	if e.Format != exportFormat || e.Version != exportVersion {
		return fmt.Errorf("this is %s version %d, and %s version %d is what can be read", e.Format, e.Version, exportFormat, exportVersion)
	}
	return nil
}

// key returns the key of the line's observable.
func (e *exportLine) key() ([]byte, error) {
	if e.Kind == intel.NoObservable || e.Kind == intel.IPRange || (e.Value == "") == (e.Key == "") {
		return nil, errors.New("a line has a kind that can be seen, and either a value or a key")
	}
	if e.Value != "" {
		return appendKey(nil, e.Kind, []byte(e.Value)), nil
	}
	rest, err := hex.DecodeString(e.Key)
	if err != nil || len(rest) < 2 || len(rest) > keyLimit {
		return nil, errors.New("the key is none")
	}
	key := append([]byte{spaceObservable, byte(e.Kind)}, rest...)
	o, ok := observable(key)
	switch {
	case ok && !bytes.Equal(appendKey(nil, o.Kind, []byte(o.Value)), key),
		!ok && key[2] == formOrdered && e.Kind != intel.URL,
		!ok && key[2] != formOrdered && len(rest) != 1+hashBytes,
		key[2] == 0 || key[2] > formPseudonym:
		return nil, errors.New("the key is none")
	}
	return key, nil
}

// sighting returns key and content of an observable's line, without its hosts.
func (e *exportLine) sighting() ([]byte, sighting, error) {
	var s sighting
	key, err := e.key()
	if err != nil {
		return nil, s, err
	}
	if e.Count == 0 && e.Undated == 0 {
		return nil, s, errors.New("it was never seen")
	}
	s.count, s.undated = e.Count, e.Undated
	if e.Count > 0 {
		if err := e.dated(&s); err != nil {
			return nil, s, err
		}
	}
	if e.Undated > 0 {
		if s.received, err = parseDay(e.Received); err != nil {
			return nil, s, err
		}
	}
	if err := e.hosted(&s); err != nil {
		return nil, s, err
	}
	return key, s, nil
}

func (e *exportLine) dated(s *sighting) error {
	s.first, s.last = momentOf(e.First), momentOf(e.Last)
	if !s.first.time().Equal(e.First) || !s.last.time().Equal(e.Last) || s.first > s.last {
		return fmt.Errorf("it was seen from %s to %s", e.First, e.Last)
	}
	s.days.add(s.first.day())
	s.days.add(s.last.day())
	for _, text := range e.Days {
		d, err := parseDay(text)
		if err != nil {
			return err
		}
		if d <= s.first.day() || d >= s.last.day() {
			return fmt.Errorf("day %s is not between the first and the last", text)
		}
		s.days.add(d)
	}
	return nil
}

func (e *exportLine) hosted(s *sighting) error {
	if len(e.Hosts) > HostsExact || (e.Sketch != "" && len(e.Hosts) < HostsExact) {
		return fmt.Errorf("%d hosts", len(e.Hosts))
	}
	if e.Sketch == "" {
		return nil
	}
	sketch, err := base64.StdEncoding.DecodeString(e.Sketch)
	if err != nil || len(sketch) != registers {
		return errors.New("the sketch is none")
	}
	s.hosts.sketch = (*[registers]byte)(sketch)
	return nil
}

// hours returns day and hours of a presence's line.
func (e *exportLine) hours() (day, hours, error) {
	d, err := parseDay(e.Day)
	if err == nil && (e.Seen|e.Unhealthy)&^allHours != 0 {
		err = errors.New("a day has 24 hours")
	}
	return d, hours{e.Seen, e.Unhealthy}, err
}

func parseDay(text string) (day, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no day", text)
	}
	d := momentOf(t).day()
	if !d.time().Equal(t) {
		return 0, fmt.Errorf("day %s is not one that can be kept", text)
	}
	return d, nil
}

// importer is an import that is going on.
type importer struct {
	ledger                 *Ledger
	mark                   []byte // the key under which is how many lines are in
	skip                   uint64 // lines that an earlier attempt has written
	observables, presences uint64
	lines                  []exportLine
}

// importDone is what the mark says once all is in.
const importDone = 1<<64 - 1

// begin finds out how far an earlier attempt came.
func (i *importer) begin(db *pebble.DB) error {
	value, err := get(db, i.mark)
	if err != nil || value == nil {
		return err
	}
	if len(value) != 8 {
		return errValue
	}
	if i.skip = binary.BigEndian.Uint64(value); i.skip == importDone {
		return fmt.Errorf("this export was imported before, and would count twice: %w", fault.Conflict)
	}
	return nil
}

func (i *importer) run(ctx context.Context, r io.Reader) error {
	at := uint64(0)
	err := eachLine(ctx, r, func(n uint64, text []byte) error {
		e, err := parseLine(text)
		if err != nil || e.Format != "" || e.End {
			return err
		}
		switch {
		case e.Presence:
			i.presences++
		case e.Removed == nil:
			i.observables++
		}
		if at = n; n <= i.skip {
			return nil
		}
		if i.lines = append(i.lines, e); len(i.lines) < importChunk {
			return nil
		}
		return i.write(ctx, n)
	})
	if err != nil {
		return err
	}
	if err := i.write(ctx, max(at, i.skip)); err != nil {
		return err
	}
	return i.write(ctx, importDone)
}

// write adds the collected lines and notes that all up to one are in.
func (i *importer) write(ctx context.Context, upTo uint64) error {
	return i.ledger.alone(ctx, func(db *pebble.DB) (err error) {
		if err := i.ledger.roomOnDisk(); err != nil {
			return err
		}
		w := db.NewBatch()
		defer func() { err = errors.Join(err, w.Close()) }()
		var removed []Record
		for n := range i.lines {
			if r := i.lines[n].Removed; r != nil {
				err = setRecord(w, r.storeKey(len(i.ledger.records)+len(removed)), r)
				removed = append(removed, *r)
			} else {
				err = i.ledger.importLine(w, &i.lines[n])
			}
			if err != nil {
				return err
			}
		}
		if err := w.Set(slices.Clone(i.mark), binary.BigEndian.AppendUint64(nil, upTo), nil); err != nil {
			return err
		}
		i.lines = i.lines[:0]
		if err := i.ledger.commit(w); err != nil {
			return err
		}
		i.ledger.records = append(i.ledger.records, removed...)
		i.ledger.noteGaps()
		return nil
	})
}

func (l *Ledger) importLine(w *pebble.Batch, e *exportLine) error {
	if e.Presence {
		d, h, err := e.hours()
		if err != nil {
			return err
		}
		log := intel.LogSource{Product: e.Product, Category: e.Category, Service: e.Service}
		k := presenceKey{
			log: l.logs.number(appendLog(nil, log)), source: l.sources.number([]byte(e.Source)),
			day: d, host: hostID(l.hosts.number([]byte(e.Host))),
		}
		return w.Merge(k.append(nil), h.append(nil), nil)
	}
	key, s, err := e.sighting()
	if err != nil {
		return err
	}
	for _, name := range e.Hosts {
		if id := hostID(l.hosts.number([]byte(name))); id != noName {
			if at, found := slices.BinarySearch(s.hosts.lowest, id); !found {
				s.hosts.lowest = slices.Insert(s.hosts.lowest, at, id)
			}
		}
	}
	if s.hosts.sketch != nil && len(s.hosts.lowest) < HostsExact {
		s.hosts.sketch = nil // it repeats names, or the ledger has no more
	}
	return w.Merge(key, s.append(nil), nil)
}
