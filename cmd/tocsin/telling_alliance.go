package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
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

// tellRefusal tells people of a message that was refused: of one neighbour and reason
// once an hour, since one that is out of order sends many.
func (r *running) tellRefusal(ctx context.Context, tx *store.Tx, n *link.Notice) error {
	r.log.Warn("a message was refused", slog.String("room", "alliance"), slog.String("neighbour", string(n.Neighbour)), slog.String("kind", n.Kind),
		slog.String("reason", string(n.Reason)), slog.String("detail", n.Detail))
	name, err := r.nameOf(ctx, tx, n.Neighbour)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%t/%d", n.Neighbour, n.Reason, n.Kind == "", time.Now().Unix()/int64(time.Hour/time.Second)))
	m := notify.Message{
		ID: "refusal-" + hex.EncodeToString(sum[:16]), Event: "link.refused", About: "member " + string(n.Neighbour), To: []notify.Address{notify.To(toDuty, "")},
		Title: fmt.Sprintf("A message of %s was refused: %s", name, strings.ReplaceAll(string(n.Reason), "_", " ")),
		Text: fmt.Sprintf("%s\n\nOthers of %s for the same reason within the hour are not told one by one: 'tocsin link show %s' counts them.\n",
			n.Detail, name, n.Neighbour),
	}
	switch n.Reason {
	case envelope.Forked:
		m.To = append(m.To, notify.To(toRole, string(people.Commander)))
		m.Text += fmt.Sprintf("\nTwo histories of its keys are there: one of its keys is in strange hands. Call it, and compare fingerprints; then:\n'tocsin member distrust FINGERPRINT --why …', or 'tocsin member suspend %s --reason …'.\n", n.Neighbour)
	case envelope.RevokedKey, envelope.DistrustedKey:
		m.To = append(m.To, notify.To(toRole, string(people.Commander)))
	}
	_, err = r.telling.Post(ctx, tx, m)
	return err
}
