package people

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Account is a person who may sign in.
type Account struct {
	ID string `json:"id"`
	// Name is what the person signs in with; it never changes.
	Name    string `json:"name"`
	Display string `json:"display"`
	Mail    string `json:"mail,omitempty"`
	// Phone is a number, or several, for when nothing else works.
	Phone string `json:"phone,omitempty"`
	Role  Role   `json:"role"`
	// Created, Disabled and SignedIn are when; zero when not.
	Created  time.Time `json:"created"`
	Disabled time.Time `json:"disabled,omitzero"`
	SignedIn time.Time `json:"signed_in,omitzero"`
	// Ways are how the person can sign in: password, passkey, provider. There is
	// none before an invitation is taken.
	Ways []Way `json:"ways"`

	password string // its hash
}

// Way is a way to sign in.
type Way string

// The ways.
const (
	WayPassword Way = "password"
	WayPasskey  Way = "passkey"
	WayProvider Way = "provider" // OpenID Connect
	WayLink     Way = "link"     // an invitation, just taken
)

// AccountsConfig is how people sign in. The zero value works.
type AccountsConfig struct {
	// Hashing is of passwords; the zero value is what RFC 9106 recommends.
	Hashing Hashing
	// Secure is whether browsers reach the node over TLS only: then they are told
	// to show its cookies nowhere else.
	Secure bool
	// Idle ends a session that was not used for so long, Longest one that is so
	// old; 0 is the default of each.
	Idle, Longest time.Duration
}

// Accounts are the people who may sign in, and who has. They are safe for
// concurrent use, also by several processes.
type Accounts struct {
	db     *store.DB
	trail  *audit.Trail
	config AccountsConfig
	hasher *hasher
	now    func() time.Time
}

// The limits of sessions: a watch of twelve hours, and an hour away from the
// desk (NIST SP 800-63B-4 §2.2.3 allows a day, and an hour).
const (
	defaultIdle    = time.Hour
	defaultLongest = 12 * time.Hour
)

// NewAccounts returns the accounts of a database, which has the tables of Room.
func NewAccounts(db *store.DB, trail *audit.Trail, config AccountsConfig, now func() time.Time) *Accounts {
	if config.Idle == 0 {
		config.Idle = defaultIdle
	}
	if config.Longest == 0 {
		config.Longest = defaultLongest
	}
	return &Accounts{db: db, trail: trail, config: config, hasher: newHasher(config.Hashing), now: now}
}

// maxAccounts bounds how many accounts there may be.
const maxAccounts = 100_000

// List returns all accounts, by name.
func (a *Accounts) List(ctx context.Context) (list []Account, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err = selectAccounts(ctx, tx)
		return err
	})
	return list, err
}

// Get returns the account of a name or ID. The error is fault.NotFound.
func (a *Accounts) Get(ctx context.Context, name string) (account Account, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		account, err = account1(ctx, tx, name)
		return err
	})
	return account, err
}

// account1 is the account of a name or ID.
func account1(ctx context.Context, tx *store.Tx, word string) (Account, error) {
	account, ok, err := selectAccount(ctx, tx, word)
	if err == nil && !ok {
		err = fmt.Errorf("no account has the name %q: %w", word, fault.NotFound)
	}
	return account, err
}

// Change is what to change of an account; what is nil stays.
type Change struct {
	Role     *Role   `json:"role"`
	Disabled *bool   `json:"disabled"`
	Display  *string `json:"display"`
	Mail     *string `json:"mail"`
	Phone    *string `json:"phone"`
}

// Change changes an account and returns it. A person who is disabled is signed
// out at once, and a role counts from the next request on. The error is
// fault.NotFound, fault.Invalid, or fault.Conflict when nobody would be left to
// administrate.
func (a *Accounts) Change(ctx context.Context, name string, c Change) (account Account, err error) {
	err = a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := account1(ctx, tx, name)
		if err != nil {
			return err
		}
		if account, err = c.apply(before, a.now()); err != nil {
			return err
		}
		if err := updateAccount(ctx, tx, account); err != nil {
			return err
		}
		if err := keepAdministrator(ctx, tx, before); err != nil {
			return err
		}
		if !account.Disabled.IsZero() {
			if err := deleteSessions(ctx, tx, account.ID, ""); err != nil {
				return err
			}
			if err := deleteLinks(ctx, tx, account.ID); err != nil {
				return err
			}
		}
		return a.record(ctx, tx, "account.change", before.subject(), before.shown(), account.shown())
	})
	return account, err
}

// apply returns the account as it is after the change.
func (c Change) apply(account Account, now time.Time) (Account, error) {
	if c.Role != nil {
		role, err := personRole(string(*c.Role))
		if err != nil {
			return account, err
		}
		account.Role = role
	}
	if c.Display != nil {
		account.Display = *c.Display
	}
	if c.Mail != nil {
		account.Mail = *c.Mail
	}
	if c.Phone != nil {
		account.Phone = *c.Phone
	}
	switch {
	case c.Disabled == nil || *c.Disabled == !account.Disabled.IsZero():
	case *c.Disabled:
		account.Disabled = now.UTC()
	default:
		account.Disabled = time.Time{}
	}
	return account, account.check()
}

// keepAdministrator refuses a change after which there is no administrator who
// can sign in, where there was one before.
func keepAdministrator(ctx context.Context, tx *store.Tx, before Account) error {
	if before.Role != Administrator || !before.Disabled.IsZero() {
		return nil
	}
	n, err := countAdministrators(ctx, tx)
	if err == nil && n == 0 {
		return fmt.Errorf("%s is the only administrator: make another first: %w", before.Name, fault.Conflict)
	}
	return err
}

// limits of what an account says.
const (
	maxDisplay = 120
	maxMail    = 254 // RFC 5321 §4.5.3.1.3, without the brackets
	maxPhone   = 60  // two numbers of 15 digits (ITU-T E.164) as people write them
)

// check says what is wrong with an account. The error is fault.Invalid.
func (o *Account) check() error {
	if err := checkName(o.Name); err != nil || o.Name == "" || o.Name != strings.ToLower(o.Name) {
		return fmt.Errorf("name %q: use up to %d of a-z, 0-9 and . _ - @ : %w", o.Name, maxName, fault.Invalid)
	}
	if !oneLine(o.Display, maxDisplay) {
		return fmt.Errorf("display name: use up to %d bytes on one line: %w", maxDisplay, fault.Invalid)
	}
	if local, domain, ok := strings.Cut(o.Mail, "@"); o.Mail != "" &&
		(!ok || local == "" || domain == "" || !oneLine(o.Mail, maxMail) || strings.ContainsAny(o.Mail, " <>,;\"")) {
		return fmt.Errorf("mail %q is no address, as ann@example.org: %w", o.Mail, fault.Invalid)
	}
	if len(o.Phone) > maxPhone || strings.Trim(o.Phone, "0123456789 +-()./*#,;x") != "" {
		return fmt.Errorf("phone %.80q: use up to %d of 0-9 and + - ( ) . / * # , ; x : %w", o.Phone, maxPhone, fault.Invalid)
	}
	_, err := personRole(string(o.Role))
	return err
}

// oneLine says whether a text can be shown in a line.
func oneLine(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

func (o *Account) subject() audit.Subject { return audit.Subject{Kind: "account", ID: o.ID} }

// shown is what the audit trail keeps of an account.
func (o *Account) shown() map[string]any {
	return map[string]any{"name": o.Name, "display": o.Display, "mail": o.Mail, "phone": o.Phone, "role": o.Role, "disabled": !o.Disabled.IsZero()}
}

// greeting is how a person is called.
func (o *Account) greeting() string {
	if o.Display != "" {
		return o.Display
	}
	return o.Name
}
