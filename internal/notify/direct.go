package notify

import (
	"context"
	"fmt"

	"tocsin/internal/fault"
)

// Finding is what Probe found out about a mail server or webhook.
type Finding struct {
	Channel Channel
	Name    string // the mail server's, or the webhook's
	Err     error  // nil when it can be reached, and lets us in
}

// Probe looks whether the mail server lets us in and the webhooks can be reached,
// without sending anything.
func (n *Notify) Probe(ctx context.Context) []Finding {
	var found []Finding
	if n.mail != nil {
		found = append(found, Finding{ByMail, n.mail.host, n.mail.probe(ctx)})
	}
	for _, w := range n.webhooks {
		found = append(found, Finding{ByWebhook, w.Name, w.probe(ctx)})
	}
	return found
}

// SendNow mails a message to an address at once, not through the database, and
// returns whom it went to: for who wants to see whether mail works. The error is
// the first recipient's that failed, fault.Invalid without a mail server.
func (n *Notify) SendNow(ctx context.Context, to Address, m Message) ([]Recipient, error) {
	now := n.config.Now()
	m.ID, m.To = n.ids.Next(now), []Address{to}
	m, err := m.clean()
	if err != nil {
		return nil, err
	}
	if n.mail == nil {
		return nil, fmt.Errorf("no mail server is configured, see mail.server: %w", fault.Invalid)
	}
	found, err := n.resolve(ctx, to)
	if err != nil {
		return nil, err
	}
	for i, one := range found {
		if err := n.mail.send(ctx, one, m, now); err != nil {
			return found[:i], fmt.Errorf("to %s: %w", one.Mail, err)
		}
	}
	return found, nil
}

// CallNow tells a webhook at once, as SendNow does. The error is fault.NotFound
// when none has the name.
func (n *Notify) CallNow(ctx context.Context, name string, m Message) error {
	w := n.webhook(name)
	if w == nil {
		return fmt.Errorf("no webhook is named %q in the configuration: %w", name, fault.NotFound)
	}
	now := n.config.Now()
	m.ID = n.ids.Next(now)
	m, err := m.clean()
	if err != nil {
		return err
	}
	return w.send(ctx, m, now, now).err
}
