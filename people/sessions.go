package people

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Session is the time between a sign-in and a sign-out, as its owner and the
// administrator see it. What the browser shows is not in it: only a hash of that
// is kept.
//
// Sessions are rows of ours and not values under a key in a session library:
// they are listed by account, joined with the role in force, and ended with what
// ends them in one transaction, none of which a key and a value can do.
type Session struct {
	ID      string    `json:"id"`
	Account string    `json:"account"` // its ID
	By      Way       `json:"by"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"` // to the minute
	Expires time.Time `json:"expires"`
	Address string    `json:"address"` // where it began
	Agent   string    `json:"agent"`
}

// sessionPrefix marks the secret of a session, for scanners of leaked secrets.
const sessionPrefix = "tocsinsession_"

// limits of sessions.
const (
	maxSessions = 50 // of one account; the oldest ends when there is one more
	maxAgent    = 200
	// seenEvery is how coarsely it is kept when a session was last used.
	seenEvery = time.Minute
	// just is how long ago a sign-in may be for what a stolen session must not
	// be enough for.
	just = 15 * time.Minute
)

// start begins a session.
func (a *Accounts) start(ctx context.Context, tx *store.Tx, account Account, by Way, from Client) (SignedIn, error) {
	now := a.now().UTC()
	secret := newSecret(sessionPrefix)
	sum := hashOf(secret)
	s := Session{
		ID: sum.id(), Account: account.ID, By: by, Created: now, Seen: now, Expires: now.Add(a.config.Longest),
		Address: from.Address, Agent: clean(from.Agent, maxAgent),
	}
	if err := deleteStaleSessions(ctx, tx, now, now.Add(-a.config.Idle)); err != nil {
		return SignedIn{}, err
	}
	if err := deleteOldestSessions(ctx, tx, account.ID, maxSessions-1); err != nil {
		return SignedIn{}, err
	}
	if err := insertSession(ctx, tx, sum.String(), s); err != nil {
		return SignedIn{}, err
	}
	account.SignedIn = now
	if err := updateSignedIn(ctx, tx, account.ID, now); err != nil {
		return SignedIn{}, err
	}
	ctx = With(ctx, Identity{Kind: KindAccount, ID: account.ID, Name: account.Name, Role: account.Role, Address: from.Address})
	err := a.record(ctx, tx, "session.begin", account.subject(), nil, map[string]any{"session": s.ID, "by": by})
	return SignedIn{Account: account, Secret: secret, Expires: s.Expires}, err
}

// clean makes of what a stranger sent a text that can be shown in a line.
func clean(text string, most int) string {
	text = strings.ToValidUTF8(text, "")
	text = strings.Map(func(r rune) rune {
		if oneLine(string(r), most) {
			return r
		}
		return -1
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// Check says whose session a secret is. The error is ErrUnknown.
func (a *Accounts) Check(ctx context.Context, secret string) (who Identity, err error) {
	if !wellFormed(sessionPrefix, secret) {
		return who, fmt.Errorf("%w: this is no session", ErrUnknown)
	}
	var s Session
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		var account Account
		var ok bool
		if s, account, ok, err = selectSession(ctx, tx, hashOf(secret).String()); err != nil {
			return err
		}
		now := a.now()
		if !ok || !account.Disabled.IsZero() || !now.Before(s.Expires) || now.Sub(s.Seen) >= a.config.Idle {
			return fmt.Errorf("%w: the session has ended: sign in", ErrUnknown)
		}
		who = Identity{Kind: KindAccount, ID: account.ID, Name: account.Name, Role: account.Role, Session: s.ID}
		return nil
	})
	if now := a.now().UTC(); err == nil && now.Sub(s.Seen) >= seenEvery {
		err = a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return updateSeen(ctx, tx, who.ID, s.ID, now) })
	}
	return who, err
}

// JustSignedIn is nil when the session that somebody asks in began a moment
// ago; else it is fault.Forbidden. It guards what a stolen session must not be
// enough for: to add another way to sign in.
func (a *Accounts) JustSignedIn(ctx context.Context, who Identity) error {
	list, err := a.Sessions(ctx, who.ID)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.ID == who.Session && a.now().Sub(s.Created) < just {
			return nil
		}
	}
	return fmt.Errorf("this needs a sign-in of the last %d minutes: sign in again: %w", just/time.Minute, fault.Forbidden)
}

// Sessions returns an account's sessions that are in force, newest first.
func (a *Accounts) Sessions(ctx context.Context, account string) (list []Session, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		now := a.now().UTC()
		list, err = selectSessions(ctx, tx, account, now, now.Add(-a.config.Idle))
		return err
	})
	return list, err
}

// EndSession ends one session of an account. The error is fault.NotFound.
func (a *Accounts) EndSession(ctx context.Context, account, id string) error {
	return a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		owner, err := account1(ctx, tx, account)
		if err != nil {
			return err
		}
		found, err := deleteSession(ctx, tx, owner.ID, id)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("%s has no session %q: %w", owner.Name, id, fault.NotFound)
		}
		return a.record(ctx, tx, "session.end", owner.subject(), map[string]any{"session": id}, nil)
	})
}

// EndSessions ends all sessions of an account.
func (a *Accounts) EndSessions(ctx context.Context, account string) error {
	return a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		owner, err := account1(ctx, tx, account)
		if err != nil {
			return err
		}
		if err := deleteSessions(ctx, tx, owner.ID, ""); err != nil {
			return err
		}
		return a.record(ctx, tx, "session.end", owner.subject(), map[string]any{"session": "all"}, nil)
	})
}

// cookieName is the name of the session's cookie. The prefix makes browsers
// refuse one that another host, or somebody on the way, has set (RFC 6265bis
// §4.1.3.2); without TLS there can be none.
func (a *Accounts) cookieName() string {
	if a.config.Secure {
		return "__Host-tocsin"
	}
	return SessionCookie
}

// SessionCookie is the cookie of a session; over TLS "__Host-" stands before it.
const SessionCookie = "tocsin"

// cookie returns the session that a request shows; "" is none.
func (a *Accounts) cookie(r *http.Request) string {
	c, err := r.Cookie(a.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

// Remember tells a browser to show a session from now on. Whatever session it
// showed before is ended: what was known of it before the sign-in is of no use
// after it.
func (a *Accounts) Remember(w http.ResponseWriter, r *http.Request, signed SignedIn) error {
	if before := From(r.Context()); before.Session != "" {
		if err := a.EndSession(r.Context(), before.ID, before.Session); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	http.SetCookie(w, a.baked(signed.Secret, int(signed.Expires.Sub(a.now())/time.Second)))
	return nil
}

// Forget tells a browser to show no session any more.
func (a *Accounts) Forget(w http.ResponseWriter) { http.SetCookie(w, a.baked("", -1)) }

// baked is the session's cookie. Lax, since a person who follows a link in a
// mail is signed in; requests from other sites that change something are
// refused as such (http.CrossOriginProtection).
func (a *Accounts) baked(value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: a.cookieName(), Value: value, Path: "/", MaxAge: seconds,
		Secure: a.config.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
