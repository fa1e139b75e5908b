package knowledge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// Library is the rules of one data directory. It may be used concurrently, also
// by several processes.
type Library struct{ dir string }

// Open returns the library in a folder, which is made when something is first
// written to it.
func Open(dir string) *Library { return &Library{dir: dir} }

// Set is one installed set of rules.
type Set struct {
	Name     string   `json:"name"`
	Current  Version  `json:"current"`
	Previous *Version `json:"previous,omitempty"` // what Rollback goes back to
}

// Version is a set as it was installed once.
type Version struct {
	ID        string    `json:"id"`     // the first half of SHA256
	Origin    string    `json:"origin"` // the address or path it came from
	SHA256    string    `json:"sha256"`
	Installed time.Time `json:"installed"`
	Rules     int       `json:"rules"`
}

// The files and folders of a library.
const (
	setsFolder = "sets"
	setFile    = "set.json"
	incoming   = "incoming-" // what was being unpacked; left over only by a crash
)

// maxName bounds the name of a set, which becomes a folder's.
const maxName = 64

// CheckName refuses what cannot be a set's name: it becomes a folder's.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || strings.HasPrefix(name, ".") ||
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return fmt.Errorf("name of a rule set %q: use up to %d of a-z 0-9 . _ - and no dot in front: %w", name, maxName, fault.Invalid)
	}
	return nil
}

// Sets returns the installed sets by name.
func (l *Library) Sets() ([]Set, error) {
	entries, err := os.ReadDir(filepath.Join(l.dir, setsFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list rule sets: %w", err)
	}
	var sets []Set
	for _, entry := range entries {
		set, err := l.Set(entry.Name())
		if errors.Is(err, fault.NotFound) {
			continue // a folder whose first installation did not finish
		}
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// Set returns one installed set, or fault.NotFound.
func (l *Library) Set(name string) (Set, error) {
	if err := CheckName(name); err != nil {
		return Set{}, err
	}
	var set Set
	err := readJSON(filepath.Join(l.dir, setsFolder, name, setFile), &set)
	if errors.Is(err, fs.ErrNotExist) {
		return Set{}, fmt.Errorf("rule set %q: %w", name, fault.NotFound)
	}
	if err != nil {
		return Set{}, fmt.Errorf("rule set %q: %w", name, err)
	}
	return set, nil
}

// Folder returns where the rules of a set's current version lie.
func (l *Library) Folder(s Set) string {
	return filepath.Join(l.dir, setsFolder, s.Name, filepath.Base(s.Current.ID))
}

// Install unpacks a set's new version, has it checked, and only then puts it in
// the place of the current one, which becomes the previous. check says how many
// rules the folder holds; its error ends the installation and changes nothing.
// Installing what is current already changes nothing.
func (l *Library) Install(name string, from Source, at time.Time, check func(folder string) (rules int, err error)) (Set, error) {
	if err := CheckName(name); err != nil {
		return Set{}, err
	}
	unlock, err := l.lock()
	if err != nil {
		return Set{}, err
	}
	defer unlock()

	before, err := l.Set(name)
	switch {
	case err == nil && before.Current.SHA256 == from.SHA256:
		return before, nil
	case err != nil && !errors.Is(err, fault.NotFound):
		return Set{}, err
	}
	version := Version{ID: from.SHA256[:len(from.SHA256)/2], Origin: from.Origin, SHA256: from.SHA256, Installed: at.UTC()}
	if version.Rules, err = l.place(name, version.ID, from, check); err != nil {
		return Set{}, fmt.Errorf("install rule set %q from %s: %w", name, from.Origin, err)
	}
	after := Set{Name: name, Current: version}
	if before.Name != "" {
		after.Previous = &before.Current
	}
	if err := l.save(after); err != nil {
		return Set{}, err
	}
	return after, l.tidy(after)
}

// place unpacks beside the versions, checks, and renames to the version's folder.
func (l *Library) place(name, id string, from Source, check func(string) (int, error)) (rules int, err error) {
	folder := filepath.Join(l.dir, setsFolder, name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return 0, err
	}
	temporary, err := os.MkdirTemp(folder, incoming)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	if err := from.unpack(temporary); err != nil {
		return 0, err
	}
	if rules, err = check(temporary); err != nil {
		return 0, err
	}
	flush() // the files must be on disk before set.json names them
	final := filepath.Join(folder, id)
	if err := os.RemoveAll(final); err != nil { // the same version, from before a rollback
		return 0, err
	}
	return rules, os.Rename(temporary, final)
}

// Rollback makes the previous version of a set the current one, and the other
// way round: rolling back twice changes nothing.
func (l *Library) Rollback(name string) (Set, error) {
	unlock, err := l.lock()
	if err != nil {
		return Set{}, err
	}
	defer unlock()
	set, err := l.Set(name)
	if err != nil {
		return Set{}, err
	}
	if set.Previous == nil {
		return Set{}, fmt.Errorf("rule set %q has no version before %s to go back to: %w", name, set.Current.ID, fault.Conflict)
	}
	set.Current, *set.Previous = *set.Previous, set.Current
	return set, l.save(set)
}

// Remove takes a set away with all its versions.
func (l *Library) Remove(name string) error {
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := l.Set(name); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(l.dir, setsFolder, name))
}

func (l *Library) lock() (unlock func(), err error) { return lock(l.dir) }

func (l *Library) save(s Set) error {
	if err := writeJSON(filepath.Join(l.dir, setsFolder, s.Name, setFile), s); err != nil {
		return fmt.Errorf("rule set %q: %w", s.Name, err)
	}
	return nil
}

// tidy removes versions that nothing names any more.
func (l *Library) tidy(s Set) error {
	folder := filepath.Join(l.dir, setsFolder, s.Name)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	keep := []string{setFile, s.Current.ID}
	if s.Previous != nil {
		keep = append(keep, s.Previous.ID)
	}
	for _, entry := range entries {
		if !slices.Contains(keep, entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(folder, entry.Name())))
		}
	}
	return err
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file whole: a reader sees the old or the new one.
func writeJSON(path string, value any) (err error) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), incoming)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
