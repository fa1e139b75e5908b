package datadir_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/internal/datadir"
	"tocsin/internal/fault"
)

// writeStep is a step that leaves a file.
func writeStep(to int, name string) datadir.Step {
	return datadir.Step{To: to, Does: "writes " + name, Run: func(_ context.Context, dir string) error {
		return os.WriteFile(filepath.Join(dir, name), nil, 0o600)
	}}
}

func TestNewDirectoryIsInTheProgramsFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, datadir.LockName, "process 1")
	l := &datadir.Layout{Version: 3, Program: "tocsin v3"}
	if err := l.Prepare(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if f, err := datadir.Read(dir); err != nil || f != (datadir.Format{Version: 3, Program: "tocsin v3"}) {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestOlderDirectoryIsBackedUpAndBroughtUpToDate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "tokens.json", "{}") // as the first format, which did not say so
	var saved []datadir.Format
	l := &datadir.Layout{
		Version: 3, Program: "tocsin v3", Steps: []datadir.Step{writeStep(2, "two"), writeStep(3, "three")},
		Backup: func(_ context.Context, from datadir.Format) error {
			if exists(dir, "two") {
				t.Error("the backup came after the first step")
			}
			saved = append(saved, from)
			return nil
		},
	}
	for range 2 { // the second time there is nothing to do
		if err := l.Prepare(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
	}
	if len(saved) != 1 || saved[0].Version != 1 || !exists(dir, "two") || !exists(dir, "three") {
		t.Errorf("backups %v", saved)
	}
	if f, err := datadir.Read(dir); err != nil || f.Version != 3 {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestAStepThatFailedIsRunAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, datadir.FileName, `{"format":1,"program":"tocsin v1"}`)
	runs, backups := map[int]int{}, 0
	fails := true
	step := func(to int) datadir.Step {
		return datadir.Step{To: to, Run: func(context.Context, string) error {
			runs[to]++
			if to == 3 && fails {
				return errors.New("broken off")
			}
			return nil
		}}
	}
	l := &datadir.Layout{Version: 3, Program: "tocsin v3", Steps: []datadir.Step{step(2), step(3)}, Backup: func(context.Context, datadir.Format) error {
		backups++
		return nil
	}}
	if err := l.Prepare(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "broken off") {
		t.Fatalf("got %v", err)
	}
	fails = false
	if err := l.Prepare(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if runs[2] != 1 || runs[3] != 2 || backups != 2 {
		t.Errorf("runs %v, %d backups", runs, backups)
	}
}

func TestWithoutBackupNothingIsChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "tokens.json", "{}")
	l := &datadir.Layout{Version: 2, Program: "tocsin v2", Steps: []datadir.Step{writeStep(2, "two")}, Backup: func(context.Context, datadir.Format) error {
		return errors.New("disk full")
	}}
	if err := l.Prepare(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "nothing was changed: disk full") || exists(dir, "two") {
		t.Errorf("got %v", err)
	}
}

func TestWhatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file, want string
		kind             error
	}{
		{"newer", `{"format":4,"program":"tocsin v9.1"}`, "use tocsin v9.1 or newer", fault.Conflict},
		{"too old", `{"format":1,"program":"tocsin v1"}`, "a release in between", fault.Conflict},
		{"damaged", `{"form`, "restore it from a backup", fault.Invalid},
		{"no version", `{}`, "restore it from a backup", fault.Invalid},
	} {
		dir := t.TempDir()
		write(t, dir, datadir.FileName, test.file)
		l := &datadir.Layout{Version: 3, Program: "tocsin v3", Steps: []datadir.Step{writeStep(3, "three")}}
		if err := l.Prepare(t.Context(), dir); !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, datadir.FileName)); err != nil || string(got) != test.file {
			t.Errorf("%s: the file was changed: %s, %v", test.name, got, err)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}
