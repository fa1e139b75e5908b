package lockfile_test

import (
	"errors"
	"path/filepath"
	"testing"

	"tocsin/internal/fault"
	"tocsin/internal/lockfile"
)

func TestSecondIsToldWhoHasTheLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "lock")
	first, err := lockfile.Take(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"", "a node at http://127.0.0.1:1", "me"} {
		if err := first.Say(who); err != nil {
			t.Fatal(err)
		}
		_, err := lockfile.Take(path)
		held, ok := errors.AsType[*lockfile.HeldError](err)
		if !ok || held.Holder != who || !errors.Is(err, fault.Conflict) {
			t.Errorf("holder %q: %v", who, err)
		}
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := lockfile.Take(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Release(); err != nil {
		t.Error(err)
	}
}
