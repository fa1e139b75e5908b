package api

import (
	"net/http"
	"time"

	"tocsin/people"
)

// signedIn is what a browser is told of a session; its secret is in the cookie
// and nowhere else.
type signedIn struct {
	Account people.Account `json:"account"`
	Expires time.Time      `json:"expires"`
}

func (a *api) signIn(w http.ResponseWriter, r *http.Request) error {
	var asked struct{ Name, Password string }
	if err := decode(w, r, &asked); err != nil {
		return err
	}
	signed, err := a.Accounts.SignIn(r.Context(), asked.Name, asked.Password, client(r))
	return a.letIn(w, r, signed, err)
}

// letIn tells a browser its session, once somebody signed in.
func (a *api) letIn(w http.ResponseWriter, r *http.Request, signed people.SignedIn, err error) error {
	if err != nil {
		return err
	}
	if err := a.Accounts.Remember(w, r, signed); err != nil {
		return err
	}
	return created(w, signedIn{signed.Account, signed.Expires})
}

// whoAmI tells a person, or who bears a token, what the node takes them for.
func (a *api) whoAmI(w http.ResponseWriter, r *http.Request) error {
	who := people.From(r.Context())
	rights := []people.Right{}
	for _, right := range people.Rights() {
		if who.Role.May(right) {
			rights = append(rights, right)
		}
	}
	return answer(w, struct {
		Kind    people.Kind    `json:"kind"`
		ID      string         `json:"id"`
		Name    string         `json:"name"`
		Role    people.Role    `json:"role"`
		Session string         `json:"session,omitempty"`
		Rights  []people.Right `json:"rights"`
	}{who.Kind, who.ID, who.Name, who.Role, who.Session, rights})
}

func (a *api) signOut(w http.ResponseWriter, r *http.Request) error {
	who, err := account(r)
	if err != nil {
		return err
	}
	if err := a.Accounts.EndSession(r.Context(), who.ID, who.Session); err != nil {
		return err
	}
	a.Accounts.Forget(w)
	return done(w)
}

// readLink tells what a one-time link is for, before it is used.
func (a *api) readLink(w http.ResponseWriter, r *http.Request) error {
	link, err := a.Accounts.Link(r.Context(), r.PathValue("secret"))
	if err != nil {
		return err
	}
	return answer(w, link)
}

func (a *api) useLink(w http.ResponseWriter, r *http.Request) error {
	var entry people.Entry
	if err := decode(w, r, &entry); err != nil {
		return err
	}
	signed, err := a.Accounts.UseLink(r.Context(), r.PathValue("secret"), entry, client(r))
	return a.letIn(w, r, signed, err)
}

// ownAccount tells a person their account, and their sessions.
func (a *api) ownAccount(w http.ResponseWriter, r *http.Request) error {
	who, err := account(r)
	if err != nil {
		return err
	}
	own, err := a.Accounts.Get(r.Context(), who.ID)
	if err != nil {
		return err
	}
	return answer(w, own)
}

func (a *api) changePassword(w http.ResponseWriter, r *http.Request) error {
	who, err := account(r)
	if err != nil {
		return err
	}
	var asked struct{ Before, Password string }
	if err := decode(w, r, &asked); err != nil {
		return err
	}
	if err := a.Accounts.ChangePassword(r.Context(), who, asked.Before, asked.Password); err != nil {
		return err
	}
	return done(w)
}

func (a *api) ownSessions(w http.ResponseWriter, r *http.Request) error {
	who, err := account(r)
	if err != nil {
		return err
	}
	return a.tellSessions(w, r, who.ID)
}

func (a *api) tellSessions(w http.ResponseWriter, r *http.Request, account string) error {
	list, err := a.Accounts.Sessions(r.Context(), account)
	if err != nil {
		return err
	}
	return answer(w, listed(list))
}

// listed is a list as JSON tells it: never null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (a *api) endOwnSession(w http.ResponseWriter, r *http.Request) error {
	who, err := account(r)
	if err != nil {
		return err
	}
	if err := a.Accounts.EndSession(r.Context(), who.ID, r.PathValue("id")); err != nil {
		return err
	}
	return done(w)
}
