package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/memory/journal"
	"tocsin/telemetry"
)

// ingestBytes is how much is put on disk at once: enough that waiting for the
// disk costs little.
const ingestBytes = 16 << 20

// Ingested says what became of what was ingested.
type Ingested struct {
	Blocks   uint64 // that were new
	Known    uint64 // that had been ingested before, and so were left out
	Bytes    uint64 // of unpacked content, of both
	Problems []SourceProblem
}

// SourceProblem is what of a source could not be read as a whole.
type SourceProblem struct {
	Source string
	telemetry.Problem
}

// Ingest reads everything a reader has into memory, while Run works on it, and
// returns once it is remembered. What was ingested before, by its content, is
// left out: an ingest that was broken off may be begun again. Progress may be
// nil.
func (n *Node) Ingest(ctx context.Context, reader *telemetry.Reader) (Ingested, error) {
	known, err := n.openIngested()
	if err != nil {
		return Ingested{}, err
	}
	in := &ingest{node: n, known: known, batch: n.memory.Journal.NewBatch()}
	err = reader.Run(ctx, func(b *telemetry.Block) error {
		defer b.Release()
		return in.block(ctx, b)
	})
	err = errors.Join(err, in.commit(), known.close())
	if err != nil {
		return in.told, fmt.Errorf("ingest: %w", err)
	}
	return in.told, n.Remembered(ctx)
}

// ingest is one run of Ingest.
type ingest struct {
	node  *Node
	known *ingested
	batch *journal.Batch
	size  int
	told  Ingested
}

func (i *ingest) block(ctx context.Context, b *telemetry.Block) error {
	if len(b.Data) == 0 {
		for _, p := range b.Problems {
			i.told.Problems = append(i.told.Problems, SourceProblem{b.Source.Name, p})
		}
		return nil
	}
	i.told.Bytes += uint64(len(b.Data))
	id := contentID(b)
	if i.known.has(id) {
		i.told.Known++
		return nil
	}
	entry, err := appendEntry(nil, markPast, b)
	if err != nil {
		return err
	}
	for {
		err := i.batch.Add(entry)
		if err == nil {
			break
		}
		if !errors.Is(err, fault.Unavailable) {
			return err
		}
		if err := i.room(ctx, err); err != nil {
			return err
		}
	}
	i.known.add(id)
	i.told.Blocks++
	if i.size += len(entry); i.size < ingestBytes {
		return nil
	}
	return i.commit()
}

// commit puts what was added on disk, and then that it was. The journal is not
// given back in between, so that after a crash one of the two tells.
func (i *ingest) commit() error {
	i.node.trimming.Lock()
	defer i.node.trimming.Unlock()
	i.size = 0
	if err := i.batch.Commit(); err != nil {
		return err
	}
	return i.known.write()
}

// room waits until Run has worked on what fills the journal.
func (i *ingest) room(ctx context.Context, why error) error {
	if err := i.commit(); err != nil {
		return err
	}
	if err := i.node.Remembered(ctx); err != nil {
		return err
	}
	if err := i.node.memory.Archive.Flush(); err != nil {
		return err
	}
	before := i.node.memory.Journal.Bytes()
	if err := i.node.trim(ctx); err != nil {
		return err
	}
	if i.node.memory.Journal.Bytes() < before {
		return nil
	}
	i.node.log.Warn("waiting for room", errorAttr(why))
	select {
	case <-time.After(againAfter):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
