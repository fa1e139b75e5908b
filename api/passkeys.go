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
	return write(w, r, http.StatusOK, ask)
}

func (a *api) signInByPasskey(w http.ResponseWriter, r *http.Request) error {
	if a.Passkeys == nil {
		return errNoPasskeys()
	}
	var credential json.RawMessage
	if err := readBody(r, &credential); err != nil {
		return err
	}
	signed, err := a.Passkeys.FinishSignIn(r.Context(), a.Accounts.StepOf(r), credential, client(r))
	return a.letIn(w, r, signed, err)
}

func (a *api) listPasskeys(r *http.Request) ([]people.Passkey, error) {
	who, err := a.passkeyOwner(r)
	if err != nil {
		return nil, err
	}
	list, err := a.Passkeys.List(r.Context(), who.ID)
	return listed(list), err
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
	return write(w, r, http.StatusOK, ask)
}

// NewPasskey is a passkey as a browser made it.
type NewPasskey struct {
	Name       string          `json:"name"`
	Credential json.RawMessage `json:"credential"`
}

func (a *api) addPasskey(r *http.Request, in *NewPasskey) (people.Passkey, error) {
	who, err := a.passkeyOwner(r)
	if err != nil {
		return people.Passkey{}, err
	}
	return a.Passkeys.FinishAdd(r.Context(), who, a.Accounts.StepOf(r), in.Name, in.Credential)
}

func (a *api) removePasskey(r *http.Request) (nothing, error) {
	who, err := a.passkeyOwner(r)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, a.Passkeys.Remove(r.Context(), who, r.PathValue("id"))
}
