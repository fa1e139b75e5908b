package observable_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/testdata"
)

// What is asked of Find.
const (
	wantPrecision = 0.99
	wantRecall    = 0.97
	fewestLines   = 500 // fewer say nothing
)

// labelled is a line of testdata/labels.tsv.
type labelled struct {
	set, file string
	line      int
	hash      string
	spans     []span
}

type span struct {
	kind       intel.ObservableKind
	start, end int
}

func readLabels(t *testing.T) []labelled {
	t.Helper()
	text, err := os.ReadFile("testdata/labels.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var list []labelled
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' {
			continue
		}
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		number, err := strconv.Atoi(columns[2])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		l := labelled{set: columns[0], file: columns[1], line: number, hash: columns[3]}
		for label := range strings.FieldsSeq(columns[4]) {
			var s span
			kind, at, _ := strings.Cut(label, ":")
			if err := s.kind.UnmarshalText([]byte(kind)); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if _, err := fmt.Sscanf(at, "%d-%d", &s.start, &s.end); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			l.spans = append(l.spans, s)
		}
		list = append(list, l)
	}
	return list
}

// source gives the lines of the files of one data set.
type source struct {
	files map[string][]byte // of an archive, read once
	dir   string
	lines map[string][][]byte
}

func openSource(t *testing.T, set string) *source {
	t.Helper()
	s := &source{lines: map[string][][]byte{}}
	data := testdata.Dir(t)
	switch {
	case set == "reference":
		s.dir = filepath.Join(filepath.Dir(data), set)
	case !strings.HasPrefix(set, "exchange/"):
		s.dir = testdata.Set(t, set)
	case strings.HasSuffix(set, ".tar.gz"):
		s.files = readArchive(t, filepath.Join(data, set))
	default:
		s.dir = filepath.Join(data, set)
	}
	return s
}

// readArchive returns the files of an archive, none when it is absent.
func readArchive(t *testing.T, path string) map[string][]byte {
	t.Helper()
	packed, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	archive := tar.NewReader(bytes.NewReader(gunzip(t, packed)))
	for {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[entry.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

func gunzip(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// line returns one line of a file, nil when there is none.
func (s *source) line(t *testing.T, file string, number int) []byte {
	t.Helper()
	lines, ok := s.lines[file]
	if !ok {
		name, isJSON := strings.CutSuffix(file, "#strings")
		content := s.files[name]
		if s.dir != "" {
			content, _ = os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(name)))
		}
		if strings.HasSuffix(name, ".gz") && content != nil {
			content = gunzip(t, content)
		}
		if lines = bytes.Split(content, []byte("\n")); isJSON {
			lines = jsonStrings(content)
		}
		s.lines[file] = lines
	}
	if number > len(lines) {
		return nil
	}
	if strings.HasSuffix(file, "#strings") {
		var text string
		if err := json.Unmarshal(lines[number-1], &text); err != nil {
			t.Fatal(err)
		}
		return []byte(text)
	}
	return bytes.TrimSuffix(lines[number-1], []byte("\r"))
}

// jsonStrings returns the strings of a JSON document as they are written, in
// their order. The documents are large, and few of their strings are asked for.
func jsonStrings(content []byte) (list [][]byte) {
	for at := 0; at < len(content); at++ {
		if content[at] != '"' {
			continue
		}
		start := at
		for at++; at < len(content) && content[at] != '"'; at++ {
			if content[at] == '\\' {
				at++
			}
		}
		list = append(list, content[start:min(at+1, len(content))])
	}
	return list
}

// score counts what was found of one kind.
type score struct{ right, wrong, missed int }

func TestConformanceFind(t *testing.T) {
	t.Parallel()
	labels := readLabels(t)
	sources := map[string]*source{}
	scores := map[intel.ObservableKind]*score{}
	for _, kind := range intel.ObservableKinds() {
		scores[kind] = &score{}
	}
	lines, changed := 0, 0
	for _, l := range labels {
		if sources[l.set] == nil {
			sources[l.set] = openSource(t, l.set)
		}
		text := sources[l.set].line(t, l.file, l.line)
		if hash := sha256.Sum256(text); hex.EncodeToString(hash[:])[:len(l.hash)] != l.hash {
			changed++
			continue
		}
		lines++
		compare(t, l, text, scores)
	}
	var total score
	for _, kind := range intel.ObservableKinds() {
		s := scores[kind]
		total.right, total.wrong, total.missed = total.right+s.right, total.wrong+s.wrong, total.missed+s.missed
		if s.right+s.wrong+s.missed > 0 {
			t.Logf("%-15s %4d right, %2d wrong, %2d missed", kind, s.right, s.wrong, s.missed)
		}
	}
	precision := float64(total.right) / float64(total.right+total.wrong)
	recall := float64(total.right) / float64(total.right+total.missed)
	t.Logf("%d lines, %d more have changed or are absent: precision %.4f, recall %.4f (%d/%d)",
		lines, changed, precision, recall, total.right, total.right+total.missed)
	if lines < fewestLines {
		t.Skipf("only %d of %d labelled lines are present", lines, len(labels))
	}
	if precision < wantPrecision || recall < wantRecall {
		t.Errorf("want precision %.2f and recall %.2f", wantPrecision, wantRecall)
	}
}

// compare counts what Find reports of a line.
func compare(t *testing.T, l labelled, text []byte, scores map[intel.ObservableKind]*score) {
	t.Helper()
	where := fmt.Sprintf("%s %s:%d", l.set, l.file, l.line)
	left := slices.Clone(l.spans)
	observable.Find(text, func(o intel.Observable, start, end int) {
		if at := slices.Index(left, span{o.Kind, start, end}); at >= 0 {
			left = slices.Delete(left, at, at+1)
			scores[o.Kind].right++
			return
		}
		scores[o.Kind].wrong++
		t.Logf("%s: %s %q is none", where, o.Kind, text[start:end])
	})
	for _, s := range left {
		scores[s.kind].missed++
		t.Logf("%s: %s %q is missed", where, s.kind, text[s.start:s.end])
	}
}
