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
	"strconv"
	"strings"
	"testing"

	"tocsin/intel"
	"tocsin/internal/testdata"
)

// labelled is a line of a file below testdata/labels.
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

// readLabels reads the labels of one round.
func readLabels(t *testing.T, round string) []labelled {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "labels", round+".tsv"))
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
			l.spans = append(l.spans, readSpan(t, label))
		}
		list = append(list, l)
	}
	return list
}

func readSpan(t *testing.T, label string) (s span) {
	t.Helper()
	kind, at, _ := strings.Cut(label, ":")
	if err := s.kind.UnmarshalText([]byte(kind)); err != nil {
		t.Fatalf("%q: %v", label, err)
	}
	if _, err := fmt.Sscanf(at, "%d-%d", &s.start, &s.end); err != nil {
		t.Fatalf("%q: %v", label, err)
	}
	return s
}

// sources are the data sets that were opened, by name.
type sources map[string]*source

// text returns a labelled line, false when it is absent or has changed.
func (s sources) text(t *testing.T, l labelled) ([]byte, bool) {
	t.Helper()
	if s[l.set] == nil {
		s[l.set] = openSource(t, l.set)
	}
	text := s[l.set].line(t, l.file, l.line)
	hash := sha256.Sum256(text)
	return text, hex.EncodeToString(hash[:])[:len(l.hash)] == l.hash
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
