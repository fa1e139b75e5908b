package backup

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tocsin/internal/fault"
)

// About is what a backup says of itself at its beginning.
type About struct {
	// Backup is the version of the form of this file.
	Backup int `json:"backup"`
	// Program made it, of a data directory in a format (see datadir).
	Program string    `json:"program"`
	Format  int       `json:"format"`
	Created time.Time `json:"created"`
}

// Manifest says what a backup holds. It stands at its end.
type Manifest struct {
	About
	Parts []PartFiles `json:"parts"`
}

// PartFiles is the files of one part.
type PartFiles struct {
	Name  string `json:"name"`
	Files []File `json:"files"`
}

// File is one file of a part.
type File struct {
	Path   string `json:"path"` // below the data directory, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hexadecimal
}

// Bytes returns how much the part's files hold.
func (p *PartFiles) Bytes() (n int64) {
	for i := range p.Files {
		n += p.Files[i].Size
	}
	return n
}

const (
	version      = 1
	aboutName    = "tocsin-backup.json"
	manifestName = "manifest.json"
)

// The limits of what is read of a backup that somebody gives us.
const (
	// maxManifest bounds the manifest, which is held in memory: 200 bytes for each
	// of a million files.
	maxManifest = 256 << 20
	// maxFiles are far more than a data directory has: one for each segment of the
	// archive and each rule.
	maxFiles = 1_000_000
)

// compare says how what was read differs from what the manifest lists. The error
// names the part and is fault.Invalid.
func (m *Manifest) compare(read *Manifest) error {
	for i := range m.Parts {
		listed := &m.Parts[i]
		at := slices.IndexFunc(read.Parts, func(p PartFiles) bool { return p.Name == listed.Name })
		if at < 0 {
			if len(listed.Files) == 0 {
				continue
			}
			return fmt.Errorf("part %s is missing from the backup: %w", listed.Name, fault.Invalid)
		}
		if err := listed.compare(&read.Parts[at]); err != nil {
			return fmt.Errorf("part %s: %w: %w", listed.Name, err, fault.Invalid)
		}
	}
	for i := range read.Parts {
		name := read.Parts[i].Name
		if !slices.ContainsFunc(m.Parts, func(p PartFiles) bool { return p.Name == name }) {
			return fmt.Errorf("part %s is not in the backup's manifest: %w", name, fault.Invalid)
		}
	}
	return nil
}

func (p *PartFiles) compare(read *PartFiles) error {
	found := make(map[string]*File, len(read.Files))
	for i := range read.Files {
		found[read.Files[i].Path] = &read.Files[i]
	}
	for i := range p.Files {
		want := &p.Files[i]
		got := found[want.Path]
		switch {
		case got == nil:
			return fmt.Errorf("%s is missing", want.Path)
		case *got != *want:
			return fmt.Errorf("%s is not what was backed up: its checksum is wrong", want.Path)
		}
	}
	if len(p.Files) != len(read.Files) {
		return fmt.Errorf("%d files instead of %d", len(read.Files), len(p.Files))
	}
	return nil
}

// readAbout reads what a backup begins with.
func readAbout(text []byte) (About, error) {
	var a About
	if err := json.Unmarshal(text, &a); err != nil || a.Backup < 1 {
		return a, fmt.Errorf("its beginning is damaged: %w", fault.Invalid)
	}
	if a.Backup > version {
		return a, fmt.Errorf("it was written by %s in a form that this program does not know: use that or a newer one: %w", a.Program, fault.Conflict)
	}
	return a, nil
}
