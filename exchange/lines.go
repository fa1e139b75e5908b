package exchange

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	"tocsin/exchange/list"
	"tocsin/intel"
	"tocsin/internal/fault"
)

// blockSize is how much of a list one goroutine parses at once: enough that
// handing it over costs nothing, little enough that all have something to do.
const blockSize = 1 << 20

// block is a piece of a list, of whole lines.
type block struct {
	text  []byte
	order int
}

// blockResult is what became of a block.
type blockResult struct {
	order, lines int
	passed       map[string]*linesPassed
}

type linesPassed struct{ count, first int }

// list reads a list in pieces.
func (r *reading) list(in io.Reader, head []byte) error {
	dialect, err := list.Recognise(head, list.Options{Column: r.Column})
	if err != nil {
		return fmt.Errorf("%w: %w", err, fault.Invalid)
	}
	workers := r.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	blocks := make(chan block, workers)
	var results []blockResult
	var mu sync.Mutex
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for b := range blocks {
				result := r.block(&dialect, b)
				mu.Lock()
				results = append(results, result)
				mu.Unlock()
			}
		})
	}
	err = cut(in, func(b block) { blocks <- b })
	close(blocks)
	working.Wait()
	r.place(results)
	return err
}

// cut reads blocks of whole lines. A line that is longer than a block ends it.
func cut(in io.Reader, take func(block)) error {
	var rest []byte
	for order := 0; ; order++ {
		buf := make([]byte, blockSize+len(rest))
		n := copy(buf, rest)
		read, err := io.ReadFull(in, buf[n:])
		buf = buf[:n+read]
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return fmt.Errorf("read indicators: %w", err)
		}
		rest = nil
		if end := bytes.LastIndexByte(buf, '\n'); end >= 0 && !last {
			buf, rest = buf[:end+1], bytes.Clone(buf[end+1:])
		}
		if len(buf) > 0 {
			take(block{buf, order})
		}
		if last {
			return nil
		}
	}
}

// block parses one piece.
func (r *reading) block(d *list.Dialect, b block) blockResult {
	result := blockResult{order: b.order, passed: map[string]*linesPassed{}}
	part := r.builder.Part(b.order)
	defer part.Close()
	pass := func(p list.Problem) {
		if known := result.passed[p.Reason]; known != nil {
			known.count++
			return
		}
		result.passed[p.Reason] = &linesPassed{1, p.Line}
	}
	result.lines = d.Parse(b.text, &list.Options{Origin: r.Origin}, func(line int, in *intel.Indicator) {
		if err := part.Add(in); err != nil {
			pass(list.Problem{Line: line, Reason: "too long to be kept"})
		}
	}, pass)
	return result
}

// place counts what blocks passed over, with lines counted from the beginning
// of the list.
func (r *reading) place(results []blockResult) {
	slices.SortFunc(results, func(a, b blockResult) int { return cmp.Compare(a.order, b.order) })
	before := 0
	for _, result := range results {
		for reason, p := range result.passed {
			r.pass(reason, fmt.Sprintf("line %d", before+p.first), p.count)
		}
		before += result.lines
	}
}
