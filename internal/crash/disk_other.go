//go:build !linux

package crash

import (
	"errors"
	"testing"
)

// OnSmallDisk skips the test: only Linux lets one mount a file system.
func OnSmallDisk(tb testing.TB, _ string) {
	tb.Helper()
	tb.Skip("only Linux lets a test mount a file system")
}

// SmallDisk fails: see OnSmallDisk.
func SmallDisk(string, string) error {
	return errors.New("only Linux lets a test mount a file system")
}
