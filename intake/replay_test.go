package intake_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/intake"
	"tocsin/telemetry"
)

// keptAside opens what is set aside in a folder.
func keptAside(dir string) *intake.Aside {
	return intake.Config{Dir: dir}.OpenAside(time.Now)
}

// readable knows the records that a mended decoder reads.
func readable(b *telemetry.Block) bool { return !bytes.Contains(b.Data, []byte("broken")) }

func TestReplayTakesWhatCanBeReadAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	aside, j := keptAside(dir), &journal{}
	for i := range 30 {
		text := strconv.Itoa(i)
		if i%3 == 0 {
			text += " broken"
		}
		aside.Add("reason", lineBlock([]string{"a", "b"}[i/10%2], text))
	}
	replay := func(source string, want intake.Replayed, left int) {
		t.Helper()
		told, err := aside.Replay(t.Context(), intake.Replay{Accept: j.accept, Reads: readable, Source: source})
		if err != nil || told != want || asideCount(t, aside) != left {
			t.Errorf("%+v, %v, want %+v; %d are left, want %d", told, err, want, asideCount(t, aside), left)
		}
	}
	replay("b", intake.Replayed{Replayed: 7, Unreadable: 3}, 23)
	replay("", intake.Replayed{Replayed: 13, Unreadable: 10}, 10)
	replay("", intake.Replayed{Unreadable: 10}, 10)
	aside.Add("reason", lineBlock("a", "new"))
	replay("", intake.Replayed{Replayed: 1, Unreadable: 10}, 10)
	if got := j.lines(""); len(got) != 21 || slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, "broken") }) {
		t.Errorf("handed in %q", got)
	}
	if n, list, err := aside.List("b", 2); n != 3 || len(list) != 2 || err != nil || list[0].Source != "b" {
		t.Errorf("%d of b, %+v, %v", n, list, err)
	}
	if found, err := filepath.Glob(filepath.Join(dir, "aside", "*.taken")); len(found) > 0 || err != nil {
		t.Errorf("left behind: %q, %v", found, err)
	}
}

func TestRecordThatWasCutIsNotReplayed(t *testing.T) {
	t.Parallel()
	aside, j := keptAside(t.TempDir()), &journal{}
	aside.Add("reason", lineBlock("a", strings.Repeat("x", 2<<20)))
	told, err := aside.Replay(t.Context(), intake.Replay{Accept: j.accept})
	if err != nil || told != (intake.Replayed{Unreadable: 1}) || asideCount(t, aside) != 1 {
		t.Errorf("%+v, %v", told, err)
	}
}

// Wherever a replay is killed, the next one hands in what is missing and nothing
// twice.
func TestReplayThatIsKilledDoublesNothing(t *testing.T) {
	t.Parallel()
	const records = 12
	fill := func(dir string) {
		aside := keptAside(dir)
		for i := range records {
			aside.Add("reason", lineBlock([]string{"a", "b"}[i%2], strconv.Itoa(i))) // a batch each
			if i == 8 {
				aside.Add("reason", lineBlock("a", "broken"))
			}
		}
	}
	for kill := 1; kill <= records; kill++ {
		for _, told := range []bool{false, true} { // whether the file knows of the last batch
			dir, j := t.TempDir(), &journal{}
			fill(dir)
			killed := ""
			accepted := 0
			_, err := keptAside(dir).Replay(t.Context(), intake.Replay{Reads: readable, Accept: func(ctx context.Context, b *telemetry.Block, note []byte) (uint64, error) {
				if accepted++; told && accepted == kill+1 {
					killed = copyOf(t, dir)
				}
				if killed != "" {
					return 0, errors.New("it is dead")
				}
				entry, err := j.accept(ctx, b, note)
				if !told && accepted == kill {
					killed = copyOf(t, dir)
				}
				return entry, err
			}})
			if killed == "" { // told of the last one: it has ended
				killed = dir
			} else if err == nil && kill < records {
				t.Fatal("it went on")
			}
			aside := keptAside(killed)
			if err := aside.Recall(j.noted); err != nil {
				t.Fatal(err)
			}
			if err := aside.Recall(j.noted); err != nil { // another start
				t.Fatal(err)
			}
			rest, err := aside.Replay(t.Context(), intake.Replay{Accept: j.accept, Reads: readable})
			got := j.lines("")
			slices.Sort(got)
			if err != nil || len(slices.Compact(got)) != records || len(j.lines("")) != records || rest.Unreadable != 1 || asideCount(t, aside) != 1 {
				t.Errorf("killed at batch %d (told: %v): %q, %+v, %v", kill, told, j.lines(""), rest, err)
			}
		}
	}
}

// A note of a file that is another by now says nothing.
func TestNoteOfAnEarlierReplayIsOver(t *testing.T) {
	t.Parallel()
	dir, j := t.TempDir(), &journal{}
	aside := keptAside(dir)
	aside.Add("reason", lineBlock("a", "one"))
	aside.Add("reason", lineBlock("b", "broken"))
	for range 2 {
		if _, err := aside.Replay(t.Context(), intake.Replay{Accept: j.accept, Reads: readable}); err != nil {
			t.Fatal(err)
		}
		if err := aside.Recall(j.noted); err != nil {
			t.Fatal(err)
		}
	}
	if told, err := aside.Replay(t.Context(), intake.Replay{Accept: j.accept}); err != nil || told.Replayed != 1 || len(j.lines("")) != 2 {
		t.Errorf("%+v, %v: %q", told, err, j.lines(""))
	}
}

func FuzzTakenLines(f *testing.F) {
	f.Add("40\n0 1\n", `r{"file":"2026-01-01.1.jsonl","size":40,"from":0,"to":1}`)
	f.Fuzz(func(t *testing.T, taken, note string) {
		dir := t.TempDir()
		aside := keptAside(dir)
		aside.Add("reason", lineBlock("a", "one"))
		found, err := filepath.Glob(filepath.Join(dir, "aside", "*.jsonl"))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		sealed := strings.TrimSuffix(found[0], ".jsonl") + ".1.jsonl"
		if err := errors.Join(os.Rename(found[0], sealed), os.WriteFile(sealed+".taken", []byte(taken), 0o600)); err != nil {
			t.Fatal(err)
		}
		j := &journal{}
		err = aside.Recall(func(visit func(uint64, []byte, *telemetry.Block)) error {
			visit(1, []byte(note), nil)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := aside.Replay(t.Context(), intake.Replay{Accept: j.accept}); err != nil {
			t.Fatal(err)
		}
	})
}
