package transparency

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tocsin/internal/disk"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// publishAgain is after how long a checkpoint is tried again that could not be
// made, and how long an entry that another process appended goes unnoticed.
const publishAgain = 5 * time.Second

// Run hands out a checkpoint soon after each append, until the context ends.
func (l *Log) Run(ctx context.Context) error {
	tick := time.NewTicker(publishAgain)
	defer tick.Stop()
	refused := false
	for {
		_, err := l.Checkpoint(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			refused = false
		case !refused: // said once, not every few seconds
			l.Log.WarnContext(ctx, "no checkpoint of the log is handed out", slog.Any("error", err))
			refused = true
		}
		select {
		case <-l.wake:
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Checkpoint returns the signed checkpoint of the log as it is on disk, and records
// that it was handed out. Asked again for the same state it returns the same
// bytes. It must not be called in a transaction.
//
// Of a log that does not take entries it returns the last one handed out; the error
// is fault.Conflict when there is none.
func (l *Log) Checkpoint(ctx context.Context) (Checkpoint, error) {
	l.publishing.Lock()
	defer l.publishing.Unlock()
	c, known, err := l.current(ctx)
	if err != nil || known {
		return c, err
	}
	// First the witness: what somebody saw must be known to a database that was put
	// back, and what nobody saw yet does no harm in there.
	if err := l.writeWitness(&c); err != nil {
		return Checkpoint{}, err
	}
	err = l.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := l.saw(ctx, tx, "", c.Note); err != nil {
			return err
		}
		added, err := putCheckpoint(ctx, tx, &c, l.Now())
		if err != nil || !added || l.Published == nil {
			return err
		}
		return l.Published(ctx, tx, c)
	})
	if err != nil {
		return Checkpoint{}, fmt.Errorf("hand out a checkpoint of log %s: %w", c.Origin, err)
	}
	return c, nil
}

// current signs the state on disk; known says that this one was handed out before.
// A transaction that writes would not do: on SQLite it sees what others are about
// to commit together with it.
func (l *Log) current(ctx context.Context) (c Checkpoint, known bool, err error) {
	err = l.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		current, err := currentLog(ctx, tx)
		if err != nil {
			return err
		}
		last, err := handedOut(ctx, tx, current.Origin)
		if err != nil {
			return err
		}
		if current.State != Open {
			if last == "" {
				return current.refusal()
			}
			known = true
			c, err = ReadCheckpoint(last)
			return err
		}
		c = Checkpoint{Origin: current.Origin}
		if c.Size, err = sizeOf(ctx, tx, c.Origin); err != nil {
			return err
		}
		if c.Root, err = (tree{tx, c.Origin}).root(ctx, c.Size); err != nil {
			return err
		}
		if c, err = l.sign(c); err != nil { // Ed25519 signs the same the same
			return err
		}
		known = c.Note == last
		return l.agrees(ctx, tx, &c)
	})
	return c, known, err
}

// agrees refuses a state that contradicts the witness: the database was put back
// while the node runs.
func (l *Log) agrees(ctx context.Context, tx *store.Tx, c *Checkpoint) error {
	seen, err := l.readWitness()
	if err != nil || seen.Note == "" || seen.Origin != c.Origin {
		return err
	}
	if seen.Size > c.Size {
		return fmt.Errorf("log %s has %d entries, and a checkpoint of %d was handed out: was the database put back? Start the node again: %w", c.Origin, c.Size, seen.Size, fault.Conflict)
	}
	fits, err := tree{tx, c.Origin}.bears(ctx, &seen)
	if err == nil && !fits {
		err = fmt.Errorf("log %s is not the one of which a checkpoint was handed out at %d entries: was the database put back? Start the node again: %w", c.Origin, seen.Size, fault.Conflict)
	}
	return err
}

func (l *Log) sign(c Checkpoint) (Checkpoint, error) {
	signed, err := c.sign(l.signer)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign a checkpoint of log %s: %w", c.Origin, err)
	}
	return signed, nil
}

// readWitness returns the last checkpoint that this node handed out. One that can't
// be read is as good as none.
func (l *Log) readWitness() (Checkpoint, error) {
	text, err := os.ReadFile(l.Witness)
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{}, nil
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("witness of the log: %w", err)
	}
	c, err := OpenCheckpoint(string(text), l.keys...)
	if err != nil {
		l.Log.Warn("the log's witness is damaged", slog.String("file", l.Witness), slog.Any("error", err))
		return Checkpoint{}, nil
	}
	return c, nil
}

// writeWitness replaces the witness, on disk when it returns.
func (l *Log) writeWitness(c *Checkpoint) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("witness of the log: %w", err)
		}
	}()
	dir := filepath.Dir(l.Witness)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".witness-") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(c.Note)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), l.Witness)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return disk.SyncFolder(dir)
}
