package people

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// tokenFile is how tokens are stored.
type tokenFile struct {
	Tokens []Token `json:"tokens"`
}

func readTokens(path string) ([]Token, error) {
	var file tokenFile
	if err := readJSON(path, &file); err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	return file.Tokens, nil
}

func writeTokens(path string, list []Token) error {
	if err := writeJSON(path, tokenFile{list}); err != nil {
		return fmt.Errorf("tokens: %w", err)
	}
	return nil
}

// usesEvery is how coarsely the last use of a token is kept: it is written
// once an hour, not with every request.
const usesEvery = time.Hour

// usesPath is a file of its own, since the running node writes it and verbs
// write the tokens.
func (t *Tokens) usesPath() string { return t.path + ".used" }

// touch notes that a token was used. That it cannot be written down refuses
// nobody.
func (t *Tokens) touch(id string, now time.Time) {
	hour := now.Truncate(usesEvery)
	if t.used == nil {
		t.used, _ = readUses(t.usesPath())
	}
	if last, ok := t.used[id]; ok && !last.Before(hour) {
		return
	}
	if t.used == nil {
		t.used = map[string]time.Time{}
	}
	t.used[id] = hour
	_ = writeJSON(t.usesPath(), t.used)
}

func readUses(path string) (map[string]time.Time, error) {
	var used map[string]time.Time
	if err := readJSON(path, &used); err != nil {
		return nil, fmt.Errorf("uses of tokens: %w", err)
	}
	return used, nil
}

// readJSON leaves into as it is when there is no file.
func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file by one that only we may read, whole or not at all.
func writeJSON(path string, from any) (err error) {
	text, err := json.MarshalIndent(from, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
