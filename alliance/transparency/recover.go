package transparency

import (
	"context"
	"errors"
	"fmt"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Recover puts back entries that the log lost, from first on, as a member keeps
// them, up to a checkpoint that this node signed. They are taken only when the tree
// that they make has that checkpoint's root. Entries that were appended here in
// their place, and that nobody saw a checkpoint of, are appended again behind them.
//
// The error is fault.Invalid for entries that do not lead to the checkpoint, and
// fault.Conflict when checkpoints of both histories were handed out: then only a
// new log (Anew) remains.
func (l *Log) Recover(ctx context.Context, by audit.Actor, first int64, records []string, signed string) error {
	c, err := OpenCheckpoint(signed, l.keys...)
	if err != nil {
		return fmt.Errorf("recover the log: %w", err)
	}
	node, number, err := ParseOrigin(c.Origin)
	switch {
	case err != nil:
		return err
	case node != l.Node:
		return fmt.Errorf("recover the log: %s is not of this node, %s: %w", c.Origin, l.Node, fault.Invalid)
	case first < 0 || first+int64(len(records)) < c.Size:
		return fmt.Errorf("recover the log %s: entries %d to %d are needed, these are %d from %d on: %w", c.Origin, first, c.Size-1, len(records), first, fault.Invalid)
	}
	records = records[:c.Size-first]
	err = l.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := l.takeUp(ctx, tx, number); err != nil {
			return err
		}
		if err := l.replace(ctx, tx, &c, first, records); err != nil {
			return err
		}
		if err := l.again(ctx, tx); err != nil {
			return err
		}
		tx.Committed(l.poke)
		return l.Trail.Record(ctx, tx, by, "log.recover", subject(c.Origin), nil, told{Size: c.Size})
	})
	if err != nil {
		return fmt.Errorf("recover the log %s: %w", c.Origin, err)
	}
	return nil
}

// takeUp makes the log of a number the one that is written to, where the database
// is from before it was begun.
func (l *Log) takeUp(ctx context.Context, tx *store.Tx, number int64) error {
	current, err := currentLog(ctx, tx)
	if err != nil {
		return err
	}
	if number < current.Number {
		return fmt.Errorf("log %s took the place of that one: %w", current.Origin, fault.Conflict)
	}
	if number == current.Number {
		return nil
	}
	waiting := current.Waiting
	current.State, current.Reason = Closed, "a new log was begun"
	if err := errors.Join(putLog(ctx, tx, &current), l.start(ctx, tx, number)); err != nil {
		return err
	}
	next, err := currentLog(ctx, tx)
	if err != nil {
		return err
	}
	next.Waiting = waiting
	return putLog(ctx, tx, &next)
}

// replace puts the records in, after the part that they share with what is there.
func (l *Log) replace(ctx context.Context, tx *store.Tx, c *Checkpoint, first int64, records []string) error {
	t := tree{tx, c.Origin}
	size, err := sizeOf(ctx, tx, c.Origin)
	if err != nil {
		return err
	}
	if first > size {
		return fmt.Errorf("entries %d to %d are missing as well: %w", size, first-1, fault.Invalid)
	}
	own, err := all(ctx, tx, c.Origin, first, size)
	if err != nil {
		return err
	}
	shared := 0
	for shared < len(own) && shared < len(records) && own[shared] == records[shared] {
		shared++
	}
	own, records = own[shared:], records[shared:]
	end := first + int64(shared)
	if len(records) > 0 && len(own) > 0 {
		if err := l.unseen(ctx, tx, c, end); err != nil {
			return err
		}
		if err := cutTree(ctx, tx, c.Origin, end); err != nil {
			return err
		}
	}
	for i, record := range records {
		if i == 0 {
			if _, err := grow(ctx, tx, c.Origin, int64(len(records))); err != nil {
				return err
			}
		}
		if err := t.append(ctx, end+int64(i), record); err != nil {
			return err
		}
	}
	fits, err := t.bears(ctx, c)
	if err != nil {
		return err
	}
	if !fits {
		return fmt.Errorf("these entries are not those of the checkpoint of %d entries: %w", c.Size, fault.Invalid)
	}
	if len(records) == 0 {
		return nil // nothing was missing
	}
	for _, record := range own {
		if err := l.putBehind(ctx, tx, c.Origin, record); err != nil {
			return err
		}
	}
	return nil
}

// unseen refuses to take back entries from an index on of which a checkpoint was
// handed out that the recovered one does not agree with.
func (l *Log) unseen(ctx context.Context, tx *store.Tx, c *Checkpoint, from int64) error {
	notes, err := handedAfter(ctx, tx, c.Origin, from)
	if err != nil {
		return err
	}
	if len(notes) == 0 {
		return nil
	}
	other, err := ReadCheckpoint(notes[0])
	if err != nil {
		return err
	}
	return fmt.Errorf("a checkpoint of %d entries was handed out that begin otherwise: there are two histories; begin a new log with 'tocsin log anew': %w", other.Size, fault.Conflict)
}

// putBehind appends a record that was already in the log, unless what it records is
// there again.
func (l *Log) putBehind(ctx context.Context, tx *store.Tx, origin, record string) error {
	if e, err := ParseRecord(record); err == nil && !e.Envelope.IsZero() {
		if _, there, err := placeOf(ctx, tx, origin, e.Envelope); err != nil || there {
			return err
		}
	}
	index, err := grow(ctx, tx, origin, 1)
	if err != nil {
		return err
	}
	return tree{tx, origin}.append(ctx, index, record)
}

// all returns the records of a log from an index to a size.
func all(ctx context.Context, tx *store.Tx, origin string, first, size int64) ([]string, error) {
	var records []string
	for at := first; at < size; at = first + int64(len(records)) {
		some, err := recordsFrom(ctx, tx, origin, at, min(someAtOnce, size-at))
		if err != nil {
			return nil, err
		}
		if len(some) == 0 {
			return nil, fmt.Errorf("log %s: entry %d is not there: check the database", origin, at)
		}
		records = append(records, some...)
	}
	return records, nil
}
