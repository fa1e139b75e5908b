package intake

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tocsin/telemetry"
)

// A replay hands in what can be read now, and leaves the rest as it stands. Its
// records go into the journal by batches; each batch stands there with a note of
// which lines of which file it was made of, and which were taken is noted beside
// the file before the next one goes. So after a kill at most one batch is in the
// journal that the file does not know of, and Recall tells of it: nothing is
// handed in twice.

// Replay says what is handed in again.
type Replay struct {
	Accept Accept
	// Reads reports whether a record can be read now; nil takes every record.
	Reads func(*telemetry.Block) bool
	// Source is the only one whose records are handed in; "" is every one.
	Source string
}

// Replayed says what became of records.
type Replayed struct {
	Replayed   int `json:"replayed"`   // can be read now, and were handed in
	Unreadable int `json:"unreadable"` // still cannot be, and stay
}

// Replay hands in what is kept and can be read now. What accept refuses stays,
// and ends the replay.
func (a *Aside) Replay(ctx context.Context, r Replay) (Replayed, error) {
	a.replay.Lock()
	defer a.replay.Unlock()
	var told Replayed
	for _, f := range a.files() {
		name, err := a.seal(f.Name())
		if err == nil {
			err = a.replayFile(ctx, name, &r, &told)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // tidied away meanwhile
			return told, fmt.Errorf("replay what was set aside: %w", err)
		}
	}
	return told, nil
}

// seal closes the file of a day, so that nothing is added to it any more, and
// says that it is read. One that is closed keeps its name.
func (a *Aside) seal(name string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	day := strings.TrimSuffix(name, asideSuffix)
	for n := 1; !strings.Contains(day, "."); n++ {
		sealed := day + "." + strconv.Itoa(n) + asideSuffix
		if exists(filepath.Join(a.dir, sealed)) || exists(filepath.Join(a.dir, sealed+takenSuffix)) {
			continue
		}
		if err := os.Rename(filepath.Join(a.dir, name), filepath.Join(a.dir, sealed)); err != nil {
			return "", err
		}
		name = sealed
		break
	}
	a.replaying = name
	return name, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// replayFile hands in a file's records, and takes out of it those that were.
func (a *Aside) replayFile(ctx context.Context, name string, r *Replay, told *Replayed) (err error) {
	path := filepath.Join(a.dir, name)
	was, err := openTaken(path)
	if err != nil {
		return err
	}
	f := &replaying{Replay: r, name: name, taken: was}
	defer func() {
		told.Replayed += f.handed
		told.Unreadable += f.failed
		err = errors.Join(err, was.file.Close(), a.takeOut(path, was))
	}()
	number := 0
	var failed error
	err = readAside(path, func(one AsideRecord, _ []byte) bool {
		failed = f.record(ctx, number, &one)
		number++
		return failed == nil
	})
	return errors.Join(err, failed, f.hand(ctx))
}

// replaying is a file whose records are handed in.
type replaying struct {
	*Replay
	name           string
	taken          *taken
	handed, failed int

	// The batch at hand: records that follow each other and are alike.
	batch    *telemetry.Block
	joins    bool
	from, to int
}

// record takes in the next record.
func (f *replaying) record(ctx context.Context, number int, one *AsideRecord) error {
	if f.taken.has(number) || (f.Source != "" && one.Source != f.Source) {
		return f.hand(ctx)
	}
	block := one.block()
	if one.Cut || (f.Reads != nil && !f.Reads(block)) {
		f.failed++
		return f.hand(ctx)
	}
	joins := len(one.Block) == 0 && !bytes.ContainsRune(one.Raw, '\n')
	if f.batch != nil && joins && f.joins && *f.batch.Source == *block.Source && len(f.batch.Data)+len(one.Raw) < blockBytes {
		f.batch.Data = append(append(f.batch.Data, '\n'), one.Raw...)
		f.to = number + 1
		return nil
	}
	if err := f.hand(ctx); err != nil {
		return err
	}
	f.batch, f.joins, f.from, f.to = one.block(), joins, number, number+1 // Reads may have used up the other
	return nil
}

// hand hands the batch in and notes that it was.
func (f *replaying) hand(ctx context.Context) error {
	if f.batch == nil {
		return nil
	}
	batch := f.batch
	f.batch = nil
	if err := ctx.Err(); err != nil {
		return err
	}
	lines := takenLines{f.name, f.taken.size, f.from, f.to}
	if _, err := f.Accept(ctx, batch, lines.note()); err != nil {
		return err
	}
	f.handed += f.to - f.from
	return f.taken.add(f.from, f.to)
}

// takeOut leaves in a file what was not taken. It is replaced whole.
func (a *Aside) takeOut(path string, t *taken) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held, a.replaying = -1, ""
	if len(t.ranges) == 0 {
		return os.Remove(path + takenSuffix)
	}
	rest, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	number, left := 0, 0
	var failed error
	err = readAside(path, func(_ AsideRecord, line []byte) bool {
		if !t.has(number) {
			left++
			_, failed = rest.Write(line)
		}
		number++
		return failed == nil
	})
	if err = errors.Join(err, failed, rest.Sync(), rest.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	if left == 0 {
		return errors.Join(os.Remove(path+".new"), os.Remove(path), os.Remove(path+takenSuffix))
	}
	return errors.Join(os.Rename(path+".new", path), os.Remove(path+takenSuffix))
}

// takenSuffix ends the name of the file that says which lines of another were
// taken: the size of that file, and then a range of lines each.
const takenSuffix = ".taken"

// taken is which of a file's lines were handed in.
type taken struct {
	file   *os.File
	size   int64 // of the file that it speaks of: one that was taken out of is smaller
	ranges [][2]int
}

// takenLines is some of a file's lines, as they are noted in the journal.
type takenLines struct {
	File string `json:"file"`
	Size int64  `json:"size"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

func (l takenLines) note() []byte {
	text, _ := json.Marshal(l) // strings and numbers always can be
	return append([]byte{noteReplay}, text...)
}

// openTaken reads which lines of a file were taken, and goes on from there. What
// is said of an earlier state of the file, and half a line that a crash left,
// says nothing.
func openTaken(path string) (t *taken, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	t = &taken{size: info.Size()}
	head := strconv.FormatInt(t.size, 10) + "\n"
	text, err := os.ReadFile(path + takenSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	lines, ok := strings.CutPrefix(string(whole), head)
	if !ok {
		whole, lines = []byte(head), ""
	}
	for line := range strings.Lines(lines) {
		var from, to int
		if _, err := fmt.Sscan(line, &from, &to); err == nil {
			t.ranges = append(t.ranges, [2]int{from, to})
		}
	}
	t.sort()
	if t.file, err = os.OpenFile(path+takenSuffix, os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	err = t.file.Truncate(int64(len(whole)))
	if err == nil {
		_, err = t.file.WriteAt(whole, 0)
	}
	if err == nil {
		_, err = t.file.Seek(int64(len(whole)), 0)
	}
	if err = errors.Join(err, t.file.Sync()); err != nil {
		return nil, errors.Join(err, t.file.Close())
	}
	return t, nil
}

func (t *taken) sort() {
	slices.SortFunc(t.ranges, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
}

// add notes lines, on disk when it returns.
func (t *taken) add(from, to int) error {
	if _, err := fmt.Fprintln(t.file, from, to); err != nil {
		return err
	}
	t.ranges = append(t.ranges, [2]int{from, to})
	t.sort()
	return t.file.Sync()
}

func (t *taken) has(line int) bool {
	at, found := slices.BinarySearchFunc(t.ranges, line, func(r [2]int, line int) int { return cmp.Compare(r[0], line) })
	return found || (at > 0 && line < t.ranges[at-1][1])
}

// Recall learns from the journal's notes what was handed in and is not noted
// beside its file. Noted is node.Node's method of that name. Intake.Recall does
// it too.
func (a *Aside) Recall(noted func(visit func(entry uint64, note []byte, b *telemetry.Block)) error) error {
	var failed error
	err := noted(func(_ uint64, note []byte, _ *telemetry.Block) {
		if len(note) > 0 && note[0] == noteReplay {
			failed = errors.Join(failed, a.recall(note))
		}
	})
	return errors.Join(err, failed)
}

func (a *Aside) recall(note []byte) error {
	var lines takenLines
	if json.Unmarshal(note[1:], &lines) != nil || !isAside(lines.File) {
		return nil // not ours
	}
	path := filepath.Join(a.dir, lines.File)
	if info, err := os.Stat(path); err != nil || info.Size() != lines.Size {
		return nil //nolint:nilerr // they were taken out of it, or it is gone
	}
	t, err := openTaken(path)
	if err != nil {
		return err
	}
	if !t.has(lines.From) {
		err = t.add(lines.From, lines.To)
	}
	return errors.Join(err, t.file.Close())
}
