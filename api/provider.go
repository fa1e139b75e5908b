package api

import (
	"fmt"
	"net/http"

	"tocsin/internal/fault"
)

// toProvider sends a browser to the provider to sign in there.
func (a *api) toProvider(w http.ResponseWriter, r *http.Request) error {
	if a.Provider == nil {
		return fmt.Errorf("this node has no sign-in provider: %w", fault.NotFound)
	}
	to, step, err := a.Provider.Begin(r.Context(), path(r.URL.Query().Get("next")), client(r))
	if err != nil {
		return a.refusedSignIn(w, err)
	}
	a.Accounts.SetStep(w, step)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// fromProvider takes a browser back.
func (a *api) fromProvider(w http.ResponseWriter, r *http.Request) error {
	if a.Provider == nil {
		return fmt.Errorf("this node has no sign-in provider: %w", fault.NotFound)
	}
	signed, next, err := a.Provider.Finish(r.Context(), a.Accounts.StepOf(r), r.URL.Query(), client(r))
	if err == nil {
		err = a.Accounts.Remember(w, r, signed)
	}
	if err != nil {
		return a.refusedSignIn(w, err)
	}
	http.Redirect(w, r, path(next), http.StatusSeeOther)
	return nil
}

func (a *api) refusedSignIn(w http.ResponseWriter, err error) error {
	text, status := a.said(w, err)
	return a.showSignIn(w, status, path(""), text)
}
