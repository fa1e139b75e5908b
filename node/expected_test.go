package node_test

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/detect"
	"tocsin/detect/sigma"
	"tocsin/internal/testdata"
	"tocsin/node"
)

// opinionFile is what another evaluator found: data set, file, rule and number
// of events, of the rules for Windows over files of EVTX.
const opinionFile = "expected-matches.tsv"

// opinion counts events by data set and by file and rule.
type opinion map[string]map[[2]string]int

func readOpinion(t *testing.T, path string) opinion {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := opinion{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) != 4 {
			t.Fatalf("%s:%d: %d cells, want set, file, rule and count", path, n, len(cells))
		}
		count, err := strconv.Atoi(cells[3])
		if err != nil {
			t.Fatalf("%s:%d: %v", path, n, err)
		}
		if found[cells[0]] == nil {
			found[cells[0]] = map[[2]string]int{}
		}
		found[cells[0]][[2]string{cells[1], cells[2]}] = count
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// windowsRules are the rules that the opinion is about.
func windowsRules(t *testing.T) map[string]*sigma.Rule {
	t.Helper()
	rules := map[string]*sigma.Rule{}
	for _, r := range activeRules(t) {
		if r.LogSource.Product == "windows" {
			rules[r.ID] = r
		}
	}
	return rules
}

// findings returns what a watch finds in the set's files of EVTX.
func findings(t *testing.T, set string, rules map[string]*sigma.Rule) map[[2]string][]*detect.Finding {
	t.Helper()
	dir := testdata.Set(t, set)
	w := node.Watch{Paths: []string{dir}, Mappings: mappings(t), Rules: slices.SortedFunc(maps.Values(rules), byPath)}
	found := map[[2]string][]*detect.Finding{}
	if _, err := w.Run(t.Context(), func(f *detect.Finding) error {
		rel, err := filepath.Rel(dir, f.Source)
		if filepath.Ext(rel) == ".evtx" {
			pair := [2]string{filepath.ToSlash(rel), f.Rule.ID}
			found[pair] = append(found[pair], f)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

func byPath(a, b *sigma.Rule) int { return strings.Compare(a.Path, b.Path) }

// strangeShare is how many of a hundred pairs may differ without a known reason
// in an opinion that nobody has gone through. In the one that testdata's
// expected_differences.txt was written for none may.
const strangeShare = 2

// TestConformanceExpectedMatches compares what a watch finds with another
// evaluator's opinion, file by file and rule by rule. The two may differ only
// for the reasons that testdata/expected_differences.txt gives.
func TestConformanceExpectedMatches(t *testing.T) {
	t.Parallel()
	path := testdata.File(t, opinionFile)
	want, known := readOpinion(t, path), readDifferences(t)
	rules := windowsRules(t)
	strange, all := 0, 0
	for _, set := range slices.Sorted(maps.Keys(want)) {
		s, n := compareSet(t, known, set, want[set], findings(t, set, rules))
		strange, all = strange+s, all+n
	}
	for _, l := range known.rules {
		if !l.seen {
			t.Logf("no longer differs: %s", l)
		}
	}
	allowed := all * strangeShare / 100
	if known.reviewed == digest(t, path) {
		allowed = 0
	}
	t.Logf("pairs of file and rule that agree, or differ for a known reason: %d/%d", all-strange, all)
	if strange > allowed || all == 0 {
		t.Errorf("%d of %d pairs differ for no known reason, at most %d may: find out who is right and say so in %s", strange, all, allowed, differencesFile)
	}
}

// compareSet returns how many pairs differ for no known reason, of how many.
func compareSet(t *testing.T, known *differences, set string, want map[[2]string]int, got map[[2]string][]*detect.Finding) (strange, all int) {
	t.Helper()
	pairs := map[[2]string]bool{}
	for pair := range want {
		pairs[pair] = true
	}
	for pair := range got {
		pairs[pair] = true
	}
	reasons := map[string]int{}
	for pair := range pairs {
		if len(got[pair]) == want[pair] {
			reasons["agree"]++
			continue
		}
		reason := known.reason(pair[1], want[pair], got[pair])
		reasons[reason]++
		if reason == noReason {
			strange++
			t.Logf("%s/%s: rule %s matches %d events, want %d: %s", set, pair[0], pair[1], len(got[pair]), want[pair], show(got[pair]))
		}
	}
	var each []string
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		each = append(each, fmt.Sprintf("%s %d", reason, reasons[reason]))
	}
	t.Logf("%s: %d/%d pairs agree or differ for a known reason (%s)", set, len(pairs)-strange, len(pairs), strings.Join(each, ", "))
	return strange, len(pairs)
}

// show tells enough of a finding to look it up.
func show(found []*detect.Finding) string {
	if len(found) == 0 {
		return "nothing found"
	}
	f := found[0]
	return fmt.Sprintf("first record %d, %s %s, %.200v", f.Record, f.Channel, f.EventID, f.Fields)
}
