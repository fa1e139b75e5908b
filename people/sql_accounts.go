package people

import (
	"context"
	"time"

	"tocsin/internal/store"
)

// accountColumns are read by scanAccount. The ways to sign in are told from
// what there is, so that they are never wrong.
const accountColumns = `a.id, a.name, a.display, a.mail, a.phone, a.role, a.password, a.created_at, a.disabled_at, a.signed_in_at,
	(SELECT count(*) FROM people_passkey k WHERE k.account = a.id),
	(SELECT count(*) FROM people_external e WHERE e.account = a.id)`

func scanAccount(row store.Row, more ...any) (Account, error) {
	var o Account
	var created, disabled, signedIn int64
	var passkeys, externals int
	err := row.Scan(append([]any{&o.ID, &o.Name, &o.Display, &o.Mail, &o.Phone, &o.Role, &o.password, &created, &disabled, &signedIn, &passkeys, &externals}, more...)...)
	o.Created, o.Disabled, o.SignedIn, o.Ways = moment(created), moment(disabled), moment(signedIn), []Way{}
	for _, w := range [...]struct {
		way Way
		has bool
	}{{WayPassword, o.password != ""}, {WayPasskey, passkeys > 0}, {WayProvider, externals > 0}} {
		if w.has {
			o.Ways = append(o.Ways, w.way)
		}
	}
	return o, err
}

func selectAccounts(ctx context.Context, tx *store.Tx) ([]Account, error) {
	return store.All(ctx, tx, func(row store.Row) (Account, error) { return scanAccount(row) },
		`SELECT `+accountColumns+` FROM people_account a ORDER BY a.name`)
}

// selectAccount finds an account by ID or name: an ID has capitals, a name has
// none.
func selectAccount(ctx context.Context, tx *store.Tx, word string) (Account, bool, error) {
	o, err := scanAccount(tx.QueryRow(ctx, `SELECT `+accountColumns+` FROM people_account a WHERE a.id = $1 OR a.name = $1`, word))
	return found(o, err)
}

func countAccounts(ctx context.Context, tx *store.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM people_account`).Scan(&n)
	return n, err
}

func countAdministrators(ctx context.Context, tx *store.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM people_account WHERE role = $1 AND disabled_at = 0`, string(Administrator)).Scan(&n)
	return n, err
}

// insertAccount says whether the name was free.
func insertAccount(ctx context.Context, tx *store.Tx, o Account) (bool, error) {
	return changed(tx.Exec(ctx, `INSERT INTO people_account (id, name, display, mail, phone, role, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING`,
		o.ID, o.Name, o.Display, o.Mail, o.Phone, string(o.Role), micros(o.Created)))
}

func updateAccount(ctx context.Context, tx *store.Tx, o Account) error {
	_, err := tx.Exec(ctx, `UPDATE people_account SET display = $2, mail = $3, phone = $4, role = $5, disabled_at = $6 WHERE id = $1`,
		o.ID, o.Display, o.Mail, o.Phone, string(o.Role), micros(o.Disabled))
	return err
}

func updatePassword(ctx context.Context, tx *store.Tx, id, hash string) error {
	_, err := tx.Exec(ctx, `UPDATE people_account SET password = $2 WHERE id = $1`, id, hash)
	return err
}

func updateSignedIn(ctx context.Context, tx *store.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE people_account SET signed_in_at = $2 WHERE id = $1`, id, micros(at))
	return err
}

// selectExternal returns the account of somebody at a provider, "" for none.
func selectExternal(ctx context.Context, tx *store.Tx, issuer, subject string) (id string, err error) {
	err = tx.QueryRow(ctx, `SELECT account FROM people_external WHERE issuer = $1 AND subject = $2`, issuer, subject).Scan(&id)
	id, _, err = found(id, err)
	return id, err
}

func insertExternal(ctx context.Context, tx *store.Tx, issuer, subject, account string) error {
	_, err := tx.Exec(ctx, `INSERT INTO people_external (issuer, subject, account) VALUES ($1, $2, $3)`, issuer, subject, account)
	return err
}

func insertLink(ctx context.Context, tx *store.Tx, hash string, link Link) error {
	_, err := tx.Exec(ctx, `INSERT INTO people_link (hash, purpose, account, expires_at) VALUES ($1, $2, $3, $4)`,
		hash, string(link.Purpose), link.Account, micros(link.Expires))
	return err
}

func selectLink(ctx context.Context, tx *store.Tx, hash string) (Link, bool, error) {
	var link Link
	var expires int64
	err := tx.QueryRow(ctx, `SELECT l.purpose, l.account, l.expires_at, coalesce(a.name, '')
		FROM people_link l LEFT JOIN people_account a ON a.id = l.account WHERE l.hash = $1`, hash).
		Scan(&link.Purpose, &link.Account, &expires, &link.Name)
	link.Expires = moment(expires)
	return found(link, err)
}

// deleteLink says whether there was one, which only one of many is told.
func deleteLink(ctx context.Context, tx *store.Tx, hash string) (bool, error) {
	return changed(tx.Exec(ctx, `DELETE FROM people_link WHERE hash = $1`, hash))
}

func deleteLinks(ctx context.Context, tx *store.Tx, account string) error {
	_, err := tx.Exec(ctx, `DELETE FROM people_link WHERE account = $1`, account)
	return err
}

func selectPasskeys(ctx context.Context, tx *store.Tx, account string) ([]Passkey, error) {
	return store.All(ctx, tx, func(row store.Row) (k Passkey, err error) {
		var created, used int64
		err = row.Scan(&k.ID, &k.account, &k.Name, &k.credential, &created, &used)
		k.Created, k.Used = moment(created), moment(used)
		return k, err
	}, `SELECT id, account, name, credential, created_at, used_at FROM people_passkey WHERE account = $1 ORDER BY created_at, id`, account)
}

// insertPasskey says whether it was new.
func insertPasskey(ctx context.Context, tx *store.Tx, k Passkey) (bool, error) {
	return changed(tx.Exec(ctx, `INSERT INTO people_passkey (id, account, name, credential, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`,
		k.ID, k.account, k.Name, k.credential, micros(k.Created)))
}

func updatePasskey(ctx context.Context, tx *store.Tx, id, credential string, used time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE people_passkey SET credential = $2, used_at = $3 WHERE id = $1`, id, credential, micros(used))
	return err
}

func deletePasskey(ctx context.Context, tx *store.Tx, account, id string) (bool, error) {
	return changed(tx.Exec(ctx, `DELETE FROM people_passkey WHERE account = $1 AND id = $2`, account, id))
}

func deletePasskeys(ctx context.Context, tx *store.Tx, account string) error {
	_, err := tx.Exec(ctx, `DELETE FROM people_passkey WHERE account = $1`, account)
	return err
}
