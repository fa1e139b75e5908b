package testdata

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// group is the folder below the data folder that holds the sets of the watch.
const group = "detect"

// Set returns a folder with the content of the data set of that name, the
// archive detect/NAME.tar.zst below the data folder. It is unpacked once and
// shared by every test process: callers must not change it. The test skips (or
// fails, see RequireVariable) when the archive is absent.
func Set(tb testing.TB, name string) string {
	tb.Helper()
	archive := filepath.Join(Dir(tb), group, name+".tar.zst")
	dir, err := Unpack(archive)
	if errors.Is(err, os.ErrNotExist) {
		absent(tb, "data set %s is absent: no %s; set %s to the folder that holds %s/%s.tar.zst", name, archive, DataVariable, group, name)
	}
	if err != nil {
		tb.Fatalf("data set %s: %v", name, err)
	}
	return dir
}

// Unpack is Set for programs that are no tests: it returns a folder with the
// content of the archive NAME.tar.zst. The error is os.ErrNotExist when there
// is no such archive.
func Unpack(archive string) (string, error) {
	info, err := os.Stat(archive)
	if err != nil {
		return "", err
	}
	dir, err := unpacked(archive, info)
	if err != nil {
		return "", err
	}
	// An archive holds one folder of its own name; hand out its inside.
	if inner := filepath.Join(dir, strings.TrimSuffix(filepath.Base(archive), ".tar.zst")); isDir(inner) {
		return inner, nil
	}
	return dir, nil
}

// File returns the path of one plain file below the data folder's group, such
// as "expected-matches.tsv". The test skips (or fails) when it is absent.
func File(tb testing.TB, rel string) string {
	tb.Helper()
	path := filepath.Join(Dir(tb), group, filepath.FromSlash(rel))
	if _, err := os.Stat(path); err != nil {
		absent(tb, "test file %s is absent: %v; set %s to the folder that holds %s/%s", rel, err, DataVariable, group, rel)
	}
	return path
}

// Exchange returns where a file or folder of the data about formats of exchange
// is, such as "csaf/NAME". The test skips (or fails) when it is absent.
func Exchange(tb testing.TB, rel string) string {
	tb.Helper()
	path := filepath.Join(Dir(tb), "exchange", filepath.FromSlash(rel))
	if _, err := os.Stat(path); err != nil {
		absent(tb, "test file %s is absent: %v; set %s to the folder that holds exchange/%s", rel, err, DataVariable, rel)
	}
	return path
}

// unpacked returns the cached content of an archive. The cache is keyed by
// what the archive is now, so a newer one is unpacked anew. The content is
// unpacked beside its place and renamed into it: of several processes that do
// so at once the first wins and all see the whole.
func unpacked(archive string, info os.FileInfo) (string, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d", archive, info.Size(), info.ModTime().UnixNano()))
	cache := filepath.Join(os.TempDir(), fmt.Sprintf("tocsin-testdata-%d", os.Getuid()))
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	place := filepath.Join(cache, hex.EncodeToString(key[:8]))
	if isDir(place) {
		return place, nil
	}
	work, err := os.MkdirTemp(cache, "unpacking-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := unpack(archive, work); err != nil {
		return "", fmt.Errorf("unpack %s: %w", archive, err)
	}
	if err := os.Rename(work, place); err != nil && !isDir(place) {
		return "", err
	}
	return place, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
