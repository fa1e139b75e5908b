package api

import (
	"context"
	"net/http"

	"tocsin/people"
)

func (a *api) accountPage(w http.ResponseWriter, r *http.Request) error {
	return a.showAccount(w, r, http.StatusOK, "")
}

func (a *api) showAccount(w http.ResponseWriter, r *http.Request, status int, refused string) error {
	who, err := account(r)
	if err != nil {
		return err
	}
	v := view{Title: "Your account", Refused: refused, Session: who.Session, Passkeys: a.Passkeys != nil}
	if v.Account, err = a.Accounts.Get(r.Context(), who.ID); err != nil {
		return err
	}
	if v.Sessions, err = a.Accounts.Sessions(r.Context(), who.ID); err != nil {
		return err
	}
	if a.Passkeys != nil {
		if v.Keys, err = a.Passkeys.List(r.Context(), who.ID); err != nil {
			return err
		}
	}
	return a.show(w, "account", status, v)
}

// keep does what a form of the account's page asks for, and shows that again.
func (a *api) keep(w http.ResponseWriter, r *http.Request, do func(context.Context, people.Identity) error) error {
	who, err := account(r)
	if err == nil {
		err = do(r.Context(), who)
	}
	if err != nil {
		text, status := a.said(w, err)
		return a.showAccount(w, r, status, text)
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
	return nil
}

func (a *api) passwordForm(w http.ResponseWriter, r *http.Request) error {
	form, err := formOf(r)
	if err != nil {
		return err
	}
	if form.Get("password") != form.Get("again") {
		return a.showAccount(w, r, http.StatusUnprocessableEntity, "The two passwords differ.")
	}
	return a.keep(w, r, func(ctx context.Context, who people.Identity) error {
		return a.Accounts.ChangePassword(ctx, who, form.Get("before"), form.Get("password"))
	})
}

func (a *api) endSessionForm(w http.ResponseWriter, r *http.Request) error {
	return a.keep(w, r, func(ctx context.Context, who people.Identity) error {
		return a.Accounts.EndSession(ctx, who.ID, r.PathValue("id"))
	})
}

func (a *api) removePasskeyForm(w http.ResponseWriter, r *http.Request) error {
	if a.Passkeys == nil {
		return errNoPasskeys()
	}
	return a.keep(w, r, func(ctx context.Context, who people.Identity) error {
		return a.Passkeys.Remove(ctx, who, r.PathValue("id"))
	})
}
