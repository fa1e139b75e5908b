package intake_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/intake"
	"tocsin/people/peopletest"
)

// logFolder is a directory that an intake follows, in a bubble where time passes by
// itself. The intake is stopped and started as the node would be.
type logFolder struct {
	t      *testing.T
	dir    string
	config intake.Config
	*station
	stop   func()
	next   int
	recall bool // learn from the journal, as a node does
}

// newLogs follows a path in a fresh directory: "" for all of it.
func newLogs(t *testing.T, path string) *logFolder {
	t.Helper()
	l := &logFolder{t: t, dir: t.TempDir()}
	l.config = intake.Config{Dir: t.TempDir(), Follow: []string{filepath.Join(l.dir, path)}}
	l.station = &station{journal: &journal{}, tokens: peopletest.Tokens(t)}
	return l
}

// start starts the intake; its journal is that of the run before.
func (l *logFolder) start() {
	l.t.Helper()
	in, err := intake.New(l.config, quiet(), l.tokens, l.journal.accept)
	if err != nil {
		l.t.Fatal(err)
	}
	if l.recall {
		if err := in.Recall(l.journal.noted); err != nil {
			l.t.Fatal(err)
		}
		l.t.Cleanup(func() { _ = in.Close() })
	}
	l.Intake = in
	l.stop = l.run(l.t)
}

func (l *logFolder) path(name string) string { return filepath.Join(l.dir, name) }

// write appends n more records to a file.
func (l *logFolder) write(name string, n int) {
	l.t.Helper()
	var b strings.Builder
	for range n {
		l.next++
		fmt.Fprintf(&b, `{"n":%d}`+"\n", l.next)
	}
	l.append(name, b.String())
}

func (l *logFolder) append(name, text string) {
	l.t.Helper()
	file, err := os.OpenFile(l.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		l.t.Fatal(err)
	}
	_, err = file.WriteString(text)
	if err := file.Close(); err != nil {
		l.t.Fatal(err)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	// Files are sorted by when they were written: in the bubble's time.
	if err := os.Chtimes(l.path(name), time.Now(), time.Now()); err != nil {
		l.t.Fatal(err)
	}
}

func (l *logFolder) rename(from, to string) {
	l.t.Helper()
	if err := os.Rename(l.path(from), l.path(to)); err != nil {
		l.t.Fatal(err)
	}
}

// rotate renames the log and what it was renamed to before.
func (l *logFolder) rotate() {
	l.t.Helper()
	for i := 40; i > 0; i-- {
		_ = os.Rename(l.path(fmt.Sprintf("app.log.%d", i)), l.path(fmt.Sprintf("app.log.%d", i+1)))
	}
	l.rename("app.log", "app.log.1")
}

// copyTruncate rotates as logrotate does with copytruncate.
func (l *logFolder) copyTruncate(from, to string) {
	l.t.Helper()
	text, err := os.ReadFile(l.path(from))
	if err != nil {
		l.t.Fatal(err)
	}
	l.append(to, string(text))
	if err := os.Truncate(l.path(from), 0); err != nil {
		l.t.Fatal(err)
	}
}

// pass lets some time pass.
func (l *logFolder) pass(d time.Duration) {
	time.Sleep(d) // in the bubble
	synctest.Wait()
}

// expect says that every record written so far was kept, once and in order.
func (l *logFolder) expect(what string) {
	l.t.Helper()
	l.pass(5 * time.Second)
	var want []string
	for i := range l.next {
		want = append(want, fmt.Sprintf(`{"n":%d}`, i+1))
	}
	if got := l.journal.lines(""); !slices.Equal(got, want) {
		l.t.Fatalf("%s: got %q, want %d records", what, got, l.next)
	}
}

func TestFollowedLogIsReadOnce(t *testing.T) {
	for _, test := range []struct {
		name, follow string
		run          func(l *logFolder)
	}{
		{"growing, with restarts", "app.log", func(l *logFolder) {
			l.write("app.log", 3)
			l.expect("at first")
			l.write("app.log", 2)
			l.stop()
			l.write("app.log", 2)
			l.start()
			l.expect("after a restart")
			l.stop()
			l.start()
			l.expect("after another")
		}},
		{"a record half written at the stop", "app.log", func(l *logFolder) {
			l.write("app.log", 1)
			l.append("app.log", `{"n"`)
			l.pass(3 * time.Second)
			l.stop()
			l.append("app.log", ":2}\n")
			l.next++
			l.start()
			l.expect("the whole record")
		}},
		{"renamed while running, the writer late", "app.log", func(l *logFolder) {
			l.write("app.log", 3)
			l.expect("at first")
			l.rename("app.log", "app.log.1")
			l.write("app.log.1", 1)
			l.pass(2 * time.Second)
			l.write("app.log", 2)
			l.expect("old and new")
			l.rename("app.log.1", "app.log.2")
			l.pass(20 * time.Minute) // readers sleep
			l.write("app.log", 2)
			l.expect("after a long time")
		}},
		{"renamed while off", "app.log", func(l *logFolder) {
			l.write("app.log", 3)
			l.expect("at first")
			l.stop()
			l.write("app.log", 2)
			l.rename("app.log", "app.log.1")
			l.pass(time.Second)
			l.write("app.log", 2)
			l.start()
			l.expect("rotated one first")
		}},
		{"renamed twice while off", "app.log", func(l *logFolder) {
			l.append("app.log.7", `{"old":"never followed"}`+"\n")
			l.pass(time.Second)
			l.write("app.log", 3)
			l.expect("at first")
			l.stop()
			l.write("app.log", 1)
			l.rename("app.log", "app.log.2")
			l.pass(time.Second)
			l.write("app.log.1", 4)
			l.pass(time.Second)
			l.write("app.log", 2)
			l.start()
			l.expect("all three")
		}},
		{"renamed in a followed directory", "", func(l *logFolder) {
			l.write("app.log", 3)
			l.expect("at first")
			l.rename("app.log", "app.log.1")
			l.write("app.log", 1)
			l.expect("renamed")
			l.stop()
			l.write("app.log", 1)
			l.rename("app.log.1", "app.log.2")
			l.rename("app.log", "app.log.1")
			l.pass(time.Second)
			l.write("app.log", 1)
			l.start()
			l.expect("renamed while off")
		}},
		{"copied and truncated", "", func(l *logFolder) {
			l.write("app.log", 3)
			l.expect("at first")
			l.copyTruncate("app.log", "app.log.1")
			l.pass(3 * time.Second)
			l.write("app.log", 2)
			l.expect("while running")
			l.stop()
			l.write("app.log", 2)
			l.copyTruncate("app.log", "app.log-20261125")
			l.pass(time.Second)
			l.write("app.log", 1)
			l.start()
			l.expect("while off")
		}},
		{"packed by rotation", "", func(l *logFolder) {
			l.write("app.log", 3)
			l.expect("at first")
			text, err := os.ReadFile(l.path("app.log"))
			if err != nil {
				l.t.Fatal(err)
			}
			l.rename("app.log", "app.log.1")
			l.write("app.log", 1)
			l.expect("rotated")
			l.append("app.log.2.gz", string(gzipped(l.t, text)))
			l.pass(2 * time.Second)
			if err := os.Remove(l.path("app.log.1")); err != nil {
				l.t.Fatal(err)
			}
			l.expect("packed")
			l.pass(time.Minute)
			l.expect("the original gone")
		}},
		{"removed", "", func(l *logFolder) {
			l.write("a.log", 2)
			l.append("a.log", fmt.Sprintf(`{"n":%d}`, l.next+1)) // no line feed
			l.pass(3 * time.Second)
			if err := os.Remove(l.path("a.log")); err != nil {
				l.t.Fatal(err)
			}
			l.next++
			l.pass(time.Minute)
			l.write("b.log", 1)
			l.expect("with its last line")
		}},
		{"the journal is full for a while", "app.log", func(l *logFolder) {
			l.journal.fill(true)
			l.write("app.log", 3)
			l.pass(time.Minute)
			if l.journal.refusals() == 0 {
				l.t.Error("nothing was tried")
			}
			l.stop()
			l.start()
			l.journal.fill(false)
			l.expect("after it had room")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLogs(t, test.follow)
				l.start()
				defer func() { l.stop() }()
				test.run(l)
				for _, name := range l.journal.sources() {
					if base := filepath.Base(name); base != "app.log" && base != "b.log" && base != "a.log" {
						t.Errorf("source %s", name)
					}
				}
			})
		})
	}
}

// A log that is written, rotated by renaming and read by a node that comes and
// goes, in any order of these: every record is kept once.
func TestRotatedLogIsReadOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { happen(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func happen(t *testing.T, random *rand.Rand) {
	t.Helper()
	l := newLogs(t, "app.log")
	l.start()
	defer func() { l.stop() }()
	l.write("app.log", 1)
	l.pass(3 * time.Second) // the first record is seen: what was there before is not asked for
	var story []string
	for range 30 {
		switch what := random.IntN(6); what {
		case 0, 1:
			n := 1 + random.IntN(4)
			story = append(story, fmt.Sprint("write ", n))
			l.write("app.log", n)
		case 2:
			if _, err := os.Stat(l.path("app.log")); err != nil {
				continue
			}
			story = append(story, "rotate")
			l.rotate()
		case 3:
			story = append(story, "restart")
			l.stop()
			l.start()
		case 4:
			story = append(story, "off, write, rotate, write, on")
			l.stop()
			l.write("app.log", 2)
			l.pass(time.Second)
			l.rotate()
			l.write("app.log", 1)
			l.start()
		default:
			d := time.Duration(random.IntN(8000)) * time.Millisecond
			story = append(story, "wait "+d.String())
			l.pass(d)
		}
	}
	l.pass(30 * time.Second)
	seen := map[string]int{}
	for _, line := range l.journal.lines("") {
		seen[line]++
	}
	for i := range l.next {
		if n := seen[fmt.Sprintf(`{"n":%d}`, i+1)]; n != 1 {
			t.Errorf("record %d was kept %d times; what happened: %s", i+1, n, strings.Join(story, "; "))
			return
		}
	}
}

func TestArchivesInAFollowedDirectoryAreReadOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogs(t, "")
		l.append("old.gz", string(gzipped(t, []byte("{\"n\":1}\n{\"n\":2}\n"))))
		l.append("unknown.bin", "\x00\x01 no log\n")
		l.next = 2
		l.start()
		defer func() { l.stop() }()
		l.expect("at first")
		l.pass(10 * time.Minute) // it may become a log yet
		l.stop()
		l.start()
		l.expect("after a restart")
		l.append("old.gz", "changed in place, as event logs are")
		l.expect("after it changed")
		if got, want := l.journal.sources(), []string{"file/" + l.path("old")}; !slices.Equal(got, want) {
			t.Errorf("sources %q, want %q", got, want)
		}
		if h := l.health("file/" + l.path("unknown.bin")); h.Problems["format not recognised: not read"] != 1 || h.Silent {
			t.Errorf("%+v", h)
		}
	})
}

// A kill between the journal's write of a block and that of the cursor loses the
// cursor: it is taken from the journal then, and nothing is read twice.
func TestFollowedLogIsReadOnceAlsoWhenKilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogs(t, "")
		l.start()
		l.write("app.log", 3)
		l.expect("before")
		before := copyOf(t, l.config.Dir)
		l.write("app.log", 3)
		l.write("new.log", 3) // of which no cursor was stored at all
		l.expect("until it is killed")
		l.stop()
		l.config.Dir = before
		l.recall = true
		l.start()
		l.write("new.log", 1)
		l.expect("after it was killed")
		l.write("app.log", 1)
		l.expect("after it was killed")
		l.rotate()
		l.write("app.log", 2)
		l.expect("and rotated")
		l.stop()
	})
}
