package people

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Token is what is known of a token.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	SHA256  string    `json:"-"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
	// Used is when it was last used, to the hour; zero when it never was.
	Used time.Time `json:"used,omitzero"`
}

// ErrUnknown refuses a token or session that is none of ours, or no longer. It
// is fault.Forbidden.
var ErrUnknown = fmt.Errorf("not accepted: %w", fault.Forbidden)

// Tokens are the tokens of one database. They may be used concurrently, also by
// several processes: what one changes, another sees within a second.
type Tokens struct {
	db    *store.DB
	trail *audit.Trail
	now   func() time.Time
	known atomic.Pointer[knownTokens]

	mu     sync.Mutex           // held while the database is asked
	failed time.Time            // when it last could not answer; guarded by mu
	used   map[string]time.Time // the hour in which each was last used; guarded by mu
}

// knownTokens is what the database said at a time. It is never changed.
type knownTokens struct {
	at      time.Time
	version int64
	byID    map[string]*Token
}

// NewTokens returns the tokens of a database, which has the tables of Room.
func NewTokens(db *store.DB, trail *audit.Trail, now func() time.Time) *Tokens {
	return &Tokens{db: db, trail: trail, now: now, used: map[string]time.Time{}}
}

// limits of what a token may be called and how many there may be.
const (
	maxName   = 64
	maxTokens = 100_000
)

// Create makes a token and returns its secret, which is shown this once. It
// expires after the time given; never when that is 0. The error is
// fault.Invalid for a name that will not do, fault.Conflict for one in use.
func (t *Tokens) Create(ctx context.Context, name string, role Role, expires time.Duration) (string, Token, error) {
	if _, err := ParseRole(string(role)); err != nil {
		return "", Token{}, err
	}
	if err := checkName(name); err != nil {
		return "", Token{}, err
	}
	if expires < 0 {
		return "", Token{}, fmt.Errorf("a token that expires before it is made: %w", fault.Invalid)
	}
	secret := newSecret(prefix)
	sum := hashOf(secret)
	created := t.now().UTC().Truncate(time.Second)
	token := Token{ID: sum.id(), Name: name, Role: role, SHA256: sum.String(), Created: created}
	if expires > 0 {
		token.Expires = created.Add(expires)
	}
	if token.Name == "" {
		token.Name = string(role) + "-" + token.ID
	}
	err := t.change(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := checkRoom(ctx, tx, token, created); err != nil {
			return err
		}
		if _, err := insertToken(ctx, tx, token); err != nil {
			return err
		}
		return t.record(ctx, tx, "token.create", &token, nil, token)
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, token, nil
}

// checkRoom refuses a token whose name another has that is of use at a time, or
// for which there is no room.
func checkRoom(ctx context.Context, tx *store.Tx, token Token, now time.Time) error {
	n, err := countTokens(ctx, tx)
	if err != nil {
		return err
	}
	if n >= maxTokens {
		return fmt.Errorf("there are %d tokens: revoke some: %w", n, fault.Conflict)
	}
	others, err := selectTokens(ctx, tx, token.Name)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.ID == token.ID || other.State(now) == "" {
			return fmt.Errorf("there is a token called %q: %w", other.Name, fault.Conflict)
		}
	}
	return nil
}

func checkName(name string) error {
	if len(name) > maxName || strings.ContainsFunc(name, unfit) {
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
func (t *Tokens) List(ctx context.Context) (list []Token, err error) {
	err = t.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err = selectTokens(ctx, tx, "")
		return err
	})
	return list, err
}

// Revoke ends a token, which is named by its ID or name, and returns it. The
// error is fault.NotFound, or fault.Conflict when it was revoked before.
func (t *Tokens) Revoke(ctx context.Context, word string) (revoked Token, err error) {
	err = t.change(ctx, func(ctx context.Context, tx *store.Tx) error {
		token, err := findToken(ctx, tx, word)
		if err != nil {
			return err
		}
		if !token.Revoked.IsZero() {
			return fmt.Errorf("token %s was revoked %s: %w", word, token.Revoked.Format(time.RFC3339), fault.Conflict)
		}
		revoked = token
		revoked.Revoked = t.now().UTC().Truncate(time.Second)
		if err := revokeToken(ctx, tx, revoked); err != nil {
			return err
		}
		return t.record(ctx, tx, "token.revoke", &token, token, revoked)
	})
	return revoked, err
}

// findToken returns the token of an ID, or the one of a name that was not
// revoked.
func findToken(ctx context.Context, tx *store.Tx, word string) (Token, error) {
	list, err := selectTokens(ctx, tx, word)
	if err != nil {
		return Token{}, err
	}
	for _, token := range list {
		if token.ID == word || token.Revoked.IsZero() {
			return token, nil
		}
	}
	return Token{}, fmt.Errorf("no token has the ID or name %q: %w", word, fault.NotFound)
}

// State says why the token is of no use any more at a time: "expired",
// "revoked", or "" when it is of use.
func (o *Token) State(now time.Time) string {
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
func (t *Tokens) Check(ctx context.Context, secret string) (Identity, error) {
	if !wellFormed(prefix, secret) {
		return Identity{}, fmt.Errorf("token %w: it is incomplete or mistyped", ErrUnknown)
	}
	token, err := t.find(ctx, hashOf(secret))
	if err != nil {
		return Identity{}, err
	}
	if token == nil {
		return Identity{}, fmt.Errorf("token %w: this node does not know it", ErrUnknown)
	}
	now := t.now().UTC()
	if state := token.State(now); state != "" {
		return Identity{}, fmt.Errorf("token %w: token %s is %s", ErrUnknown, token.ID, state)
	}
	t.touch(ctx, token.ID, now)
	return Identity{Kind: KindToken, ID: token.ID, Name: token.Name, Role: token.Role}, nil
}

// Allow is Check for somebody who needs a right. Beside Check's errors it is
// fault.Forbidden when the role does not have it.
func (t *Tokens) Allow(ctx context.Context, secret string, right Right) (Identity, error) {
	who, err := t.Check(ctx, secret)
	if err == nil {
		err = who.may(right)
	}
	if err != nil {
		return Identity{}, err
	}
	return who, nil
}

// How old what is known of tokens may be: half of the second within which a
// revoked one must be refused, and as good as nothing for one that may have
// been made just now. Both bound how often the database is asked.
const (
	knownFor   = 500 * time.Millisecond
	unknownFor = 10 * time.Millisecond
	// askFor bounds how long a request waits to learn whether it may.
	askFor = 2 * time.Second
)

// find returns the token of a hash, nil when there is none.
func (t *Tokens) find(ctx context.Context, sum hash) (*Token, error) {
	for _, age := range [...]time.Duration{knownFor, unknownFor} {
		known, err := t.current(ctx, age)
		if err != nil {
			return nil, err
		}
		if token := known.byID[sum.id()]; token != nil && token.is(sum) {
			return token, nil
		}
	}
	return nil, nil
}

// is compares in constant time.
func (o *Token) is(sum hash) bool {
	stored, err := hex.DecodeString(o.SHA256)
	return err == nil && subtle.ConstantTimeCompare(stored, sum[:]) == 1
}

// current returns tokens that are known for less than a time.
func (t *Tokens) current(ctx context.Context, age time.Duration) (*knownTokens, error) {
	if known := t.known.Load(); known != nil && time.Since(known.at) < age {
		return known, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.known.Load()
	if known != nil && time.Since(known.at) < age {
		return known, nil
	}
	if time.Since(t.failed) < knownFor { // do not let everybody wait for it
		return nil, fmt.Errorf("tokens: the database does not answer: %w", fault.Unavailable)
	}
	fresh, err := t.read(ctx, known)
	if err != nil {
		if ctx.Err() == nil {
			t.failed = time.Now()
		}
		return nil, fmt.Errorf("tokens: %w: %w", err, fault.Unavailable)
	}
	t.known.Store(fresh)
	return fresh, nil
}

// read asks the database for the tokens, unless they are those known before.
func (t *Tokens) read(ctx context.Context, before *knownTokens) (*knownTokens, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	known := &knownTokens{at: time.Now()}
	err := t.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if known.version, err = selectVersion(ctx, tx, tokensVersion); err != nil {
			return err
		}
		if before != nil && before.version == known.version {
			known.byID = before.byID
			return nil
		}
		list, err := selectTokens(ctx, tx, "")
		known.byID = make(map[string]*Token, len(list))
		for i := range list {
			known.byID[list[i].ID] = &list[i]
		}
		return err
	})
	return known, err
}

// tokensVersion names the number that grows with every change of tokens.
const tokensVersion = "tokens"

// change makes a change that everybody is to see.
func (t *Tokens) change(ctx context.Context, f func(context.Context, *store.Tx) error) error {
	err := t.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := f(ctx, tx); err != nil {
			return err
		}
		return raiseVersion(ctx, tx, tokensVersion)
	})
	if err == nil {
		t.known.Store(nil) // this process sees it at once
	}
	return err
}

// usesEvery is how coarsely the last use of a token is kept: it is written
// once an hour, not with every request.
const usesEvery = time.Hour

// touch notes that a token was used. That it cannot be written down refuses
// nobody: it is tried again with the next use.
func (t *Tokens) touch(ctx context.Context, id string, now time.Time) {
	hour := now.Truncate(usesEvery)
	if !t.note(id, hour) {
		return
	}
	const patience = 250 * time.Millisecond // of a request that is otherwise done
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := t.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return updateUsed(ctx, tx, id, hour) }); err != nil {
		t.note(id, time.Time{})
	}
}

// note remembers the hour of a use, and says whether that is news.
func (t *Tokens) note(id string, hour time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	news := !t.used[id].Equal(hour)
	t.used[id] = hour
	return news
}
