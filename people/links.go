package people

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Link is what a one-time link is for. Whoever has its secret may use it once.
type Link struct {
	Purpose Purpose   `json:"purpose"`
	Account string    `json:"-"` // its ID; "" for the set-up
	Name    string    `json:"name,omitempty"`
	Expires time.Time `json:"expires"`
}

// Purpose is what a link is for.
type Purpose string

// The purposes of links.
const (
	PurposeSetup  Purpose = "set-up"     // make the first administrator
	PurposeInvite Purpose = "invitation" // choose the first password of an account
	PurposeReset  Purpose = "reset"      // choose a new one
)

// How long links are good for: the set-up while somebody is at it, an
// invitation until its mail was read after a holiday.
const (
	setupLasts  = 24 * time.Hour
	inviteLasts = 7 * 24 * time.Hour
	resetLasts  = 24 * time.Hour
)

// linkPrefix marks the secret of a link, for scanners of leaked secrets.
const linkPrefix = "tocsinlink_"

// ErrLink refuses a link that was used, has expired or never was; which of them
// is not told. It is fault.NotFound.
var ErrLink = fmt.Errorf("this link is not, or no longer, good: ask for another: %w", fault.NotFound)

// SetUp returns the secret of a new link that makes the first administrator;
// earlier ones are no longer good. It is "" once there is an account.
func (a *Accounts) SetUp(ctx context.Context) (secret string, err error) {
	err = a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := countAccounts(ctx, tx)
		if err != nil || n > 0 {
			return err
		}
		if err := deleteLinks(ctx, tx, ""); err != nil {
			return err
		}
		secret, err = a.link(ctx, tx, PurposeSetup, "", setupLasts)
		return err
	})
	return secret, err
}

// link makes a link and returns its secret.
func (a *Accounts) link(ctx context.Context, tx *store.Tx, purpose Purpose, account string, lasts time.Duration) (string, error) {
	secret := newSecret(linkPrefix)
	return secret, insertLink(ctx, tx, hashOf(secret).String(), Link{Purpose: purpose, Account: account, Expires: a.now().UTC().Add(lasts)})
}

// Invite makes an account of a name, role, display name, mail address and phone, and
// returns the secret of the link by which its person chooses a password. The
// error is fault.Invalid, or fault.Conflict for a name in use.
func (a *Accounts) Invite(ctx context.Context, account Account) (secret string, made Account, err error) {
	err = a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if made, err = a.insert(ctx, tx, account); err != nil {
			return err
		}
		if secret, err = a.link(ctx, tx, PurposeInvite, made.ID, inviteLasts); err != nil {
			return err
		}
		return a.record(ctx, tx, "account.invite", made.subject(), nil, made.shown())
	})
	return secret, made, err
}

// insert makes an account.
func (a *Accounts) insert(ctx context.Context, tx *store.Tx, account Account) (Account, error) {
	account.ID, account.Created, account.Ways = store.NewID(a.now()), a.now().UTC().Truncate(time.Microsecond), nil
	if err := account.check(); err != nil {
		return account, err
	}
	n, err := countAccounts(ctx, tx)
	if err != nil {
		return account, err
	}
	if n >= maxAccounts {
		return account, fmt.Errorf("there are %d accounts: %w", n, fault.Conflict)
	}
	fresh, err := insertAccount(ctx, tx, account)
	if err == nil && !fresh {
		err = fmt.Errorf("there is an account called %q: %w", account.Name, fault.Conflict)
	}
	return account, err
}

// Reset takes away everything that a person signs in with, ends their sessions,
// and returns the secret of a link by which they choose a new password. The
// error is fault.NotFound, or fault.Conflict for an account that is disabled.
func (a *Accounts) Reset(ctx context.Context, name string) (secret string, err error) {
	err = a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		account, err := account1(ctx, tx, name)
		if err != nil {
			return err
		}
		if !account.Disabled.IsZero() {
			return fmt.Errorf("%s is disabled: enable the account first: %w", account.Name, fault.Conflict)
		}
		for _, forget := range [...]func(context.Context, *store.Tx, string) error{deleteLinks, deletePasskeys, endSessions} {
			if err := forget(ctx, tx, account.ID); err != nil {
				return err
			}
		}
		if err := updatePassword(ctx, tx, account.ID, ""); err != nil {
			return err
		}
		if secret, err = a.link(ctx, tx, PurposeReset, account.ID, resetLasts); err != nil {
			return err
		}
		return a.record(ctx, tx, "account.reset", account.subject(), map[string]any{"ways": account.Ways}, nil)
	})
	return secret, err
}

func endSessions(ctx context.Context, tx *store.Tx, account string) error {
	return deleteSessions(ctx, tx, account, "")
}

// Link says what a link is for, without using it. The error is ErrLink.
func (a *Accounts) Link(ctx context.Context, secret string) (link Link, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		link, err = a.readLink(ctx, tx, secret)
		return err
	})
	return link, err
}

func (a *Accounts) readLink(ctx context.Context, tx *store.Tx, secret string) (Link, error) {
	if !wellFormed(linkPrefix, secret) {
		return Link{}, ErrLink
	}
	link, ok, err := selectLink(ctx, tx, hashOf(secret).String())
	if err == nil && (!ok || !a.now().Before(link.Expires)) {
		err = ErrLink
	}
	return link, err
}

// Entry is what a person says when they use a link.
type Entry struct {
	Name     string `json:"name"`    // of the first administrator; an invitation has one
	Display  string `json:"display"` // likewise
	Password string `json:"password"`
}

// UseLink lets a person in who has a link, gives their account the password and
// signs them in. The error is ErrLink, fault.Invalid for a password or name that
// will not do, after which the link is still good.
func (a *Accounts) UseLink(ctx context.Context, secret string, e Entry, from Client) (signed SignedIn, err error) {
	link, err := a.Link(ctx, secret)
	if err != nil {
		return signed, err
	}
	name := link.Name
	if link.Purpose == PurposeSetup {
		name = e.Name
	}
	if err := checkPassword(e.Password, name, e.Display); err != nil {
		return signed, err
	}
	hash, err := a.hasher.hash(ctx, e.Password)
	if err != nil {
		return signed, err
	}
	err = a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		account, err := a.take(ctx, tx, secret, e)
		if err != nil {
			return err
		}
		if err := updatePassword(ctx, tx, account.ID, hash); err != nil {
			return err
		}
		account.Ways = append(account.Ways, WayPassword)
		ctx = With(ctx, Identity{Kind: KindAccount, ID: account.ID, Name: account.Name, Role: account.Role, Address: from.Address})
		if err := a.record(ctx, tx, "account.enter", account.subject(), nil, map[string]any{"by": link.Purpose, "role": account.Role}); err != nil {
			return err
		}
		signed, err = a.start(ctx, tx, account, WayLink, from)
		return err
	})
	return signed, err
}

// take uses a link up and returns whose it is.
func (a *Accounts) take(ctx context.Context, tx *store.Tx, secret string, e Entry) (Account, error) {
	link, err := a.readLink(ctx, tx, secret)
	if err != nil {
		return Account{}, err
	}
	mine, err := deleteLink(ctx, tx, hashOf(secret).String())
	if err != nil {
		return Account{}, err
	}
	if !mine { // somebody else was first
		return Account{}, ErrLink
	}
	if link.Purpose != PurposeSetup {
		return account1(ctx, tx, link.Account)
	}
	if n, err := countAccounts(ctx, tx); err != nil || n > 0 {
		return Account{}, cmp.Or(err, ErrLink)
	}
	return a.insert(ctx, tx, Account{Name: e.Name, Display: e.Display, Role: Administrator})
}
