package core_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tocsin/intel"
	"tocsin/internal/testdata"
)

// quiet are recordings on which nothing of the pack may match at high or above:
// in the audit records nobody attacks, and what the Zeek logs of a defence
// competition hold (no connections, no files on shares) shows none of the
// attacks that the pack rates so high.
var quiet = []string{"auditd-samples", "zeek-samples"}

// TestConformanceCorePack watches every set of recordings with the pack, and
// prints how often it matches in 10,000 events.
func TestConformanceCorePack(t *testing.T) {
	set := load(t)
	for _, name := range []string{
		"auditd-samples", "zeek-samples", "suricata-eve", "evtx-attack-samples", "evtx-to-mitre-attack",
		"hayabusa-sample-evtx", "evtx-parser-samples", "sigma-regression", "security-datasets",
	} {
		t.Run(name, func(t *testing.T) {
			found := watch(t, set, telemetryOf(t, testdata.Set(t, name))...)
			found.show(t)
			passed := 0
			for _, l := range found.lines() {
				if l.level >= intel.High && slices.Contains(quiet, name) {
					t.Errorf("%s %q: %d matches, the first %v", l.level, l.title, l.matches, l.first.Fields)
					continue
				}
				passed++
			}
			t.Logf("%s: %d/%d rules that match may; %s", name, passed, len(found.lines()), found.rate())
		})
	}
}

// telemetryOf leaves out what a set holds beside telemetry.
func telemetryOf(t *testing.T, folder string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		switch filepath.Ext(path) {
		case ".golden", ".yml", ".yaml", ".txt", ".md", "":
			return nil
		}
		paths = append(paths, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func (w watched) rate() string {
	byLevel := map[intel.Severity]int{}
	for _, l := range w.lines() {
		byLevel[l.level] += l.matches
	}
	text := fmt.Appendf(nil, "%d events; matches in 10,000:", w.summary.Events)
	for level := intel.Critical; level >= intel.Informational; level-- {
		text = fmt.Appendf(text, " %s %.1f", level, float64(byLevel[level])*10_000/max(1, float64(w.summary.Events)))
	}
	return string(text)
}
