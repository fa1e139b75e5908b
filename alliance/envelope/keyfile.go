package envelope

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"tocsin/internal/disk"
	"tocsin/internal/fault"
)

const (
	keyType = "TOCSIN ED25519 SEED"
	// maxKeyFile bounds a file with a key: PEM of 32 bytes, and what an editor added.
	maxKeyFile = 4 << 10
	// nextSuffix names the key that takes a file's place once the passport that
	// certifies it is on disk. What a crash leaves between the two is put right by
	// who reads the key next.
	nextSuffix = ".next"
)

func newKey() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey {
	public, _ := key.Public().(ed25519.PublicKey)
	return public
}

// writeKey writes a key into a file that only we may read, whole or not at all.
func writeKey(path string, key ed25519.PrivateKey) error {
	return disk.Replace(path, pem.EncodeToMemory(&pem.Block{Type: keyType, Bytes: key.Seed()}))
}

// readKey reads a key that nobody else may read. The error is fault.NotFound,
// fault.Forbidden where others may read it, or fault.Invalid.
func readKey(path string) (ed25519.PrivateKey, error) {
	text, err := readPrivate(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != keyType || len(block.Bytes) != ed25519.SeedSize || len(rest) > 0 {
		return nil, fmt.Errorf("%s holds no key of ours: restore it from a backup: %w", path, fault.Invalid)
	}
	return ed25519.NewKeyFromSeed(block.Bytes), nil
}

// readCurrent reads the key that wanted accepts: that in the file, or the one that
// was to take its place when a crash came, which it then does.
func readCurrent(path string, wanted func(ed25519.PublicKey) bool) (ed25519.PrivateKey, error) {
	key, err := readKey(path)
	if err == nil && wanted(publicOf(key)) {
		return key, nil
	}
	if next, nextErr := readKey(path + nextSuffix); nextErr == nil && wanted(publicOf(next)) {
		return next, putInPlace(path)
	}
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s holds another key than the passport names: %w", path, fault.Conflict)
}

// putInPlace makes the next key the one of its file.
func putInPlace(path string) error {
	if err := os.Rename(path+nextSuffix, path); err != nil {
		return err
	}
	return disk.SyncFolder(filepath.Dir(path))
}

// readPrivate reads a file that nobody but its owner may read.
func readPrivate(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s: %w", path, fault.NotFound)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file: %w", path, fault.Invalid)
	}
	if err := onlyOurs(path, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is longer than %d bytes: %w", path, most, fault.Invalid)
	}
	return text, err
}

// onlyOurs refuses what others may read or write. Where there are no such rights the
// system's own rule.
func onlyOurs(path string, info fs.FileInfo) error {
	const others = 0o077
	if runtime.GOOS == "windows" || info.Mode().Perm()&others == 0 {
		return nil
	}
	want := "600"
	if info.IsDir() {
		want = "700"
	}
	return fmt.Errorf("others may read or change %s (its mode is %04o), and whoever has a key speaks in our name: chmod %s %s: %w",
		path, info.Mode().Perm(), want, path, fault.Forbidden)
}
