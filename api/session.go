package api

import (
	"net/http"
	"time"

	"tocsin/people"
)

// SignedIn is what a browser is told of a session; its secret is in the cookie
// and nowhere else.
type SignedIn struct {
	Account people.Account `json:"account"`
	Expires time.Time      `json:"expires"`
}

// Credentials are what a person signs in with.
type Credentials struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

func (a *api) signIn(w http.ResponseWriter, r *http.Request) error {
	var asked Credentials
	if err := readBody(r, &asked); err != nil {
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
	return write(w, r, http.StatusCreated, SignedIn{signed.Account, signed.Expires})
}

// Self is what the node takes somebody for who asks.
type Self struct {
	Kind    people.Kind    `json:"kind"`
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Role    people.Role    `json:"role"`
	Session string         `json:"session,omitempty"`
	Rights  []people.Right `json:"rights"`
}

// whoAmI tells a person, or who bears a token, what the node takes them for.
func (a *api) whoAmI(r *http.Request) (Self, error) {
	who := people.From(r.Context())
	rights := []people.Right{}
	for _, right := range people.Rights() {
		if who.Role.May(right) {
			rights = append(rights, right)
		}
	}
	return Self{who.Kind, who.ID, who.Name, who.Role, who.Session, rights}, nil
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
	return write(w, r, http.StatusOK, nothing{})
}

// readLink tells what a one-time link is for, before it is used.
func (a *api) readLink(r *http.Request) (people.Link, error) {
	return a.Accounts.Link(r.Context(), r.PathValue("secret"))
}

func (a *api) useLink(w http.ResponseWriter, r *http.Request) error {
	var entry people.Entry
	if err := readBody(r, &entry); err != nil {
		return err
	}
	signed, err := a.Accounts.UseLink(r.Context(), r.PathValue("secret"), entry, client(r))
	return a.letIn(w, r, signed, err)
}

// ownAccount tells a person their account.
func (a *api) ownAccount(r *http.Request) (people.Account, error) {
	who, err := account(r)
	if err != nil {
		return people.Account{}, err
	}
	return a.Accounts.Get(r.Context(), who.ID)
}

// NewPassword changes a password.
type NewPassword struct {
	Before   string `json:"before"`
	Password string `json:"password"`
}

func (a *api) changePassword(r *http.Request, in *NewPassword) (nothing, error) {
	who, err := account(r)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, a.Accounts.ChangePassword(r.Context(), who, in.Before, in.Password)
}

func (a *api) ownSessions(r *http.Request) ([]people.Session, error) {
	who, err := account(r)
	if err != nil {
		return nil, err
	}
	list, err := a.Accounts.Sessions(r.Context(), who.ID)
	return listed(list), err
}

// listed is a list as JSON tells it: never null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (a *api) endOwnSession(r *http.Request) (nothing, error) {
	who, err := account(r)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, a.Accounts.EndSession(r.Context(), who.ID, r.PathValue("id"))
}
