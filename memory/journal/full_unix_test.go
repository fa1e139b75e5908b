//go:build unix

package journal_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"tocsin/internal/fault"
	"tocsin/memory/journal"
)

// A disk that is full is shown to the journal by a limit on the size of files,
// which holds for a whole process: so this test runs in one of its own.
func TestFullDiskRefusesAndRecovers(t *testing.T) {
	const variable = "TOCSIN_TEST_FULL_DISK"
	if os.Getenv(variable) == "" {
		t.Parallel()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDiskRefusesAndRecovers$", "-test.v")
		cmd.Env = append(os.Environ(), variable+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	j := open(t, dir, journal.Config{})
	limit := before
	limit.Cur = 10_000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	want := 0
	for {
		if _, err := j.Append(t.Context(), make([]byte, 700)); err != nil {
			if !errors.Is(err, fault.Unavailable) {
				t.Fatal(err)
			}
			break
		}
		want++
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		add(t, j, "there is room again")
		want++
	}
	closed(t, j)
	j = open(t, dir, journal.Config{})
	defer closed(t, j)
	if got, lost := all(t, j, 0); len(got) != want || lost != 0 {
		t.Errorf("%d entries are read and %d lost, %d were acknowledged", len(got), lost, want)
	}
}
