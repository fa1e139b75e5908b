package aid

import (
	"context"
	"encoding/json"
	"fmt"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const requestColumns = `author, id, marking, scope, hidden, through, incident, state, reason, by_name, at, until, body`

func scanRequest(row store.Row) (r Request, err error) {
	var marking, scope, body string
	if err := row.Scan(&r.Author, &r.ID, &marking, &scope, &r.Anonymous, &r.Through, &r.Incident, &r.State, &r.Reason, &r.By,
		store.IntoTime(&r.At), store.IntoTime(&r.Until), &body); err != nil {
		return r, err
	}
	if err := r.Marking.UnmarshalText([]byte(marking)); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(scope), &r.Scope); err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(body), &r.Help)
}

func insertRequest(ctx context.Context, tx *store.Tx, r *Request) error {
	scope, err := json.Marshal(r.Scope)
	if err != nil {
		return err
	}
	body, err := json.Marshal(&r.Help)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO aid_request (`+requestColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		string(r.Author), r.ID, r.Marking.String(), string(scope), r.Anonymous, string(r.Through), r.Incident, string(r.State), r.Reason, r.By,
		store.At(r.At), store.At(r.Until), string(body))
	return err
}

func updateRequest(ctx context.Context, tx *store.Tx, r *Request) error {
	_, err := tx.Exec(ctx, `UPDATE aid_request SET state = $3, reason = $4 WHERE author = $1 AND id = $2`, string(r.Author), r.ID, string(r.State), r.Reason)
	return err
}

func selectRequestOf(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) (Request, error) {
	return store.One(ctx, tx, scanRequest, `SELECT `+requestColumns+` FROM aid_request WHERE author = $1 AND id = $2`, string(author), id)
}

// selectRequest finds a request by its ID; ours before others'.
func selectRequest(ctx context.Context, tx *store.Tx, id string, self alliance.NodeID) (Request, error) {
	all, err := store.All(ctx, tx, scanRequest, `SELECT `+requestColumns+` FROM aid_request WHERE id = $1 LIMIT 3`, id)
	if err != nil {
		return Request{}, err
	}
	return one(all, "request", id, func(r *Request) bool { return r.Author == self })
}

// one is the only one of those found, or ours.
func one[T any](all []T, what, id string, ours func(*T) bool) (none T, err error) {
	for k := range all {
		if ours(&all[k]) {
			return all[k], nil
		}
	}
	switch len(all) {
	case 0:
		return none, fmt.Errorf("%s %.40q: %w", what, id, fault.NotFound)
	case 1:
		return all[0], nil
	default:
		return none, fmt.Errorf("several nodes call something %s %.40q: %w", what, id, fault.Conflict)
	}
}

func selectRequests(ctx context.Context, tx *store.Tx, before string, most int) ([]Request, error) {
	return store.All(ctx, tx, scanRequest, `SELECT `+requestColumns+` FROM aid_request WHERE $1 = '' OR id < $1 ORDER BY id DESC, author LIMIT $2`, before, most)
}

const offerColumns = `author, id, request, request_author, name, state, by_name, at, decided, decision, body`

func scanOffer(row store.Row) (o Offered, err error) {
	var decision, body string
	if err := row.Scan(&o.Author, &o.ID, &o.Request, &o.requester, &o.Name, &o.State, &o.By, store.IntoTime(&o.At), store.IntoTime(&o.Decided),
		&decision, &body); err != nil {
		return o, err
	}
	if decision != "" {
		o.Decision = &alliance.Decision{}
		if err := json.Unmarshal([]byte(decision), o.Decision); err != nil {
			return o, err
		}
	}
	return o, json.Unmarshal([]byte(body), &o.Offer)
}

func insertOffer(ctx context.Context, tx *store.Tx, o *Offered) error {
	body, err := json.Marshal(&o.Offer)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO aid_offer (`+offerColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		string(o.Author), o.ID, o.Request, string(o.requester), o.Name, string(o.State), o.By, store.At(o.At), store.At(o.Decided), "", string(body))
	return err
}

func updateOffer(ctx context.Context, tx *store.Tx, o *Offered) error {
	decision := ""
	if o.Decision != nil {
		text, err := json.Marshal(o.Decision)
		if err != nil {
			return err
		}
		decision = string(text)
	}
	_, err := tx.Exec(ctx, `UPDATE aid_offer SET state = $3, decided = $4, decision = $5 WHERE author = $1 AND id = $2`,
		string(o.Author), o.ID, string(o.State), store.At(o.Decided), decision)
	return err
}

func selectOfferOf(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) (Offered, error) {
	return store.One(ctx, tx, scanOffer, `SELECT `+offerColumns+` FROM aid_offer WHERE author = $1 AND id = $2`, string(author), id)
}

func selectOffer(ctx context.Context, tx *store.Tx, id string, self alliance.NodeID) (Offered, error) {
	all, err := store.All(ctx, tx, scanOffer, `SELECT `+offerColumns+` FROM aid_offer WHERE id = $1 LIMIT 3`, id)
	if err != nil {
		return Offered{}, err
	}
	return one(all, "offer", id, func(o *Offered) bool { return o.Author == self })
}

// maxOffers bounds how many offers to one request are kept and shown.
const maxOffers = 1000

func selectOffers(ctx context.Context, tx *store.Tx, author alliance.NodeID, request string) ([]Offered, error) {
	return store.All(ctx, tx, scanOffer, `SELECT `+offerColumns+` FROM aid_offer WHERE request = $1 AND request_author = $2 ORDER BY id, author LIMIT $3`,
		request, string(author), maxOffers)
}

// lapseOffers ends the open offers to a request.
func lapseOffers(ctx context.Context, tx *store.Tx, author alliance.NodeID, request string) error {
	_, err := tx.Exec(ctx, `UPDATE aid_offer SET state = $3 WHERE request = $1 AND request_author = $2 AND state = $4`,
		request, string(author), string(Lapsed), string(Open))
	return err
}
