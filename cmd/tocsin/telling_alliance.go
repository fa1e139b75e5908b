package main

import (
	"context"
	"encoding/json"
	"fmt"

	"tocsin/alliance/member"
	"tocsin/internal/notify"
	"tocsin/internal/store"
	"tocsin/people"
)

// member posts what happened about a neighbour to those who decide about members.
func (t *telling) member(ctx context.Context, tx *store.Tx, n *member.Notice) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	words := map[string]string{
		"request": "asks to join", "admitted": "is a member now", "refused": "was refused", "suspended": "is suspended", "expelled": "was expelled",
		"left": "has left", "loop": "would be above itself",
	}[n.Kind]
	if words == "" {
		words = n.Kind
	}
	text := fmt.Sprintf("%s (node %s, fingerprint %s) %s.", n.Name, n.Member, n.Member.Fingerprint(), words)
	if n.Reason != "" {
		text += "\n\n" + n.Reason
	}
	if n.Kind == "request" {
		text += "\n\nCompare the fingerprint by telephone, then: tocsin member approve " + string(n.Member)
	}
	_, err = t.Post(ctx, tx, notify.Message{
		Event: "member." + n.Kind, About: "member " + string(n.Member), Title: n.Name + " " + words, Text: text, Data: data,
		To: []notify.Address{notify.To(toRole, string(people.Commander))},
	})
	return err
}
