package people

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/lockfile"
)

// Token is what is known of a token.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	SHA256  string    `json:"sha256"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
	// Used is when it was last used, to the hour; zero when it never was.
	Used time.Time `json:"-"`
}

// Identity is who bears a token.
type Identity struct {
	ID   string
	Name string
	Role Role
}

// ErrUnknown refuses a token that is none of ours, or no longer. It is
// fault.Forbidden.
var ErrUnknown = fmt.Errorf("token not accepted: %w", fault.Forbidden)

// Tokens are the tokens of one data directory, in one file. They may be used
// concurrently, also by several processes: what one changes, another sees at
// its next check.
type Tokens struct {
	path string
	now  func() time.Time

	mu     sync.Mutex
	info   fs.FileInfo       // of the file when it was last read; guarded by mu
	byID   map[string]*Token // guarded by mu
	used   map[string]time.Time
	usable bool // whether byID is what the file says; guarded by mu
}

// OpenTokens returns the tokens in a file, which is made with the first of
// them.
func OpenTokens(path string, now func() time.Time) *Tokens {
	return &Tokens{path: path, now: now}
}

// limits of what a token may be called and how many there may be.
const (
	maxName   = 64
	maxTokens = 100_000
)

// Create makes a token and returns its secret, which is shown this once. It
// expires after the time given; never when that is 0. The error is
// fault.Invalid for a name that will not do, fault.Conflict for one in use.
func (t *Tokens) Create(name string, role Role, expires time.Duration) (string, Token, error) {
	if _, err := ParseRole(string(role)); err != nil {
		return "", Token{}, err
	}
	if err := checkName(name); err != nil {
		return "", Token{}, err
	}
	if expires < 0 {
		return "", Token{}, fmt.Errorf("a token that expires before it is made: %w", fault.Invalid)
	}
	secret := newSecret()
	sum := hashOf(secret)
	created := t.now().UTC().Truncate(time.Second)
	token := Token{ID: sum.id(), Name: name, Role: role, SHA256: hex.EncodeToString(sum[:]), Created: created}
	if expires > 0 {
		token.Expires = created.Add(expires)
	}
	if token.Name == "" {
		token.Name = string(role) + "-" + token.ID
	}
	err := t.change(func(list []Token) ([]Token, error) {
		if len(list) >= maxTokens {
			return nil, fmt.Errorf("there are %d tokens: revoke some: %w", len(list), fault.Conflict)
		}
		for _, other := range list {
			if other.ID == token.ID || other.Name == token.Name && other.state(created) == "" {
				return nil, fmt.Errorf("there is a token called %q: %w", other.Name, fault.Conflict)
			}
		}
		return append(list, token), nil
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, token, nil
}

func checkName(name string) error {
	if len(name) > maxName || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unfit) {
		return fmt.Errorf("name %q: use up to %d letters, digits and . _ - @ : %w", name, maxName, fault.Invalid)
	}
	return nil
}

// unfit keeps names such that they need no escaping where they are shown, and
// do not break the names of sources apart.
func unfit(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-@", r)
}

// List returns all tokens, oldest first, with those that expired or were
// revoked.
func (t *Tokens) List() ([]Token, error) {
	list, err := readTokens(t.path)
	if err != nil {
		return nil, err
	}
	used, err := readUses(t.usesPath())
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Used = used[list[i].ID]
	}
	return list, nil
}

// Revoke ends a token, which is named by its ID or name, and returns it. The
// error is fault.NotFound, or fault.Conflict when it was revoked before.
func (t *Tokens) Revoke(word string) (Token, error) {
	var revoked Token
	err := t.change(func(list []Token) ([]Token, error) {
		i := slices.IndexFunc(list, func(o Token) bool { return o.ID == word })
		if i < 0 {
			i = slices.IndexFunc(list, func(o Token) bool { return o.Name == word && o.Revoked.IsZero() })
		}
		switch {
		case i < 0:
			return nil, fmt.Errorf("no token has the ID or name %q: %w", word, fault.NotFound)
		case !list[i].Revoked.IsZero():
			return nil, fmt.Errorf("token %s was revoked %s: %w", word, list[i].Revoked.Format(time.RFC3339), fault.Conflict)
		}
		list[i].Revoked = t.now().UTC().Truncate(time.Second)
		revoked = list[i]
		return list, nil
	})
	return revoked, err
}

// State says why the token is of no use any more at a time: "expired",
// "revoked", or "" when it is of use.
func (o *Token) State(now time.Time) string { return o.state(now) }

func (o *Token) state(now time.Time) string {
	switch {
	case !o.Revoked.IsZero():
		return "revoked"
	case !o.Expires.IsZero() && !now.Before(o.Expires):
		return "expired"
	}
	return ""
}

// Check says who bears a token. The error is ErrUnknown, or fault.Unavailable
// when the tokens cannot be read: then nobody is let in.
func (t *Tokens) Check(secret string) (Identity, error) {
	if !wellFormed(secret) {
		return Identity{}, fmt.Errorf("%w: it is incomplete or mistyped", ErrUnknown)
	}
	sum := hashOf(secret)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.refresh(); err != nil {
		return Identity{}, err
	}
	token := t.byID[sum.id()]
	if token == nil || !token.is(sum) {
		return Identity{}, fmt.Errorf("%w: this node does not know it", ErrUnknown)
	}
	now := t.now().UTC()
	if state := token.state(now); state != "" {
		return Identity{}, fmt.Errorf("%w: token %s is %s", ErrUnknown, token.ID, state)
	}
	t.touch(token.ID, now)
	return Identity{ID: token.ID, Name: token.Name, Role: token.Role}, nil
}

// is compares in constant time.
func (o *Token) is(sum hash) bool {
	stored, err := hex.DecodeString(o.SHA256)
	return err == nil && subtle.ConstantTimeCompare(stored, sum[:]) == 1
}

// Allow is Check for somebody who needs a right. Beside Check's errors it is
// fault.Forbidden when the role does not have it.
func (t *Tokens) Allow(secret string, right Right) (Identity, error) {
	who, err := t.Check(secret)
	if err != nil {
		return Identity{}, err
	}
	if !who.Role.May(right) {
		return Identity{}, fmt.Errorf("token %s is a %s's, which may not %s: %w", who.ID, who.Role, right, fault.Forbidden)
	}
	return who, nil
}

// refresh reads the file when it is another than the one read last.
func (t *Tokens) refresh() error {
	info, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		t.info, t.byID, t.usable = nil, nil, true
		return nil
	}
	if err != nil {
		t.usable = false
		return fmt.Errorf("tokens: %w: %w", err, fault.Unavailable)
	}
	if t.usable && t.info != nil && os.SameFile(t.info, info) && t.info.ModTime().Equal(info.ModTime()) && t.info.Size() == info.Size() {
		return nil
	}
	t.usable = false
	list, err := readTokens(t.path)
	if err != nil {
		return fmt.Errorf("%w: %w", err, fault.Unavailable)
	}
	t.byID = make(map[string]*Token, len(list))
	for i := range list {
		t.byID[list[i].ID] = &list[i]
	}
	t.info, t.usable = info, true
	return nil
}

// patience is how long a change waits for another to be done.
const patience = 5 * time.Second

// change applies f to the tokens in the file, one process at a time.
func (t *Tokens) change(f func([]Token) ([]Token, error)) (err error) {
	lock, err := t.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	list, err := readTokens(t.path)
	if err != nil {
		return err
	}
	if list, err = f(list); err != nil {
		return err
	}
	return writeTokens(t.path, list)
}

func (t *Tokens) lock() (*lockfile.Lock, error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		lock, err := lockfile.Take(t.path + ".lock")
		if err == nil || !errors.Is(err, fault.Conflict) || time.Now().After(deadline) {
			return lock, err
		}
	}
}
