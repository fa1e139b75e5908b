package transparency

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tocsin/alliance"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// An export is a part of a log up to a checkpoint, as lines of text:
//
//	tocsin log export 1
//	first 2
//	earlier 1
//	whole HASH            for each whole subtree before the first entry
//	(a blank line)
//	the checkpoint, and each of the earlier ones, with a blank line behind
//	2
//	the record of entry 2, and a blank line; and so on to the checkpoint's last
//
// It has one spelling, so that nothing in it can be changed unnoticed.
const exportHead = "tocsin log export 1"

// Limits of an export that is read.
const (
	maxEarlier = 1000
	maxLine    = maxRecord + 1
)

// Export writes the log from an entry on, up to the last checkpoint handed out,
// with all earlier ones since.
func (l *Log) Export(ctx context.Context, first int64, to io.Writer) error {
	return l.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		current, err := currentLog(ctx, tx)
		if err != nil {
			return err
		}
		last, err := handedOut(ctx, tx, current.Origin)
		if err != nil {
			return err
		}
		if last == "" {
			return fmt.Errorf("export the log %s: no checkpoint was handed out yet: %w", current.Origin, fault.NotFound)
		}
		c, err := ReadCheckpoint(last)
		if err != nil {
			return err
		}
		earlier, err := handedSince(ctx, tx, c.Origin, first, c.Size, maxEarlier)
		if err != nil {
			return err
		}
		return export(ctx, tree{tx, c.Origin}, first, &c, earlier, to)
	})
}

// Export writes what is kept of a hub's newest log, up to a checkpoint that was
// verified: for others to verify, or for the hub to recover.
func (m *Monitor) Export(ctx context.Context, hub alliance.NodeID, first int64, to io.Writer) error {
	return m.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		last, known, err := newestOf(ctx, tx, hub)
		if err != nil {
			return err
		}
		kept, err := sizeOf(ctx, tx, last.Origin)
		if err != nil {
			return err
		}
		note, found, err := verifiedBetween(ctx, tx, last.Origin, first, kept)
		if err != nil {
			return err
		}
		if !known || !found {
			return fmt.Errorf("export the log of hub %s: no checkpoint of the %d entries kept here was verified: %w", hub, kept, fault.NotFound)
		}
		c, err := ReadCheckpoint(note)
		if err != nil {
			return err
		}
		return export(ctx, tree{tx, c.Origin}, first, &c, nil, to)
	})
}

func export(ctx context.Context, t tree, first int64, c *Checkpoint, earlier []string, to io.Writer) error {
	if first < 0 || first > c.Size {
		return fmt.Errorf("export the log %s from entry %d: the last checkpoint is of %d: %w", c.Origin, first, c.Size, fault.Invalid)
	}
	whole, err := t.whole(ctx, first)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(to)
	fmt.Fprintf(w, "%s\nfirst %d\nearlier %d\n", exportHead, first, len(earlier))
	for _, h := range whole {
		fmt.Fprintf(w, "whole %s\n", h)
	}
	fmt.Fprintf(w, "\n%s\n", c.Note)
	for _, note := range earlier {
		fmt.Fprintf(w, "%s\n", note)
	}
	for at := first; at < c.Size; {
		records, err := recordsFrom(ctx, t.tx, t.origin, at, min(someAtOnce, c.Size-at))
		if err != nil {
			return err
		}
		if len(records) == 0 {
			return fmt.Errorf("log %s: entry %d is not there: check the database", t.origin, at)
		}
		for _, record := range records {
			fmt.Fprintf(w, "%d\n%s\n", at, record)
			at++
		}
	}
	return w.Flush()
}

// Exported is what an export holds, verified.
type Exported struct {
	Checkpoint Checkpoint
	First      int64
	Earlier    []Checkpoint
}

// VerifyExport reads an export and verifies it against the keys of the node whose
// log it is: every signature, that the entries are those of the checkpoint, and
// that the log had each earlier one on its way. Each record is handed to entry, if
// that is not nil, before it is known whether it will do: nothing may be done on it
// before VerifyExport returned nil. The error is fault.Invalid and says what does
// not fit; one changed bit anywhere is one. Memory does not grow with the entries.
func VerifyExport(from io.Reader, entry func(index int64, record string) error, keys ...ed25519.PublicKey) (Exported, error) {
	r := &exportReader{r: bufio.NewReader(from)}
	e, whole, err := r.head(keys)
	if err != nil {
		return e, fmt.Errorf("log export, line %d: %w", r.line, err)
	}
	c := &e.Checkpoint
	tree, err := newReplay(e.First, whole)
	if err != nil {
		return e, fmt.Errorf("log export: %w", err)
	}
	check := func() error {
		for i := range e.Earlier {
			if o := &e.Earlier[i]; o.Size == tree.size && o.Root != tree.root() {
				return fmt.Errorf("log %s: the checkpoint at %d entries is of others than these: the hub signed two histories, or this file was changed: %w", c.Origin, o.Size, fault.Invalid)
			}
		}
		return nil
	}
	for err = check(); err == nil && tree.size < c.Size; err = check() {
		record, err := r.record(tree.size)
		if err != nil {
			return e, fmt.Errorf("log export, line %d: %w", r.line, err)
		}
		if entry != nil {
			if err := entry(tree.size, record); err != nil {
				return e, err
			}
		}
		tree.add(record)
	}
	if err == nil && tree.root() != c.Root {
		err = fmt.Errorf("log %s: these are not the entries of the checkpoint at %d: %w", c.Origin, c.Size, fault.Invalid)
	}
	if err != nil {
		return e, err
	}
	if _, err := r.r.ReadByte(); !errors.Is(err, io.EOF) {
		return e, fmt.Errorf("log export, line %d: something comes after the last entry: %w", r.line, fault.Invalid)
	}
	return e, nil
}

// exportReader reads lines.
type exportReader struct {
	r    *bufio.Reader
	line int
}

// text returns the next line without its end.
func (r *exportReader) text() (string, error) {
	r.line++
	var b strings.Builder
	for {
		part, err := r.r.ReadSlice('\n')
		b.Write(part)
		switch {
		case b.Len() > maxLine:
			return "", fmt.Errorf("longer than %d bytes: %w", maxLine, fault.Invalid)
		case err == nil:
			return strings.TrimSuffix(b.String(), "\n"), nil
		case errors.Is(err, io.EOF):
			return "", fmt.Errorf("the file ends too early: %w", fault.Invalid)
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

// field returns the value of the next line, which has a name.
func (r *exportReader) field(name string) (string, error) {
	line, err := r.text()
	if err != nil {
		return "", err
	}
	value, ok := strings.CutPrefix(line, name+" ")
	if !ok {
		return "", fmt.Errorf("%q is wanted, not %.60q: %w", name, line, fault.Invalid)
	}
	return value, nil
}

func (r *exportReader) number(name string, most int64) (int64, error) {
	value, err := r.field(name)
	if err != nil {
		return 0, err
	}
	n, err := readSize(value)
	if err == nil && n > most {
		err = fmt.Errorf("%s %d: more than %d: %w", name, n, most, fault.Invalid)
	}
	return n, err
}

func (r *exportReader) head(keys []ed25519.PublicKey) (e Exported, whole []Hash, err error) {
	line, err := r.text()
	if err != nil {
		return e, nil, err
	}
	if line != exportHead {
		return e, nil, fmt.Errorf("it is no export of a log: %q is wanted, not %.60q: %w", exportHead, line, fault.Invalid)
	}
	if e.First, err = r.number("first", maxSize); err != nil {
		return e, nil, err
	}
	earlier, err := r.number("earlier", maxEarlier)
	if err != nil {
		return e, nil, err
	}
	for {
		line, err := r.text()
		if err != nil {
			return e, nil, err
		}
		if line == "" {
			break
		}
		value, ok := strings.CutPrefix(line, "whole ")
		if !ok || len(whole) >= maxProof {
			return e, nil, fmt.Errorf("a hash or a blank line is wanted, not %.60q: %w", line, fault.Invalid)
		}
		h, err := readHash(value)
		if err != nil {
			return e, nil, err
		}
		whole = append(whole, h)
	}
	if e.Checkpoint, err = r.checkpoint(keys); err != nil {
		return e, nil, err
	}
	for range earlier {
		o, err := r.checkpoint(keys)
		if err != nil {
			return e, nil, err
		}
		if o.Origin != e.Checkpoint.Origin || o.Size < e.First || o.Size > e.Checkpoint.Size {
			return e, nil, fmt.Errorf("a checkpoint of %s at %d entries has no place in this file: %w", o.Origin, o.Size, fault.Invalid)
		}
		e.Earlier = append(e.Earlier, o)
	}
	if e.First > e.Checkpoint.Size {
		return e, nil, fmt.Errorf("it begins behind its checkpoint: %w", fault.Invalid)
	}
	return e, whole, nil
}

// checkpoint reads a note and the blank line behind it. A note has one inside.
func (r *exportReader) checkpoint(keys []ed25519.PublicKey) (Checkpoint, error) {
	var b strings.Builder
	for blank := 0; blank < 2; {
		line, err := r.text()
		if err != nil {
			return Checkpoint{}, err
		}
		if line == "" {
			blank++
		}
		if blank < 2 {
			b.WriteString(line)
			b.WriteByte('\n')
		}
		if b.Len() > maxNote {
			return Checkpoint{}, fmt.Errorf("a checkpoint is longer than %d bytes: %w", maxNote, fault.Invalid)
		}
	}
	return OpenCheckpoint(b.String(), keys...)
}

// record reads the record of an entry, which has no blank line inside.
func (r *exportReader) record(index int64) (string, error) {
	line, err := r.text()
	if err != nil {
		return "", err
	}
	if line != strconv.FormatInt(index, 10) {
		return "", fmt.Errorf("entry %d is wanted, not %.60q: %w", index, line, fault.Invalid)
	}
	var b strings.Builder
	for {
		line, err := r.text()
		if err != nil {
			return "", err
		}
		if line == "" {
			return b.String(), nil
		}
		b.WriteString(line)
		b.WriteByte('\n')
		if b.Len() > maxRecord {
			return "", fmt.Errorf("an entry is longer than %d bytes: %w", maxRecord, fault.Invalid)
		}
	}
}

// RecoverFile is Recover from an export.
func (l *Log) RecoverFile(ctx context.Context, by audit.Actor, from io.Reader) (Exported, error) {
	var records []string
	e, err := VerifyExport(from, func(_ int64, record string) error {
		if len(records) >= maxRecovered {
			return fmt.Errorf("recover the log: more than %d entries: export it from a later one with --first: %w", maxRecovered, fault.Invalid)
		}
		records = append(records, record)
		return nil
	}, l.keys...)
	if err != nil {
		return e, err
	}
	return e, l.Recover(ctx, by, e.First, records, e.Checkpoint.Note)
}

// maxRecovered bounds the entries recovered at once, some hundred megabytes.
const maxRecovered = 1_000_000
