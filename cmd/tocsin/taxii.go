package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tocsin/exchange/collection"
	"tocsin/exchange/taxii"
	"tocsin/intel"
	"tocsin/people"
)

// shared is the collection that a node has from the start. Its ID is the same at
// every node: collections are told apart by their server's address.
var shared = collection.Definition{
	ID: "5c0d2f1e-7a64-4d0b-9f3a-2b8e6d41c7a9", Root: "default", Alias: "shared", Title: "Shared by this node",
	Description: "What this node shares, each object to whom its TLP marking allows.",
}

// taxii returns the node's TAXII server. Whoever may pull the feed may read, and
// whoever may change indicators may also add and delete; both show a token.
func (r *running) taxii(ctx context.Context) (http.Handler, error) {
	shelf := collection.New(r.people.db, time.Now)
	if err := shelf.Define(ctx, shared); err != nil {
		return nil, fmt.Errorf("make the shared collection: %w", err)
	}
	return taxii.NewServer(taxii.Config{Title: "Tocsin"}, func(q *http.Request) (taxii.View, error) {
		who, err := r.people.tokens.Allow(q.Context(), people.Credential(q.Header.Get("Authorization")), people.PullFeed)
		if err != nil {
			return nil, err
		}
		return shelf.View(collection.Viewer{Name: string(who.Kind) + " " + who.ID, Most: clearance(who.Role), May: func(string) (read, write bool) {
			return true, who.Role.May(people.ChangeIndicators)
		}}), nil
	}), nil
}

// clearance is the strictest marking that a role's token may see: a machine that
// only pulls is taken for one of the community, others for the organisation's own.
// TLP:RED is for persons, and no token is one.
func clearance(role people.Role) intel.Marking {
	if role == people.Feed {
		return intel.TLPGreen
	}
	return intel.TLPAmberStrict
}
