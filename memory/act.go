package memory

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tocsin/intel"
	"tocsin/internal/disk"
	"tocsin/internal/fault"
)

// What may have been done to a memory by somebody, in Act.What.
const (
	Erased        = "erased"
	Pseudonymised = "pseudonymised"
	Held          = "held"
	Released      = "released"
)

// Act says that somebody had something erased, pseudonymised, held or released.
// Acts are never removed.
type Act struct {
	ID   int       `json:"id"` // counted from 1
	At   time.Time `json:"at"`
	What string    `json:"what"`
	By   string    `json:"by"`
	// Case is the case that holds or is released.
	Case   string `json:"case,omitempty"`
	Reason string `json:"reason,omitempty"`

	// Kind, and the day before which it was last seen, are of what was erased or
	// pseudonymised; Values are the pseudonyms of single values meant.
	Kind   intel.ObservableKind `json:"kind,omitzero"`
	Before time.Time            `json:"before,omitzero"`
	Values []string             `json:"values,omitempty"`

	// Finished is when it was done; zero when it was broken off, and may be done
	// again. Failed says what of it could not be done.
	Finished time.Time `json:"finished,omitzero"`
	Failed   string    `json:"failed,omitempty"`
	// JournalGivenBack says that the journal holds nothing any more of what came
	// before; Kept where values stand still, on purpose, a sentence each.
	JournalGivenBack bool     `json:"journal_given_back,omitempty"`
	Kept             []string `json:"kept,omitempty"`
	Removed
}

// Removed is how much was erased or pseudonymised, and how much was left because
// a case holds it.
type Removed struct {
	Observables     uint64 `json:"observables"`
	HeldObservables uint64 `json:"held_observables"`
	Segments        int    `json:"segments"` // of the archive, written anew
	Events          int    `json:"events"`   // in which values were replaced
	HeldEvents      int    `json:"held_events"`
}

// ActsFile is the record of acts, in a memory's folder: a line of JSON when one
// begins and, where it takes time, one more when it ends. Lines are only added.
const ActsFile = "acts.jsonl"

// acts is the record. It is safe for concurrent use.
type acts struct {
	path string

	mu   sync.Mutex
	list []Act // guarded by mu
}

func openActs(dir string) (*acts, error) {
	a := &acts{path: filepath.Join(dir, ActsFile)}
	f, err := os.Open(a.path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	err = a.read(f)
	return a, errors.Join(err, f.Close())
}

// read reads the lines. The last, where a crash cut it, did not begin.
func (a *acts) read(r io.Reader) error {
	in := bufio.NewReader(r)
	for line := 1; ; line++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var act Act
		if err := json.Unmarshal(text, &act); err != nil || act.ID < 1 || act.ID > len(a.list)+1 {
			return fmt.Errorf("%s: line %d is damaged: put the file back from a backup: %w", a.path, line, fault.Invalid)
		}
		a.take(&act)
	}
}

// take takes an act in, or the end of one. Whoever calls it holds mu, or has a
// alone.
func (a *acts) take(act *Act) {
	if act.ID <= len(a.list) {
		a.list[act.ID-1] = *act
		return
	}
	a.list = append(a.list, *act)
}

// add adds an act, or the end of one that has its number, and gives it its
// number. It is on disk when it returns.
func (a *acts) add(act *Act) (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if act.ID == 0 {
		act.ID, act.At = len(a.list)+1, time.Now().UTC()
		if act.Case != "" {
			act.Finished = act.At
		}
	}
	text, err := json.Marshal(act)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(a.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("record of acts: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	end, err := wholeLines(f)
	if err == nil {
		_, err = f.WriteAt(append(text, '\n'), end)
	}
	if err = errors.Join(err, f.Sync(), disk.SyncFolder(filepath.Dir(a.path))); err != nil {
		return fmt.Errorf("record of acts: %w", err)
	}
	a.take(act)
	return nil
}

// wholeLines returns where the last line that is whole ends: what a crash left
// behind it is written over.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var one [1]byte
	for end := info.Size(); end > 0; end-- {
		if _, err := f.ReadAt(one[:], end-1); err != nil {
			return 0, err
		}
		if one[0] == '\n' {
			return end, f.Truncate(end)
		}
	}
	return 0, f.Truncate(0)
}

// Acts returns what was done to the memory by somebody, the earliest first.
func (m *Memory) Acts() []Act {
	m.acts.mu.Lock()
	defer m.acts.mu.Unlock()
	return append([]Act{}, m.acts.list...)
}

// Redacted says why events from a time on may lack values, "" when none were
// removed: a rule that asks for one does not find them.
func (m *Memory) Redacted(since time.Time) string {
	for _, act := range m.Acts() {
		if (act.What == Erased || act.What == Pseudonymised) && since.Before(act.Before) && (act.Events > 0 || act.Finished.IsZero()) {
			return fmt.Sprintf("values of the kind %s in events before %s were %s", act.Kind, act.Before.Format(time.DateOnly), act.What)
		}
	}
	return ""
}

// Papers returns the files that list holds and acts, as they are now, for a
// backup; nil where there is none.
func (m *Memory) Papers() (holds, acts []byte, err error) {
	m.holds.writing.Lock()
	defer m.holds.writing.Unlock()
	m.acts.mu.Lock()
	defer m.acts.mu.Unlock()
	holds, err = os.ReadFile(m.holds.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	acts, err = os.ReadFile(m.acts.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	return holds, acts, nil
}
