package api

import (
	"net/http"

	"tocsin/people"
)

// invited is an account with the link by which its person comes in.
type invited struct {
	Account people.Account `json:"account"`
	// Link is a path below the node's address. Whoever has it may use it once.
	Link string `json:"link"`
}

// LinkPath is where a one-time link leads, below the node's address.
func LinkPath(secret string) string { return "/link/" + secret }

func (a *api) listPeople(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Accounts.List(r.Context())
	if err != nil {
		return err
	}
	return answer(w, listed(list))
}

func (a *api) readPerson(w http.ResponseWriter, r *http.Request) error {
	person, err := a.Accounts.Get(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return answer(w, person)
}

func (a *api) invitePerson(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Name, Display, Mail, Phone string
		Role                       people.Role
	}
	if err := decode(w, r, &asked); err != nil {
		return err
	}
	secret, person, err := a.Accounts.Invite(r.Context(), people.Account{Name: asked.Name, Display: asked.Display, Mail: asked.Mail, Phone: asked.Phone, Role: asked.Role})
	if err != nil {
		return err
	}
	return created(w, invited{person, LinkPath(secret)})
}

func (a *api) changePerson(w http.ResponseWriter, r *http.Request) error {
	var change people.Change
	if err := decode(w, r, &change); err != nil {
		return err
	}
	person, err := a.Accounts.Change(r.Context(), r.PathValue("name"), change)
	if err != nil {
		return err
	}
	return answer(w, person)
}

func (a *api) resetPerson(w http.ResponseWriter, r *http.Request) error {
	secret, err := a.Accounts.Reset(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	person, err := a.Accounts.Get(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return created(w, invited{person, LinkPath(secret)})
}

func (a *api) listSessions(w http.ResponseWriter, r *http.Request) error {
	person, err := a.Accounts.Get(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return a.tellSessions(w, r, person.ID)
}

func (a *api) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := a.Accounts.EndSession(r.Context(), r.PathValue("name"), r.PathValue("id")); err != nil {
		return err
	}
	return done(w)
}

func (a *api) endSessions(w http.ResponseWriter, r *http.Request) error {
	if err := a.Accounts.EndSessions(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	return done(w)
}
