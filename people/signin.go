package people

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Client is what somebody signs in from.
type Client struct {
	Address string
	Agent   string // what the browser calls itself
}

// SignedIn is a session that was just begun.
type SignedIn struct {
	Account Account
	// Secret is what the browser shows from now on.
	Secret  string
	Expires time.Time
}

// ErrSignIn refuses a sign-in. Why it was refused is not told: not whether
// there is such an account, nor that it is disabled. It is fault.Forbidden.
var ErrSignIn = fmt.Errorf("name or password is wrong: %w", fault.Forbidden)

// SignIn begins a session for who knows the password of an account. The error is
// ErrSignIn, or a *ThrottledError after too many of them. Whether there is such
// an account can be told from neither, nor from the time it takes.
func (a *Accounts) SignIn(ctx context.Context, name, password string, from Client) (signed SignedIn, err error) {
	account, err := a.prove(ctx, name, password, from.Address)
	if err != nil {
		return signed, err
	}
	err = a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		signed, err = a.enter(ctx, tx, account.ID, WayPassword, from)
		return err
	})
	return signed, err
}

// enter begins a session of an account whose owner has proved to be it.
func (a *Accounts) enter(ctx context.Context, tx *store.Tx, id string, by Way, from Client) (SignedIn, error) {
	account, ok, err := selectAccount(ctx, tx, id)
	if err != nil {
		return SignedIn{}, err
	}
	if !ok || !account.Disabled.IsZero() {
		return SignedIn{}, ErrSignIn
	}
	return a.start(ctx, tx, account, by, from)
}

// prove returns the account of a name whose password is known. An attempt is
// counted before it is judged, so that many at once are many.
func (a *Accounts) prove(ctx context.Context, name, password, address string) (account Account, err error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if len(password) > maxPassword {
		return account, ErrSignIn
	}
	var tried []attempt
	err = a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		account = Account{}
		if checkName(name) == nil {
			if account, _, err = selectAccount(ctx, tx, name); err != nil {
				return err
			}
		}
		if account.Name != name { // nobody signs in by ID
			account = Account{}
		}
		tried, err = a.tryOnce(ctx, tx, name, address)
		return err
	})
	if err != nil {
		return account, err
	}
	hash := account.password
	if !account.Disabled.IsZero() {
		hash = ""
	}
	right, stale, err := a.hasher.verify(ctx, hash, password)
	if err != nil {
		return account, err
	}
	if !right {
		return account, ErrSignIn
	}
	fresh := ""
	if stale {
		if fresh, err = a.hasher.hash(ctx, password); err != nil {
			return account, err
		}
	}
	return account, a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if fresh != "" {
			if err := updatePassword(ctx, tx, account.ID, fresh); err != nil {
				return err
			}
		}
		return forgive(ctx, tx, tried)
	})
}

// attempt is whose attempts are counted, and how many may fail.
type attempt struct {
	key   string
	slips int
	owner bool // whether a success clears what was before
}

// tryOnce counts an attempt at an account and from an address. The error is a
// *ThrottledError when either has to wait.
func (a *Accounts) tryOnce(ctx context.Context, tx *store.Tx, name, address string) ([]attempt, error) {
	tries := []attempt{{key: "address " + neighbourhood(address), slips: addressSlips}}
	if checkName(name) == nil { // no account has another name
		tries = append(tries, attempt{key: "account " + name, slips: accountSlips, owner: true})
	}
	now := a.now()
	counts := make([]attempts, len(tries))
	for i, t := range tries {
		count, err := selectAttempts(ctx, tx, t.key)
		if err != nil {
			return nil, err
		}
		if wait := count.wait(t.slips, now); wait > 0 {
			return nil, &ThrottledError{wait}
		}
		counts[i] = count.next(now)
	}
	for i, t := range tries {
		if err := upsertAttempts(ctx, tx, t.key, counts[i]); err != nil {
			return nil, err
		}
	}
	return tries, pruneAttempts(ctx, tx, now.Add(-slipsForgotten))
}

// forgive takes back what tryOnce counted: the account's attempts are over, and
// the address has one fewer.
func forgive(ctx context.Context, tx *store.Tx, tried []attempt) error {
	for _, t := range tried {
		if err := forgiveAttempt(ctx, tx, t.key, t.owner); err != nil {
			return err
		}
	}
	return nil
}

// ChangePassword gives a person a new password who knows the one before, and
// ends all their sessions but the one they ask in. The error is ErrSignIn, a
// *ThrottledError or fault.Invalid.
func (a *Accounts) ChangePassword(ctx context.Context, who Identity, before, password string) error {
	account, err := a.Get(ctx, who.ID)
	if err != nil {
		return err
	}
	if err := checkPassword(password, account.Name, account.Display); err != nil {
		return err
	}
	if account.password != "" {
		_, err = a.prove(ctx, account.Name, before, who.Address)
	} else { // who came by a passkey or a provider has none yet
		err = a.JustSignedIn(ctx, who)
	}
	if err != nil {
		return err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := updatePassword(ctx, tx, account.ID, hash); err != nil {
			return err
		}
		if err := deleteSessions(ctx, tx, account.ID, who.Session); err != nil {
			return err
		}
		return a.record(ctx, tx, "account.password", account.subject(), nil, nil)
	})
}
