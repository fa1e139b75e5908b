package api

import (
	"net/http"

	"tocsin/people"
)

// Invited is an account with the link by which its person comes in.
type Invited struct {
	Account people.Account `json:"account"`
	// Link is a path below the node's address. Whoever has it may use it once.
	Link string `json:"link"`
}

// LinkPath is where a one-time link leads, below the node's address.
func LinkPath(secret string) string { return "/link/" + secret }

func (a *api) listPeople(r *http.Request) ([]people.Account, error) {
	list, err := a.Accounts.List(r.Context())
	return listed(list), err
}

func (a *api) readPerson(r *http.Request) (people.Account, error) {
	return a.Accounts.Get(r.Context(), r.PathValue("name"))
}

// NewPerson is somebody to be invited.
type NewPerson struct {
	Name    string      `json:"name"`
	Display string      `json:"display,omitempty"`
	Mail    string      `json:"mail,omitempty"`
	Phone   string      `json:"phone,omitempty"`
	Role    people.Role `json:"role"`
}

func (a *api) invitePerson(r *http.Request, in *NewPerson) (Invited, error) {
	asked := people.Account{Name: in.Name, Display: in.Display, Mail: in.Mail, Phone: in.Phone, Role: in.Role}
	secret, person, err := a.Accounts.Invite(r.Context(), asked)
	return Invited{person, LinkPath(secret)}, err
}

func (a *api) changePerson(r *http.Request, change *people.Change) (people.Account, error) {
	return a.Accounts.Change(r.Context(), r.PathValue("name"), *change)
}

func (a *api) resetPerson(r *http.Request) (Invited, error) {
	secret, err := a.Accounts.Reset(r.Context(), r.PathValue("name"))
	if err != nil {
		return Invited{}, err
	}
	person, err := a.Accounts.Get(r.Context(), r.PathValue("name"))
	return Invited{person, LinkPath(secret)}, err
}

func (a *api) listSessions(r *http.Request) ([]people.Session, error) {
	person, err := a.Accounts.Get(r.Context(), r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	list, err := a.Accounts.Sessions(r.Context(), person.ID)
	return listed(list), err
}

func (a *api) endSession(r *http.Request) (nothing, error) {
	return nothing{}, a.Accounts.EndSession(r.Context(), r.PathValue("name"), r.PathValue("id"))
}

func (a *api) endSessions(r *http.Request) (nothing, error) {
	return nothing{}, a.Accounts.EndSessions(r.Context(), r.PathValue("name"))
}
