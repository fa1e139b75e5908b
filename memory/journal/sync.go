package journal

import (
	"errors"
	"sync"
)

// syncer lets entries that are written at the same time reach the disk by one
// call: whoever finds nobody at it does it for all, the others wait. Its lock
// may be taken while the journal's is held, never the other way round.
type syncer struct {
	mu       sync.Mutex
	changed  *sync.Cond
	flushing bool
	onDisk   uint64 // the last number that is
	failures uint64 // how often the disk refused; entries written before were lost
	err      error  // of the last failure
	ended    bool
}

var errClosed = errors.New("the journal is closed")

func newSyncer() *syncer {
	s := &syncer{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// until returns when the number is on disk, or the error when the disk refused
// since it was written, at which time there had been that many failures. The
// number may then be another entry's, and so must not be waited for.
func (s *syncer) until(number, failures uint64, flush func() (uint64, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.failures != failures:
			return s.err
		case s.onDisk >= number:
			return nil
		case s.ended:
			return errClosed
		case s.flushing:
			s.changed.Wait()
			continue
		}
		s.flushing = true
		s.mu.Unlock()
		through, err := flush()
		s.mu.Lock()
		s.flushing = false
		if err == nil {
			s.onDisk = max(s.onDisk, through)
		}
		s.changed.Broadcast()
	}
}

// done says that everything through the number is on disk.
func (s *syncer) done(through uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onDisk = max(s.onDisk, through)
	s.changed.Broadcast()
}

// failed says that what is not on disk is lost, and returns the last number
// that is not lost.
func (s *syncer) failed(err error) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures++
	s.err = err
	s.changed.Broadcast()
	return s.onDisk
}

// state returns the last number on disk and how often the disk refused.
func (s *syncer) state() (onDisk, failures uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.onDisk, s.failures
}

// wait returns true when a number beyond the given one is on disk, and false
// when the journal is closed or stop says so (see wake).
func (s *syncer) wait(beyond uint64, stop func() bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.onDisk <= beyond {
		if s.ended || stop() {
			return false
		}
		s.changed.Wait()
	}
	return true
}

// wake makes every wait ask its stop again.
func (s *syncer) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
}

func (s *syncer) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.changed.Broadcast()
}
