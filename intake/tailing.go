package intake

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"tocsin/telemetry"
)

const (
	// lingerAfter is how long a file that was renamed or removed is still read
	// when nothing more comes: its writer may not have noticed yet.
	lingerAfter = 10 * time.Second
	// sleepAfter is how long a file may say nothing before its reader goes; the
	// scan sees when it grows again.
	sleepAfter = 5 * time.Minute
)

// errSleep ends the reading of a file that says nothing.
var errSleep = errors.New("nothing for long")

// tailing is one file being read. Its cursor is owned by run.
type tailing struct {
	f      *follower
	source *source
	cursor cursor

	read int64     // how far, when last asked; owned by run
	last time.Time // something came; owned by run
	// caughtUp is set once the file's end was reached.
	caughtUp atomic.Bool

	mu    sync.Mutex
	path  string    // guarded by mu
	since time.Time // when it was first missed; zero while it stands there; guarded by mu
}

func newTailing(f *follower, file found, c cursor) *tailing {
	return &tailing{f: f, source: f.in.sources.source("file", c.Source), cursor: c, path: file.path, last: f.in.now()}
}

// seen tells whether the file still stands under the paths.
func (t *tailing) seen(here bool, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case here:
		t.since = time.Time{}
	case t.since.IsZero():
		t.since = now
	}
}

func (t *tailing) moved(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.path = path
}

func (t *tailing) where() (path string, missed time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.path, t.since
}

// run reads the file until it has ended, says nothing for long, or ctx ends.
func (t *tailing) run(ctx context.Context) {
	file, err := os.Open(t.path)
	if err != nil {
		t.f.unreadable(t.path, err)
		return
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || keyOf(t.path, info) != t.cursor.Key {
		return // renamed since it was listed; the next scan finds it
	}
	tail := telemetry.Tail{Name: t.source.name, File: file, From: t.cursor.Place, Idle: func(read int64) (bool, error) { return t.idle(file, read) }}
	err = tail.Run(ctx, func(b *telemetry.Block) error { return t.emit(ctx, file, b) })
	switch {
	case err == nil, ctx.Err() != nil:
	case errors.Is(err, telemetry.ErrNotFollowed):
		t.whole(ctx, file)
	case errors.Is(err, telemetry.ErrUnknownFormat):
		t.source.decoded(t.f.in.now(), 0, time.Time{}, []telemetry.Problem{{Reason: telemetry.ErrUnknownFormat.Error(), Count: 1}})
		t.cursor.Unknown = true
		t.save(file)
	case errors.Is(err, errSleep):
	default:
		t.f.in.log.LogAttrs(ctx, slog.LevelWarn, "followed file not read further", slog.String("source", t.source.name), slog.Any("error", err))
	}
}

// idle says whether the file has ended: truncated, or renamed and not written
// to any more.
func (t *tailing) idle(file *os.File, read int64) (ended bool, err error) {
	t.caughtUp.Store(true)
	now := t.f.in.now()
	if read != t.read {
		t.read, t.last = read, now
	}
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() < read {
		return true, nil
	}
	path, missed := t.where()
	left := path != t.cursor.Source || (!missed.IsZero() && now.Sub(missed) > lingerAfter)
	switch {
	case left && now.Sub(t.last) > lingerAfter:
		return info.Size() == read, nil
	case now.Sub(t.last) > sleepAfter:
		return false, errSleep
	}
	return false, nil
}

// emit hands a block on together with the place behind it, and then stores the
// place. A node that stops still does: what was kept must not be read again.
func (t *tailing) emit(ctx context.Context, file *os.File, b *telemetry.Block) error {
	after := b.After()
	records := int(after.Number - b.Number)
	t.cursor.Place, t.cursor.Unknown = after, false
	t.stamp(file)
	if len(b.Data) > 0 || len(b.Problems) > 0 {
		if err := t.f.in.keep(ctx, t.source, b, records, placeNote(&t.cursor)); err != nil {
			return err
		}
	} else {
		b.Release()
	}
	t.f.warn(t.f.cursors.put(t.cursor))
	return nil
}

// save stores the cursor as it is now.
func (t *tailing) save(file *os.File) {
	t.stamp(file)
	t.f.warn(t.f.cursors.put(t.cursor))
}

// stamp notes in the cursor how the file stands.
func (t *tailing) stamp(file *os.File) {
	c := &t.cursor
	c.Path, _ = t.where()
	c.Saved = t.f.cursors.next(t.f.in.now())
	if info, err := file.Stat(); err == nil {
		c.Size, c.Time = info.Size(), info.ModTime()
	}
	if c.Head.Length < min(headLimit, c.Place.Offset) {
		// Of a file that was truncated meanwhile the head is left as it was read.
		h, err := headOf(io.NewSectionReader(file, 0, headLimit), c.Place.Offset)
		if err == nil && h.Length == min(headLimit, c.Place.Offset) {
			c.Head = h
		}
	}
}

// whole reads a file that is not followed as it stands: an archive, an event
// log. What was handed on before a restart is passed over.
func (t *tailing) whole(ctx context.Context, file *os.File) {
	if t.cursor.Head.Length == 0 {
		t.cursor.Head, _ = headOf(io.NewSectionReader(file, 0, headLimit), headLimit) // known again all the same, by its inode
	}
	if t.packedBefore(file) {
		t.cursor.Done = true
		t.save(file)
		return
	}
	path, _ := t.where()
	n := 0
	r := &telemetry.Reader{Paths: []string{path}}
	err := r.Run(ctx, func(b *telemetry.Block) error {
		if n++; n <= t.cursor.Blocks {
			b.Release()
			return nil
		}
		inside := t.f.in.sources.source("file", b.Source.Name) // an archive holds several
		renamed := *b.Source
		renamed.Name = inside.name
		b.Source = &renamed
		t.cursor.Blocks = n
		t.stamp(file)
		if err := t.f.in.keep(ctx, inside, b, 0, placeNote(&t.cursor)); err != nil {
			return err
		}
		t.f.warn(t.f.cursors.put(t.cursor))
		return nil
	})
	if err == nil {
		t.cursor.Done = true
		t.save(file)
	}
}

// packedBefore reports whether a file is what rotation made of one that was
// followed, by packing it.
func (t *tailing) packedBefore(file *os.File) bool {
	path, _ := t.where()
	for _, c := range t.f.cursors.all() {
		if c.Done || c.Unknown || c.Head.Length == 0 || filepath.Dir(c.Path) != filepath.Dir(path) {
			continue
		}
		unpacked, err := gzip.NewReader(io.NewSectionReader(file, 0, 1<<20))
		if err != nil {
			return false
		}
		if h, err := headOf(unpacked, c.Head.Length); err == nil && h == c.Head {
			return true
		}
	}
	return false
}

// keep hands a block on, trying again for as long as there is no room: files
// wait. Stopping does not end an attempt, so that it is known what became of it.
func (in *Intake) keep(ctx context.Context, s *source, b *telemetry.Block, records int, note []byte) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		wait, ok := s.allowance.take(in.now(), records)
		if ok {
			err := in.attempt(ctx, s, b, records, note)
			if refused := (*RefusedError)(nil); !errors.As(err, &refused) {
				return err
			}
		} else {
			pause = min(wait, lastPause)
		}
		if err := pauseFor(ctx, pause); err != nil {
			return err
		}
	}
}

func (in *Intake) attempt(ctx context.Context, s *source, b *telemetry.Block, records int, note []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	_, err := in.hand(ctx, s, b, records, note)
	return err
}

// placeNote is a followed file's cursor, for the journal. Stored beside it alone,
// it would be lost with a process that is killed between the two, and what the
// block holds be read again.
func placeNote(c *cursor) []byte {
	text, err := json.Marshal(c)
	if err != nil {
		return nil // cannot be: plain values
	}
	return append([]byte{notePlace}, text...)
}

func (in *Intake) recallPlace(note []byte) {
	var c cursor
	if json.Unmarshal(note[1:], &c) == nil {
		in.places = append(in.places, c)
	}
}
