package telemetry

import "sync"

// blockSize is how much of a source is handed on at once: large enough that
// handing over costs nothing, small enough that a few per worker stay in cache
// and a short file still spreads over workers.
const blockSize = 256 << 10

// MaxRecord bounds one record of text. Windows caps an event at 64 KiB and
// Kubernetes an audit event at 1.5 MiB; what is longer is counted and skipped.
const MaxRecord = 16 << 20

// Block is a run of whole records of one source, in the form they were
// written. Blocks of one source are numbered and can be decoded by different
// goroutines at once.
type Block struct {
	Source *Source
	Data   []byte
	Offset int64  // of Data in the source's unpacked content
	Number uint64 // of the first record in it, counted from 1
	// Problems is what could not be read before or instead of this block.
	Problems []Problem

	header     any    // what the format needs to know from earlier in the source
	directives []byte // what header was made of, where it was of directive lines
	path       string // what the source says about its content, see logsource.Hint
	after      Place  // what Tail goes on from
	pool       *sync.Pool
}

// Problem says what of a source could not be read, and why. Reasons are
// constant texts, fit for counting.
type Problem struct {
	Reason string
	Detail string // what else is known: an operating system's words
	Offset int64  // in the source's unpacked content
	Count  uint64 // how many records, or 1 for a fault of the source itself
}

// Release gives the block's memory back; the block must not be used after.
func (b *Block) Release() {
	if b.pool == nil || cap(b.Data) > 4*blockSize {
		return // the rare huge buffer is not kept
	}
	pool := b.pool
	*b = Block{Data: b.Data[:0], pool: pool}
	pool.Put(b)
}

func newPool() *sync.Pool { return newPoolOf(blockSize) }

func newPoolOf(size int) *sync.Pool {
	pool := &sync.Pool{}
	pool.New = func() any { return &Block{Data: make([]byte, 0, size), pool: pool} }
	return pool
}
