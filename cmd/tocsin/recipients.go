package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/people"
)

// recipients finds whom messages are for, among the accounts and by the roster.
type recipients struct {
	accounts *people.Accounts
	roster   *people.Roster
	now      func() time.Time
}

// The kinds of addresses, beside mail:ann@example.org.
const (
	toDuty    = "duty"    // whoever is on duty, at any post; duty:POST for one
	toRole    = "role"    // everybody who has the role
	toAccount = "account" // one person, by name or ID
)

// resolve returns who an address leads to now. Where nobody is on duty, or can be
// reached, it is the commanders, and without them the administrators; they are
// told why.
func (r recipients) resolve(ctx context.Context, to notify.Address) ([]notify.Recipient, error) {
	kind, value := to.Parts()
	switch kind {
	case toDuty:
		return r.onDuty(ctx, value)
	case toRole:
		role, err := people.ParseRole(value)
		if err != nil {
			return nil, err
		}
		if role == people.Commander {
			return r.commanders(ctx, "")
		}
		return r.withRole(ctx, role, "")
	case toAccount:
		account, err := r.accounts.Get(ctx, value)
		switch {
		case err != nil:
			return nil, err
		case !account.Disabled.IsZero():
			return nil, fmt.Errorf("account %s is disabled: %w", account.Name, fault.NotFound)
		case account.Mail == "":
			return nil, fmt.Errorf("account %s has no mail address: %w", account.Name, fault.NotFound)
		}
		return []notify.Recipient{recipient(account.Name, account.Display, account.Mail, "")}, nil
	}
	return nil, fmt.Errorf("address %q: write a mail address, %s, %s:POST, %s:ROLE or %s:NAME: %w", to, toDuty, toDuty, toRole, toAccount, fault.Invalid)
}

func (r recipients) onDuty(ctx context.Context, post string) ([]notify.Recipient, error) {
	duties, err := r.roster.OnDuty(ctx, r.now())
	if err != nil {
		return nil, err
	}
	var found []notify.Recipient
	var unreachable []string
	for i := range duties {
		d := &duties[i]
		switch {
		case post != "" && d.Post != post:
		case d.Mail == "":
			unreachable = append(unreachable, d.Name)
		default:
			found = append(found, recipient(d.Name, d.Display, d.Mail, ""))
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	at := ""
	if post != "" {
		at = fmt.Sprintf(" at the post %q", post)
	}
	if len(unreachable) > 0 {
		return r.commanders(ctx, fmt.Sprintf("Who is on duty%s has no mail address (%s), so this goes to the commanders.", at, strings.Join(unreachable, ", ")))
	}
	return r.commanders(ctx, fmt.Sprintf("Nobody is on duty%s, so this goes to the commanders.", at))
}

// commanders are who is left when nobody else can be told.
func (r recipients) commanders(ctx context.Context, note string) ([]notify.Recipient, error) {
	found, err := r.withRole(ctx, people.Commander, note)
	if err != nil || len(found) > 0 {
		return found, err
	}
	note = strings.TrimSpace(strings.Replace(note, ", so this goes to the commanders.", ".", 1) +
		" No commander has a mail address, so this goes to the administrators.")
	return r.withRole(ctx, people.Administrator, note)
}

func (r recipients) withRole(ctx context.Context, role people.Role, note string) ([]notify.Recipient, error) {
	accounts, err := r.accounts.List(ctx)
	if err != nil {
		return nil, err
	}
	var found []notify.Recipient
	for i := range accounts {
		a := &accounts[i]
		if a.Role == role && a.Disabled.IsZero() && a.Mail != "" &&
			!slices.ContainsFunc(found, func(r notify.Recipient) bool { return r.Mail == a.Mail }) {
			found = append(found, recipient(a.Name, a.Display, a.Mail, note))
		}
	}
	return found, nil
}

func recipient(name, display, mail, note string) notify.Recipient {
	return notify.Recipient{Name: called(name, display), Mail: mail, Note: note}
}
