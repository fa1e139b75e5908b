package sigma

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Set is what a tree of rule files holds, in the order of the files' paths.
type Set struct {
	Files        int // rule files read
	Rules        []*Rule
	Correlations []*Correlation
	Filters      []*Filter
	Problems     []*Problem // rules that are left out, and why
	Notes        []*Problem // worth a look, but nothing is lost
}

// Load reads rule files and, recursively, folders of them: every file that
// ends in .yml or .yaml, in the order of the paths, with several files at a
// time. Names that begin with a dot are passed over in folders. What cannot be
// read or parsed becomes a Problem and the rest is loaded.
//
// When an ID stands in several documents, the first is kept and the others are
// Problems: a finding names its rule by ID.
func Load(paths ...string) *Set {
	set := &Set{}
	var files []string
	for _, path := range paths {
		files = append(files, set.collect(path)...)
	}
	files = distinct(files)
	parsed := make([]parsedFile, len(files))
	inParallel(len(files), func(i int) { parsed[i] = parseFile(files[i]) })
	set.gather(parsed)
	return set
}

// LoadFS is Load for a file system, such as rules embedded in a program. The
// paths of what it returns are those within fsys.
func LoadFS(fsys fs.FS) *Set {
	set := &Set{}
	files := set.walk(fsys, ".", func(path string) string { return path })
	parsed := make([]parsedFile, len(files))
	inParallel(len(files), func(i int) {
		text, err := fs.ReadFile(fsys, files[i])
		parsed[i] = parseText(files[i], text, err)
	})
	set.gather(parsed)
	return set
}

// distinct drops paths that were given twice, by a folder and one within it.
func distinct(files []string) []string {
	slices.SortFunc(files, comparePaths)
	return slices.CompactFunc(files, func(a, b string) bool { return filepath.Clean(a) == filepath.Clean(b) })
}

func comparePaths(a, b string) int { return cmp.Compare(filepath.Clean(a), filepath.Clean(b)) }

// collect lists the rule files at a path given by the user: a folder's, or the
// file itself whatever it is called.
func (s *Set) collect(path string) []string {
	info, err := os.Stat(path)
	if err != nil {
		s.problem(path, err)
		return nil
	}
	if !info.IsDir() {
		return []string{path}
	}
	return s.walk(os.DirFS(path), ".", func(below string) string { return filepath.Join(path, filepath.FromSlash(below)) })
}

// walk lists rule files below a folder, sorted (fs.WalkDir walks in order).
func (s *Set) walk(fsys fs.FS, root string, name func(string) string) []string {
	var files []string
	walkErr := fs.WalkDir(fsys, root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			s.problem(name(path), err)
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
		case path != root && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && isRuleFile(path):
			files = append(files, name(path))
		}
		return nil
	})
	if walkErr != nil {
		s.problem(name(root), walkErr)
	}
	return files
}

func isRuleFile(path string) bool {
	extension := strings.ToLower(filepath.Ext(path))
	return extension == ".yml" || extension == ".yaml"
}

func (s *Set) problem(path string, err error) {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	s.Problems = append(s.Problems, &Problem{Path: path, Reason: "cannot be read: " + err.Error()})
}

type parsedFile struct {
	file     *File
	problems []*Problem
}

func parseFile(path string) parsedFile {
	text, err := readRuleFile(path)
	return parseText(path, text, err)
}

// readRuleFile reads a file to just past the limit, so that Parse refuses what
// is too large. A pipe or device is refused unread, as it could wait for ever.
func readRuleFile(path string) (text []byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text = make([]byte, 0, min(info.Size(), fileLimit)+512)
	buffer := bytes.NewBuffer(text)
	_, err = buffer.ReadFrom(io.LimitReader(f, fileLimit+1))
	return buffer.Bytes(), err
}

func parseText(path string, text []byte, err error) parsedFile {
	if err != nil {
		reader := &Set{}
		reader.problem(path, err)
		return parsedFile{&File{Path: path}, reader.Problems}
	}
	file, err := Parse(path, text)
	problems, _ := errors.AsType[Problems](err)
	return parsedFile{file, problems}
}

// inParallel calls work for 0 to n-1 on all processors and waits.
func inParallel(n int, work func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	workers.Wait()
}

// gather joins what was parsed, in the order of the files.
func (s *Set) gather(parsed []parsedFile) {
	seen := ids{}
	for _, p := range parsed {
		s.Files++
		s.Problems = append(s.Problems, p.problems...)
		s.Notes = append(s.Notes, p.file.Notes...)
		for _, r := range p.file.Rules {
			if s.fresh(seen, r.ID, r.Title, r.Path, r.Line) {
				s.Rules = append(s.Rules, r)
			}
		}
		for _, c := range p.file.Correlations {
			if s.fresh(seen, c.ID, c.Title, c.Path, c.Line) {
				s.Correlations = append(s.Correlations, c)
			}
		}
		for _, f := range p.file.Filters {
			if s.fresh(seen, f.ID, f.Title, f.Path, f.Line) {
				s.Filters = append(s.Filters, f)
			}
		}
	}
	slices.SortStableFunc(s.Problems, func(a, b *Problem) int { return cmp.Compare(a.Path, b.Path) })
}

// ids says where an ID was seen first.
type ids map[string]string

// fresh reports whether an ID is new, and a problem when it is not.
func (s *Set) fresh(seen ids, id, title, path string, line int) bool {
	if id == "" {
		return true
	}
	if first, ok := seen[id]; ok {
		s.Problems = append(s.Problems, &Problem{
			Path: path, Line: line, Column: 1, ID: id, Title: title,
			Reason: fmt.Sprintf("ID %s is already the one of %s: give one of the two a new ID", id, first),
		})
		return false
	}
	seen[id] = fmt.Sprintf("%s:%d", path, line)
	return true
}
