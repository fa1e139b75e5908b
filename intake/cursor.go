package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tocsin/telemetry"
)

// fileKey tells files apart, whatever they are called.
type fileKey struct {
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
	Path   string `json:"path,omitempty"` // only where there are no inodes
}

// cursor says how far a followed file was read.
type cursor struct {
	Key    fileKey         `json:"key"`
	Path   string          `json:"path"`   // where it stands now
	Source string          `json:"source"` // the path it was first read under
	Head   head            `json:"head"`
	Place  telemetry.Place `json:"place"`
	Size   int64           `json:"size"`  // of the file when this was written
	Time   time.Time       `json:"time"`  // the file was written at, as of then
	Saved  time.Time       `json:"saved"` // later for each cursor than for those before
	// Done is set once a file that is not followed was read as it stands; Blocks
	// is how many of its blocks were handed on so far.
	Done   bool `json:"done,omitempty"`
	Blocks int  `json:"blocks,omitempty"`
	// Unknown is set for a file of no known format, until it changes.
	Unknown bool `json:"unknown,omitempty"`
}

// head is the beginning of a file, by which it is known again after it was
// copied, and told from another that has got its inode.
type head struct {
	Length int64  `json:"length"`
	SHA256 string `json:"sha256"`
}

// headLimit is how much of a file tells it: a few records.
const headLimit = 1 << 10

// headOf returns the head of what r holds, of up to so many bytes.
func headOf(r io.Reader, length int64) (head, error) {
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(r, min(length, headLimit)))
	if err != nil {
		return head{}, err
	}
	return head{n, hex.EncodeToString(sum.Sum(nil))}, nil
}

// begins reports whether a file begins with this head.
func (h head) begins(file io.ReaderAt) bool {
	got, err := headOf(io.NewSectionReader(file, 0, h.Length), h.Length)
	return err == nil && got == h
}

// cursors are those of all files, each in a small file of its own.
type cursors struct {
	dir string // "" keeps them in memory only

	mu    sync.Mutex
	by    map[fileKey]*cursor // guarded by mu; a cursor is replaced, never changed
	saved time.Time           // guarded by mu: the latest of their times
}

// openCursors reads what an earlier run left. A damaged one is passed over: its
// file is read from its beginning again.
func openCursors(dir string) (*cursors, error) {
	c := &cursors{dir: dir, by: map[fileKey]*cursor{}}
	if dir == "" {
		return c, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cursors: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cursors: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("cursors: %w", err)
		}
		var one cursor
		if json.Unmarshal(text, &one) == nil {
			c.by[one.Key] = &one
			c.saved = later(c.saved, one.Saved)
		}
	}
	return c, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// recall stores what stands in the journal with the blocks of a file, where it
// says more than what was stored before the process was killed.
func (c *cursors) recall(one cursor) error {
	if known := c.get(one.Key); known != nil && !known.Saved.Before(one.Saved) {
		return nil
	}
	return c.put(one)
}

// next returns a time for a cursor that is later than all before, whatever the
// clock does.
func (c *cursors) next(now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saved = later(now.UTC(), c.saved.Add(1))
	return c.saved
}

func (c *cursors) path(key fileKey) string {
	text := fmt.Sprintf("%d-%d", key.Device, key.Inode)
	if key.Path != "" {
		sum := sha256.Sum256([]byte(key.Path))
		text = hex.EncodeToString(sum[:16])
	}
	return filepath.Join(c.dir, text+".json")
}

// get returns a file's cursor, or nil.
func (c *cursors) get(key fileKey) *cursor {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[key]
}

// all returns all cursors.
func (c *cursors) all() []*cursor {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*cursor, 0, len(c.by))
	for _, one := range c.by {
		list = append(list, one)
	}
	return list
}

// put stores a cursor.
func (c *cursors) put(one cursor) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[one.Key] = &one
	c.saved = later(c.saved, one.Saved)
	if c.dir == "" {
		return nil
	}
	text, err := json.Marshal(one)
	if err == nil {
		err = replaceFile(c.path(one.Key), text)
	}
	if err != nil {
		return fmt.Errorf("cursor of %s: %w", one.Path, err)
	}
	return nil
}

// remove forgets a file.
func (c *cursors) remove(key fileKey) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.by, key)
	if c.dir == "" {
		return nil
	}
	if err := os.Remove(c.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cursors: %w", err)
	}
	return nil
}
