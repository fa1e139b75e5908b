//go:build unix

package telemetry_test

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"tocsin/telemetry"
)

func TestPipeNobodyWritesToIsGivenUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		r := &telemetry.Reader{Paths: []string{path}}
		ended <- r.Run(ctx, func(*telemetry.Block) error { return nil })
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("reading a pipe that nobody writes to ended with %v, want %v", err, context.Canceled)
	}
}
