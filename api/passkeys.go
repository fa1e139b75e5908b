package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"tocsin/internal/fault"
	"tocsin/people"
)

// errNoPasskeys says why there are none here.
func errNoPasskeys() error {
	return fmt.Errorf("this node takes no passkeys: browsers offer them only where it is reached by a name, over TLS or as localhost: %w", fault.NotFound)
}

// beginPasskey asks a browser for any passkey of this node.
func (a *api) beginPasskey(w http.ResponseWriter, r *http.Request) error {
	if a.Passkeys == nil {
		return errNoPasskeys()
	}
	ask, step, err := a.Passkeys.BeginSignIn(r.Context(), client(r))
	if err != nil {
		return err
	}
	a.Accounts.SetStep(w, step)
	return answer(w, ask)
}

func (a *api) signInByPasskey(w http.ResponseWriter, r *http.Request) error {
	if a.Passkeys == nil {
		return errNoPasskeys()
	}
	var credential json.RawMessage
	if err := decode(w, r, &credential); err != nil {
		return err
	}
	signed, err := a.Passkeys.FinishSignIn(r.Context(), a.Accounts.StepOf(r), credential, client(r))
	return a.letIn(w, r, signed, err)
}

func (a *api) listPasskeys(w http.ResponseWriter, r *http.Request) error {
	who, err := a.passkeyOwner(r)
	if err != nil {
		return err
	}
	list, err := a.Passkeys.List(r.Context(), who.ID)
	if err != nil {
		return err
	}
	return answer(w, listed(list))
}

// passkeyOwner is the person who asks, where there are passkeys.
func (a *api) passkeyOwner(r *http.Request) (people.Identity, error) {
	who, err := account(r)
	if err == nil && a.Passkeys == nil {
		err = errNoPasskeys()
	}
	return who, err
}

// beginAddPasskey asks a browser for a new passkey.
func (a *api) beginAddPasskey(w http.ResponseWriter, r *http.Request) error {
	who, err := a.passkeyOwner(r)
	if err != nil {
		return err
	}
	ask, step, err := a.Passkeys.BeginAdd(r.Context(), who)
	if err != nil {
		return err
	}
	a.Accounts.SetStep(w, step)
	return answer(w, ask)
}

func (a *api) addPasskey(w http.ResponseWriter, r *http.Request) error {
	who, err := a.passkeyOwner(r)
	if err != nil {
		return err
	}
	var asked struct {
		Name       string
		Credential json.RawMessage
	}
	if err := decode(w, r, &asked); err != nil {
		return err
	}
	key, err := a.Passkeys.FinishAdd(r.Context(), who, a.Accounts.StepOf(r), asked.Name, asked.Credential)
	if err != nil {
		return err
	}
	return created(w, key)
}

func (a *api) removePasskey(w http.ResponseWriter, r *http.Request) error {
	who, err := a.passkeyOwner(r)
	if err != nil {
		return err
	}
	if err := a.Passkeys.Remove(r.Context(), who, r.PathValue("id")); err != nil {
		return err
	}
	return done(w)
}
