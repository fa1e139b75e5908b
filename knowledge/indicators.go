package knowledge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/intel/pack"
	"tocsin/internal/fault"
)

// Indicators is the sets of indicators of one data directory. It may be used
// concurrently, also by several processes. Every set is one file, its source's
// content in compact form with what is known of it in front; it is replaced by
// renaming, so that a reader sees the whole old set or the whole new one.
type Indicators struct{ dir string }

// OpenIndicators returns the sets in a folder, which is made when something is
// first written to it.
func OpenIndicators(dir string) *Indicators { return &Indicators{dir: dir} }

// IndicatorSet is what is known of an installed set.
type IndicatorSet struct {
	Name   string    `json:"name"`
	Origin string    `json:"origin"` // the address or path it came from
	Source string    `json:"source"` // who says so, where the set's source does not
	TLP    string    `json:"tlp,omitempty"`
	SHA256 string    `json:"sha256"` // of what was read
	Added  time.Time `json:"added"`
	Count  int       `json:"count"`
	Passed int       `json:"passed_over"` // entries that were no indicators
	Bytes  int64     `json:"bytes"`       // on disk
}

// setEnding is that of a set's file.
const setEnding = ".pack"

// Add installs a set under its name, in the place of one that has it. Added and
// Count are set here.
func (i *Indicators) Add(s IndicatorSet, p *pack.Pack, at time.Time) (IndicatorSet, error) {
	if err := CheckName(s.Name); err != nil {
		return s, err
	}
	unlock, err := lock(i.dir)
	if err != nil {
		return s, err
	}
	defer unlock()
	s.Added, s.Count = at.UTC(), p.Len()
	if err := i.write(s, p); err != nil {
		return s, fmt.Errorf("install indicators %q: %w", s.Name, err)
	}
	return i.Set(s.Name)
}

// write writes a set beside its place, and renames it into it.
func (i *Indicators) write(s IndicatorSet, p *pack.Pack) (err error) {
	f, err := os.CreateTemp(i.dir, incoming)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = writeSet(f, s, p)
	if err := errors.Join(err, f.Sync(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), i.path(s.Name)); err != nil {
		return err
	}
	return syncFolder(i.dir)
}

func (i *Indicators) path(name string) string { return filepath.Join(i.dir, name+setEnding) }

// Remove takes a set away.
func (i *Indicators) Remove(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	unlock, err := lock(i.dir)
	if err != nil {
		return err
	}
	defer unlock()
	err = os.Remove(i.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("indicators %q: %w", name, fault.NotFound)
	}
	return errors.Join(err, syncFolder(i.dir))
}

// List returns the installed sets by name.
func (i *Indicators) List() ([]IndicatorSet, error) {
	entries, err := os.ReadDir(i.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list indicators: %w", err)
	}
	var sets []IndicatorSet
	for _, entry := range entries {
		name, found := strings.CutSuffix(entry.Name(), setEnding)
		if !found {
			continue
		}
		s, err := i.Set(name)
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// Set returns what is known of an installed set, or fault.NotFound.
func (i *Indicators) Set(name string) (IndicatorSet, error) {
	s, _, err := i.read(name, false)
	return s, err
}

// Load returns the content of all installed sets, in the order of their names.
func (i *Indicators) Load() ([]*pack.Pack, error) {
	sets, err := i.List()
	if err != nil {
		return nil, err
	}
	var packs []*pack.Pack
	for _, s := range sets {
		_, p, err := i.read(s.Name, true)
		if errors.Is(err, fault.NotFound) {
			continue // removed since
		}
		if err != nil {
			return nil, err
		}
		packs = append(packs, p)
	}
	return packs, nil
}

// Content returns the content of one installed set, or fault.NotFound.
func (i *Indicators) Content(name string) (*pack.Pack, error) {
	_, p, err := i.read(name, true)
	return p, err
}

// read reads a set's description, and its content where wanted.
func (i *Indicators) read(name string, content bool) (s IndicatorSet, p *pack.Pack, err error) {
	if err := CheckName(name); err != nil {
		return s, nil, err
	}
	f, err := os.Open(i.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil, fmt.Errorf("indicators %q: %w", name, fault.NotFound)
	}
	if err != nil {
		return s, nil, err
	}
	defer func() { _ = f.Close() }()
	if s, p, err = readSet(f, content); err != nil {
		return s, nil, fmt.Errorf("indicators %q in %s: %w", name, f.Name(), err)
	}
	info, err := f.Stat()
	if err != nil {
		return s, nil, err
	}
	s.Bytes = info.Size()
	return s, p, nil
}
