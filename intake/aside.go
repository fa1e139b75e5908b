package intake

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tocsin/telemetry"
)

// Aside keeps records that could not be read: one file a day of JSON lines,
// bounded in size and age, the oldest going first. It is safe for concurrent
// use.
type Aside struct {
	dir  string
	size int64
	age  time.Duration
	now  func() time.Time

	mu   sync.Mutex // guards everything below, and the files
	held int64      // bytes in all files; -1 until looked
	lost uint64     // records that there was no room for
	// replaying is the file that a replay reads.
	replaying string

	replay sync.Mutex // one replay at a time
}

// AsideRecord is a record that could not be read.
type AsideRecord struct {
	At     time.Time        `json:"at"`
	Source string           `json:"source"`
	Format telemetry.Format `json:"format"`
	Reason string           `json:"reason"`
	Raw    []byte           `json:"raw"` // base64 in JSON
	// Cut is set when the record was too long to be kept whole.
	Cut bool `json:"cut,omitempty"`
	// Block is the record with what else its source said, as
	// telemetry.ReadBlock reads it, where the format needs that.
	Block []byte `json:"block,omitempty"`
}

// OpenAside returns what is kept in a folder, which is made with the first
// record. With no folder nothing is kept.
func OpenAside(dir string, size int64, age time.Duration, now func() time.Time) *Aside {
	return &Aside{dir: dir, size: size, age: age, now: now, held: -1}
}

// OpenAside returns what an intake of this configuration sets aside. Where one
// runs, it alone may use it.
func (c Config) OpenAside(now func() time.Time) *Aside {
	c = c.WithDefaults()
	dir := ""
	if c.Dir != "" {
		dir = filepath.Join(c.Dir, "aside")
	}
	return OpenAside(dir, c.Limits.Aside, c.Limits.AsideAge, now)
}

const asideSuffix = ".jsonl"

// asideRecordLimit bounds what is kept of one record; a longer one is cut, and
// cannot be replayed.
const asideRecordLimit = 1 << 20

// Add keeps a record. What there is no room for is counted (Lost).
func (a *Aside) Add(reason string, record *telemetry.Block) {
	if a.dir == "" {
		return
	}
	entry := AsideRecord{At: a.now().UTC(), Source: record.Source.Name, Format: record.Source.Format, Reason: reason, Raw: record.Data}
	if len(entry.Raw) > asideRecordLimit {
		entry.Raw, entry.Cut = entry.Raw[:asideRecordLimit], true
	} else if needsBlock(record.Source.Format) {
		entry.Block, _ = record.AppendBinary(nil) // never fails
	}
	line, err := json.Marshal(entry)
	if err == nil {
		err = a.write(a.now().UTC().Format(time.DateOnly)+asideSuffix, append(line, '\n'))
	}
	if err != nil {
		a.mu.Lock()
		a.lost++
		a.mu.Unlock()
	}
}

// needsBlock says of a format that its records are not read without what stands
// elsewhere in the source.
func needsBlock(format telemetry.Format) bool {
	switch format {
	case telemetry.ZeekTSV, telemetry.W3C, telemetry.CSV, telemetry.Auditd:
		return true
	}
	return false
}

var errNoRoom = errors.New("no room for what is set aside")

func (a *Aside) write(name string, text []byte) (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	if a.held < 0 {
		a.measure()
	}
	if a.held+int64(len(text)) > a.size {
		a.tidy(name, a.size-int64(len(text)))
	}
	if a.held+int64(len(text)) > a.size {
		return errNoRoom
	}
	file, err := os.OpenFile(filepath.Join(a.dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := file.Write(text)
	a.held += int64(n)
	return errors.Join(err, file.Close())
}

// Tidy removes what is too old.
func (a *Aside) Tidy() {
	if a.dir == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.measure()
	a.tidy("", a.size)
}

// files lists the files, by day, the oldest first.
func (a *Aside) files() []fs.FileInfo {
	entries, _ := os.ReadDir(a.dir) // nothing yet, or the next write says why
	var list []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && isAside(entry.Name()) {
			list = append(list, info)
		}
	}
	return list
}

// isAside knows the file of a day, and those of a day that are closed for a
// replay, which have a number behind the day.
func isAside(name string) bool {
	name, ok := strings.CutSuffix(name, asideSuffix)
	day, number, closed := strings.Cut(name, ".")
	if _, err := time.Parse(time.DateOnly, day); err != nil || !ok {
		return false
	}
	if !closed {
		return true
	}
	n, err := strconv.Atoi(number)
	return err == nil && n > 0
}

func (a *Aside) measure() {
	a.held = 0
	for _, f := range a.files() {
		a.held += f.Size()
	}
}

// tidy removes files that are too old, then oldest files until no more than
// most is left. The file named is kept.
func (a *Aside) tidy(keep string, most int64) {
	oldest := a.now().UTC().Add(-a.age).Format(time.DateOnly)
	for _, f := range a.files() {
		if f.Name() == keep || f.Name() == a.replaying || (f.Name()[:len(time.DateOnly)] >= oldest && a.held <= most) {
			continue
		}
		if os.Remove(filepath.Join(a.dir, f.Name())) == nil {
			a.held -= f.Size()
		}
	}
}

// Lost returns how many records there was no room for since the start.
func (a *Aside) Lost() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lost
}

// List returns how many records of a source are kept, of all where it is "", and
// up to limit of them, the oldest first.
func (a *Aside) List(source string, limit int) (count int, list []AsideRecord, err error) {
	err = a.each(func(r AsideRecord) bool {
		if source != "" && r.Source != source {
			return true
		}
		if count++; count <= limit {
			list = append(list, r)
		}
		return true
	})
	return count, list, err
}

func (a *Aside) each(visit func(AsideRecord) bool) error {
	for _, f := range a.files() {
		goOn := true
		err := readAside(filepath.Join(a.dir, f.Name()), func(r AsideRecord, _ []byte) bool {
			goOn = visit(r)
			return goOn
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // one may be tidied away meanwhile
			return fmt.Errorf("set aside: %w", err)
		}
		if !goOn {
			return nil
		}
	}
	return nil
}

// readAside reads a file. A line that a crash cut off is passed over.
func readAside(path string, visit func(r AsideRecord, line []byte) bool) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	in := bufio.NewReader(file)
	for {
		line, err := in.ReadBytes('\n')
		var r AsideRecord
		if len(line) > 0 && json.Unmarshal(line, &r) == nil && !visit(r, line) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// block is the record as it arrived.
func (r *AsideRecord) block() *telemetry.Block {
	if len(r.Block) > 0 {
		if b, err := telemetry.ReadBlock(r.Block); err == nil {
			return b
		}
	}
	return telemetry.NewLines(&telemetry.Source{Name: r.Source, Format: r.Format}, slices.Clone(r.Raw))
}
