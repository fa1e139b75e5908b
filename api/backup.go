package api

import (
	"fmt"
	"log/slog"
	"net/http"

	"tocsin/internal/fault"
	"tocsin/people"
)

// backup writes everything that the node keeps. Once it has begun, an error can
// only be told by breaking the answer off: whoever reads it finds that its end is
// missing.
func (a *api) backup(w http.ResponseWriter, r *http.Request) error {
	if a.Backup == nil {
		return fmt.Errorf("this node cannot be asked for a backup: %w", fault.Unavailable)
	}
	if !a.backingUp.CompareAndSwap(false, true) {
		return fmt.Errorf("another backup is being made: %w", fault.Conflict)
	}
	defer a.backingUp.Store(false)
	a.Log.InfoContext(r.Context(), "a backup is being made", slog.String("token", people.From(r.Context()).Name))
	w.Header().Set("Content-Type", "application/zstd")
	w.Header().Set("Cache-Control", "no-store")
	to := &begun{ResponseWriter: w}
	if err := a.Backup(r.Context(), to); err != nil {
		if !to.yes {
			return err
		}
		a.Log.ErrorContext(r.Context(), "the backup is broken off", slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
	a.Log.InfoContext(r.Context(), "a backup was made")
	return nil
}

// begun knows whether anything of an answer was written.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}
