package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

func TestMain(m *testing.M) {
	if dir := os.Getenv(fullDatabase); dir != "" {
		if err := runFullDatabase(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testscript.Main(m, map[string]func(){"tocsin": main})
}

// TestScript drives the program as its users do: one script a behaviour. Where
// races are looked for, the nodes of scripts are looked at; verbs are the program as
// users have it, since hundreds of them start, each six times slower otherwise.
func TestScript(t *testing.T) {
	t.Parallel()
	plain := plainProgram(t)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TOCSIN_DATA", filepath.Join(e.WorkDir, "data"))
			e.Setenv("COLUMNS", "80")
			if plain != "" {
				e.Setenv("PATH", plain+string(os.PathListSeparator)+e.Getenv("PATH"))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "node": startScripted, "account": makeAccount, "hub": startNamed, "at": workAt, "untilSays": untilSays},
	})
}

// plainProgram builds the program without what looks for races, and returns the
// folder it is in; "" where this is such a program already.
func plainProgram(t *testing.T) string {
	t.Helper()
	if !raced {
		return ""
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(dir, "tocsin"), ".")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return dir
}

// exits runs a program that has to end with a status: exits 3 tocsin watch …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGUMENT…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("ended with status %d, want %d", got, want)
	}
}

func TestDataDirectoryFollowsXDG(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/somewhere")
	if got := dataDirectory(); got != filepath.Join("/somewhere", "tocsin") {
		t.Errorf("got %s", got)
	}
	t.Setenv("XDG_DATA_HOME", "relative") // the specification: ignore it
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip("no home directory")
	}
	if got, want := dataDirectory(), filepath.Join(home, ".local", "share", "tocsin"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
