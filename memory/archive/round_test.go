package archive_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/testdata"
	"tocsin/memory/archive"
	"tocsin/telemetry"
)

// told writes an event with all there is of it, to be compared.
func (w *world) told(e *telemetry.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %q %d %d %p", e.Time.Format(time.RFC3339Nano), e.Source.Name, e.Source.Format, e.Host, e.Number, e.Offset, e.Class)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "\n\t%s %d %q", w.names.Text(f.Name), f.Kind, f.Value)
	}
	return b.String()
}

// TestConformanceEventsComeBackAsTheyWere archives samples of many formats and
// compares every event that comes back, with its class.
func TestConformanceEventsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	for _, set := range [...]string{
		"security-datasets/atomic/windows/lateral_movement", "security-datasets/atomic/aws", "security-datasets/atomic/linux",
		"security-datasets/compound/GoldenSAMLADFSMailAccess", "security-datasets/compound/apt29", "zeek-samples/zeek-default",
		"evtx-attack-samples", "suricata-eve", "auditd-samples",
	} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			dir := below(t, set)
			a := w.open(t, t.TempDir(), nil)
			count := w.put(t, a, dir)
			var want []string
			w.read(t, func(e *telemetry.Event) { want = append(want, w.told(e)) }, dir)
			got, stats := scan(t, a, archive.Query{}, w.names, func(r *archive.Row) string { return w.told(&r.Event) })
			if stats.Partial || len(stats.Damaged) > 0 {
				t.Errorf("scan of whole segments: %+v", stats)
			}
			slices.Sort(want)
			slices.Sort(got)
			same := 0
			for i := range min(len(want), len(got)) {
				if want[i] != got[i] {
					t.Fatalf("got\n%s\nwant\n%s", got[i], want[i])
				}
				same++
			}
			if len(got) != len(want) || count != len(want) {
				t.Errorf("got %d events, want %d", len(got), len(want))
			}
			t.Logf("%s: %d of %d events came back as they were, from %d segments", set, same, count, stats.Segments)
		})
	}
}

// TestConformanceSegmentsAreTenTimesSmallerThanTheirJSON archives JSON samples
// once through.
func TestConformanceSegmentsAreTenTimesSmallerThanTheirJSON(t *testing.T) {
	t.Parallel()
	for _, set := range [...]string{"security-datasets", "zeek-samples/zeek-json"} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			source := below(t, set)
			w := newWorld(t)
			dir := t.TempDir()
			a := w.open(t, dir, nil)
			count := w.put(t, a, source)
			before, after := size(t, source), size(t, dir)
			ratio := float64(before) / float64(after)
			t.Logf("%s: %d events, %d bytes became %d: %.1f times smaller", set, count, before, after, ratio)
			const least = 10
			if ratio < least {
				t.Errorf("got %.1f times smaller, want at least %d", ratio, least)
			}
		})
	}
}

// below returns a folder of a data set.
func below(t *testing.T, path string) string {
	t.Helper()
	set, folder, _ := strings.Cut(path, "/")
	return filepath.Join(testdata.Set(t, set), filepath.FromSlash(folder))
}

// size adds up the files below a folder.
func size(t *testing.T, dir string) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		sum += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
