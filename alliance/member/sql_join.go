package member

import (
	"context"
	"encoding/json"
	"time"

	"tocsin/alliance"
	"tocsin/internal/store"
)

// maxListed bounds how many invitations, requests and applications are listed.
const maxListed = 1000

const invitationColumns = `id, hash, kind, sectors, regions, note, author, made, expires, used, used_by, withdrawn`

func scanInvitation(row store.Row) (i Invitation, err error) {
	var sectors, regions string
	var used, withdrawn time.Time
	if err := row.Scan(&i.ID, &i.hash, &i.Kind, &sectors, &regions, &i.Note, &i.By, store.IntoTime(&i.Made), store.IntoTime(&i.Expires), store.IntoTime(&used), &i.UsedBy,
		store.IntoTime(&withdrawn)); err != nil {
		return i, err
	}
	i.Used, i.Withdrawn = given(used), given(withdrawn)
	if err := json.Unmarshal([]byte(sectors), &i.Sectors); err != nil {
		return i, err
	}
	return i, json.Unmarshal([]byte(regions), &i.Regions)
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func insertInvitation(ctx context.Context, tx *store.Tx, i *Invitation) error {
	_, err := tx.Exec(ctx, `INSERT INTO member_invitation (`+invitationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, '', NULL)`,
		i.ID, i.hash, string(i.Kind), store.JSON(i.Sectors), store.JSON(i.Regions), i.Note, i.By, store.At(i.Made), store.At(i.Expires))
	return err
}

func countInvitations(ctx context.Context, tx *store.Tx, now time.Time) (int, error) {
	return store.One(ctx, tx, store.Value[int], `SELECT COUNT(*) FROM member_invitation WHERE used IS NULL AND withdrawn IS NULL AND expires > $1`, store.At(now))
}

func selectInvitations(ctx context.Context, tx *store.Tx) ([]Invitation, error) {
	return store.All(ctx, tx, scanInvitation, `SELECT `+invitationColumns+` FROM member_invitation ORDER BY id DESC LIMIT $1`, maxListed)
}

func selectInvitation(ctx context.Context, tx *store.Tx, id string) (Invitation, error) {
	return store.One(ctx, tx, scanInvitation, `SELECT `+invitationColumns+` FROM member_invitation WHERE id = $1`, id)
}

func selectInvitationByHash(ctx context.Context, tx *store.Tx, hash string) (Invitation, error) {
	return store.One(ctx, tx, scanInvitation, `SELECT `+invitationColumns+` FROM member_invitation WHERE hash = $1`, hash)
}

func withdrawInvitation(ctx context.Context, tx *store.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE member_invitation SET withdrawn = $2 WHERE id = $1`, id, store.At(at))
	return err
}

// useInvitation reports whether the caller is the one who used it.
func useInvitation(ctx context.Context, tx *store.Tx, id string, node alliance.NodeID, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE member_invitation SET used = $2, used_by = $3 WHERE id = $1 AND used IS NULL AND withdrawn IS NULL`, id, store.At(at), string(node))
	return n == 1, err
}

const requestColumns = `id, node, invitation, ticket, state, came_from, at, decided, decider, reason`

func scanRequest(row store.Row) (q Request, err error) {
	var decided time.Time
	err = row.Scan(&q.ID, &q.Node, &q.Invitation, &q.ticket, &q.State, &q.From, store.IntoTime(&q.At), store.IntoTime(&decided), &q.Decider, &q.Reason)
	q.Decided = given(decided)
	return q, err
}

func insertRequest(ctx context.Context, tx *store.Tx, q *Request) error {
	_, err := tx.Exec(ctx, `INSERT INTO member_request (`+requestColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, '', '')`,
		q.ID, string(q.Node), q.Invitation, q.ticket, string(q.State), q.From, store.At(q.At))
	return err
}

func selectRequestByTicket(ctx context.Context, tx *store.Tx, ticket string) (Request, error) {
	return store.One(ctx, tx, scanRequest, `SELECT `+requestColumns+` FROM member_request WHERE ticket = $1`, ticket)
}

func decideRequest(ctx context.Context, tx *store.Tx, id string, state State, by, reason string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE member_request SET state = $2, decided = $3, decider = $4, reason = $5 WHERE id = $1`, id, string(state), store.At(at), by, reason)
	return err
}

const applicationColumns = `id, hub, address, pin, private, secret, ticket, transport, listing, state, reason, made, changed`

func scanApplication(row store.Row) (a Application, err error) {
	return a, row.Scan(&a.ID, &a.Hub, &a.Address, &a.pin, &a.private, &a.secret, &a.ticket, &a.transport, &a.Listing, &a.State, &a.Reason,
		store.IntoTime(&a.Made), store.IntoTime(&a.Changed))
}

func insertApplication(ctx context.Context, tx *store.Tx, a *Application) error {
	if a.pin == nil {
		a.pin = []byte{}
	}
	_, err := tx.Exec(ctx, `INSERT INTO member_application (`+applicationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		a.ID, string(a.Hub), a.Address, a.pin, a.private, a.secret, a.ticket, a.transport, string(a.Listing), string(a.State), a.Reason, store.At(a.Made), store.At(a.Changed))
	return err
}

func updateApplication(ctx context.Context, tx *store.Tx, id string, state State, reason string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE member_application SET state = $2, reason = $3, changed = $4 WHERE id = $1`, id, string(state), reason, store.At(at))
	return err
}

// selectApplication returns the last one made to a hub.
func selectApplication(ctx context.Context, tx *store.Tx, hub alliance.NodeID) (Application, error) {
	return store.One(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM member_application WHERE hub = $1 ORDER BY id DESC LIMIT 1`, string(hub))
}

func selectApplicationBySecret(ctx context.Context, tx *store.Tx, secret string) (Application, error) {
	return store.One(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM member_application WHERE secret = $1`, secret)
}

func selectApplications(ctx context.Context, tx *store.Tx, state State) ([]Application, error) {
	return store.All(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM member_application WHERE state = $1 OR $1 = '' ORDER BY id DESC LIMIT $2`,
		string(state), maxListed)
}
