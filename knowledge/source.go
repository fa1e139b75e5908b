package knowledge

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"tocsin/internal/fault"
)

// The limits of a set. SigmaHQ's largest archive is 5 MB and holds 4,000 rules
// of 2 KB.
const (
	maxArchive  = 256 << 20 // bytes of an archive as stored
	maxUnpacked = 256 << 20 // bytes of all its rule files
	maxFiles    = 50_000    // rule files
	maxEntries  = 500_000   // entries of any kind
	maxFile     = 1 << 20   // bytes of one rule file, as the rule parser's
	maxPath     = 400       // bytes of a path within a set
)

// Source is a set of rules that can be installed: an archive or a folder.
type Source struct {
	Origin string // shown to people
	SHA256 string // of the archive; of names and contents for a folder
	path   string
	read   func(path string, p *unpacker) error
}

// FromPath returns the set that a file or folder holds. An archive (zip, tar,
// tar.gz, tar.zst) is recognised by its content, not its name. origin is
// what to remember as the place it came from.
func FromPath(name, origin string) (Source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Source{}, err
	}
	if info.IsDir() {
		s := Source{Origin: origin, path: name, read: readFolder}
		s.SHA256, err = folderSum(name)
		return s, err
	}
	if info.Size() > maxArchive {
		return Source{}, fmt.Errorf("%s is %d bytes; a rule archive may have %d: %w", name, info.Size(), maxArchive, fault.Invalid)
	}
	f, err := os.Open(name)
	if err != nil {
		return Source{}, err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return Source{}, err
	}
	read := archiveReader(head[:n])
	if read == nil {
		return Source{}, fmt.Errorf("%s is not a rule archive: give a zip, tar, tar.gz or tar.zst file, or a folder: %w", name, fault.Invalid)
	}
	sum, err := fileSum(f)
	return Source{Origin: origin, SHA256: sum, path: name, read: read}, err
}

func fileSum(f *os.File) (string, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// folderSum sums names and contents in the order that WalkDir promises.
func folderSum(folder string) (string, error) {
	h := sha256.New()
	err := readFolder(folder, &unpacker{keep: func(name string, content io.Reader) error {
		text, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s\x00%x", name, sha256.Sum256(text))
		return nil
	}})
	return hex.EncodeToString(h.Sum(nil)), err
}

// unpack writes the rule files into a folder.
func (s Source) unpack(folder string) error {
	u := &unpacker{keep: func(name string, content io.Reader) error {
		return writeNew(filepath.Join(folder, filepath.FromSlash(name)), content)
	}}
	if err := s.read(s.path, u); err != nil {
		return err
	}
	if u.files == 0 {
		return fmt.Errorf("no .yml or .yaml file in it: %w", fault.Invalid)
	}
	return nil
}

func writeNew(name string, content io.Reader) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the archive holds %s twice: %w", filepath.Base(name), fault.Invalid)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, content)
	return err
}

// unpacker takes the entries of an archive one after the other, and refuses the
// archive when it is too large or an entry would leave its folder.
type unpacker struct {
	keep                     func(name string, content io.Reader) error
	entries, files, unpacked int64
}

// link is called for entries that are neither files nor folders.
func (u *unpacker) link(name string) error {
	return fmt.Errorf("%q is a link or a device; a rule set has only files: %w", name, fault.Invalid)
}

// file takes a file: rules are kept, all else is passed over.
func (u *unpacker) file(name string, content io.Reader) error {
	if u.entries++; u.entries > maxEntries {
		return fmt.Errorf("more than %d entries: %w", int64(maxEntries), fault.Invalid)
	}
	if err := checkPath(name); err != nil {
		return err
	}
	if !isRuleFile(name) {
		return nil
	}
	if u.files++; u.files > maxFiles {
		return fmt.Errorf("more than %d rule files: %w", int64(maxFiles), fault.Invalid)
	}
	counted := &countingReader{r: io.LimitReader(content, maxFile+1)}
	if err := u.keep(path.Clean(name), counted); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	if counted.n > maxFile {
		return fmt.Errorf("%q has more than %d bytes: %w", name, int64(maxFile), fault.Invalid)
	}
	if u.unpacked += counted.n; u.unpacked > maxUnpacked {
		return fmt.Errorf("rule files of more than %d bytes: %w", int64(maxUnpacked), fault.Invalid)
	}
	return nil
}

func isRuleFile(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	base := path.Base(name)
	return (ext == ".yml" || ext == ".yaml") && !strings.HasPrefix(base, ".")
}

// checkPath refuses names that lead out of the folder they are unpacked to, on
// any system.
func checkPath(name string) error {
	if len(name) > maxPath || strings.ContainsAny(name, "\\:\x00") || !fs.ValidPath(path.Clean(name)) {
		return fmt.Errorf("path %.100q leads out of the set or is no path: %w", name, fault.Invalid)
	}
	return nil
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// readFolder reads a folder's files; links in it are passed over, since a
// checkout may hold some and nothing is unpacked through them.
func readFolder(folder string, u *unpacker) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && name != "." {
			return fs.SkipDir // .git
		}
		if !entry.Type().IsRegular() || !isRuleFile(name) {
			return nil
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		return u.file(name, f)
	})
}
