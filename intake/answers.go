package intake

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// answers notes which of the journal's entries their senders may have heard of,
// so that after a kill those are known of which nobody did. A note is written
// before its answer is, and left to the operating system, which keeps it when
// the process dies. When the machine dies it may not: then, told by another boot,
// all that was kept before counts as answered, and what is sent again counts
// again.
//
// The file is a mark, the identity of the boot, the entry after which it was
// begun, and slots of eight bytes: an entry's number in that of its remainder.
type answers struct {
	path string // "" keeps nothing

	mu   sync.Mutex
	file *os.File            // guarded by mu; nil when nothing is kept
	slot [answerSlots]uint64 // guarded by mu: as in the file
	base uint64              // guarded by mu
	old  bool                // guarded by mu: the file is of this boot and says what was answered
}

const (
	// answerSlots is more than requests can have blocks in hand at once.
	answerSlots = 4096
	answersMark = "TOCSINa1"
	bootLength  = 36 // of a UUID as text
	answersHead = len(answersMark) + bootLength + 8
)

// bootFile says which boot of the machine this is (Linux, proc_sys_kernel(5)).
const bootFile = "/proc/sys/kernel/random/boot_id"

// thisBoot returns the identity of this boot; false where it is not told.
func thisBoot() (boot [bootLength]byte, ok bool) {
	text, err := os.ReadFile(bootFile)
	text = bytes.TrimSpace(text)
	if err != nil || len(text) != bootLength {
		return boot, false
	}
	return [bootLength]byte(text), true
}

// openAnswers reads what an earlier process noted. A file that is damaged or of
// another boot says nothing.
func openAnswers(path string) (*answers, error) {
	a := &answers{path: path}
	boot, ok := thisBoot()
	if !ok || path == "" {
		a.path = ""
		return a, nil
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("notes of answers: %w", err)
	}
	if len(text) != answersHead+8*answerSlots || !bytes.HasPrefix(text, append([]byte(answersMark), boot[:]...)) {
		return a, nil
	}
	a.old, a.base = true, binary.LittleEndian.Uint64(text[answersHead-8:])
	for i := range a.slot {
		a.slot[i] = binary.LittleEndian.Uint64(text[answersHead+8*i:])
	}
	return a, nil
}

// recall reports whether an entry of an earlier process counts as answered.
func (a *answers) recall(entry uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.old {
		a.base = max(a.base, entry)
		return true
	}
	return entry <= a.base || a.slot[entry%answerSlots] >= entry
}

// begin begins to note, once everything from before was recalled.
func (a *answers) begin() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	boot, ok := thisBoot()
	if a.path == "" || !ok {
		return nil
	}
	text := append([]byte(answersMark), boot[:]...)
	text = binary.LittleEndian.AppendUint64(text, a.base)
	for _, entry := range a.slot {
		text = binary.LittleEndian.AppendUint64(text, entry)
	}
	err := errors.Join(os.MkdirAll(filepath.Dir(a.path), 0o700), replaceFile(a.path, text))
	if err == nil {
		a.file, err = os.OpenFile(a.path, os.O_WRONLY, 0o600)
	}
	if err != nil {
		return fmt.Errorf("notes of answers: %w", err)
	}
	return nil
}

// note says that an entry's sender may hear of it.
func (a *answers) note(entry uint64) { a.put(entry, entry) }

// withdraw says that it did not after all.
func (a *answers) withdraw(entry uint64) { a.put(entry, 0) }

// put writes a slot, unless a later entry has it. Notes that cannot be written
// are given up as a whole: what was answered must not look as if it was not.
func (a *answers) put(entry, value uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := entry % answerSlots
	if a.file == nil || entry == 0 || a.slot[i] > entry {
		return
	}
	a.slot[i] = value
	if _, err := a.file.WriteAt(binary.LittleEndian.AppendUint64(nil, value), int64(answersHead)+8*int64(i)); err != nil {
		_ = os.Remove(a.path)
		_ = a.file.Close()
		a.file = nil
	}
}

func (a *answers) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil {
		return nil
	}
	file := a.file
	a.file = nil
	return file.Close()
}
