package core_test

import (
	"testing"
	"time"

	"tocsin/drill"
	"tocsin/intel"
)

func TestOrdinaryDayIsQuiet(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		found := watch(t, load(t), day(t, drill.Day{Seed: seed}))
		found.show(t)
		for _, l := range found.lines() {
			if l.level >= intel.High {
				t.Errorf("seed %d: %s %q on an ordinary day: %v", seed, l.level, l.title, l.first.Fields)
			}
		}
	}
}

// firstInfection is when the worm starts on the first machine.
var firstInfection = time.Date(2017, time.May, 12, 10, 42, 0, 0, time.UTC)

// story is what an analyst must read off the outbreak, and by when after the
// first infection.
var story = []struct {
	part   string
	rules  []string // all of them
	within time.Duration
}{
	{"the worm arrives", []string{"Program started by LSASS", "WannaCry program started", "WannaCry kill-switch domain looked up"}, time.Minute},
	{"it stays", []string{"WannaCry service installed", "Service installed from an unusual place"}, time.Minute},
	{"it spreads", []string{"One machine tries many others over SMB", "One program tries many machines over SMB", "Firewall refuses SMB to many addresses"}, 3 * time.Minute},
	{"it encrypts", []string{"WannaCry file written", "Documents given a second extension in bulk", "Service installed, then files encrypted"}, 3 * time.Minute},
	{"it encrypts what others need", []string{"Encrypted file written to a share", "Encrypted file seen on a share", "Files on a share renamed in bulk"}, 5 * time.Minute},
	{"nothing shall be restored", []string{"Shadow copies deleted", "Recovery switched off or backups deleted", "Databases and mail servers ended"}, 5 * time.Minute},
	{"it wants money", []string{"Tor started or reached"}, 5 * time.Minute},
}

func TestOutbreakTellsItsStory(t *testing.T) {
	t.Parallel()
	found := watch(t, load(t), day(t, drill.Day{Seed: 1, Outbreak: true}))
	found.show(t)
	lines := map[string]*line{}
	for _, l := range found.lines() {
		lines[l.title] = l
	}
	for _, part := range story {
		for _, title := range part.rules {
			l := lines[title]
			if l == nil {
				t.Errorf("%s: %q does not match", part.part, title)
				continue
			}
			if late := l.first.Time.Sub(firstInfection); late < 0 || late > part.within {
				t.Errorf("%s: %q first matches %s after the first infection", part.part, title, late)
			}
		}
	}
	// Twenty machines are reached; the last of them after the domain began to
	// answer, so that nothing is encrypted there.
	for title, want := range map[string]int{"WannaCry program started": 20, "WannaCry service installed": 19, "WannaCry file written": 19} {
		if l := lines[title]; l != nil && len(l.hosts) != want {
			t.Errorf("%q on %d hosts, want %d", title, len(l.hosts), want)
		}
	}
	// A table that nobody reads to its end tells no story.
	if len(lines) > 30 {
		t.Errorf("%d rules match", len(lines))
	}
}
