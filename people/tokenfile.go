package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"tocsin/internal/store"
)

// fileToken is a token as versions up to 0.1 kept it, in a file.
type fileToken struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	SHA256  string    `json:"sha256"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Revoked time.Time `json:"revoked"`
}

// movedSuffix is what the file is called after it was read: nothing reads it
// any more, and whoever must go back to the version before still has it.
const movedSuffix = ".moved"

// Import moves the tokens of a file into the database, and says how many there
// were. Where there is no file there is nothing to do; where another process
// does the same at the same time, each token comes in once.
func (t *Tokens) Import(ctx context.Context, path string) (int, error) {
	var file struct{ Tokens []fileToken }
	if err := readJSON(path, &file); err != nil || file.Tokens == nil {
		return 0, err
	}
	var used map[string]time.Time
	if err := readJSON(path+".used", &used); err != nil {
		return 0, err
	}
	err := t.change(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, o := range file.Tokens {
			token := Token{ID: o.ID, Name: o.Name, Role: o.Role, SHA256: o.SHA256, Created: o.Created, Expires: o.Expires, Revoked: o.Revoked, Used: used[o.ID]}
			fresh, err := insertToken(ctx, tx, token)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			if err := t.record(ctx, tx, "token.import", &token, nil, token); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("move the tokens of %s into the database: %w", path, err)
	}
	if err := os.Rename(path, path+movedSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("move the tokens into the database: %w", err)
	}
	return len(file.Tokens), nil
}

// readJSON leaves into as it is when there is no file.
func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("tokens: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("tokens: %s is damaged: %w", path, err)
	}
	return nil
}
