package api

import (
	"fmt"
	"net/http"
	"time"

	"tocsin/internal/fault"
	"tocsin/people"
)

func (a *api) listTokens(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Tokens.List(r.Context())
	if err != nil {
		return err
	}
	return answer(w, listed(list))
}

// createToken makes a token, whose secret is told this once. Expires is how
// long it is good for, as Go writes durations ("720h"); "" is for ever.
func (a *api) createToken(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Name    string
		Role    people.Role
		Expires string
	}
	if err := decode(w, r, &asked); err != nil {
		return err
	}
	var lasts time.Duration
	if asked.Expires != "" {
		var err error
		if lasts, err = time.ParseDuration(asked.Expires); err != nil || lasts <= 0 {
			return fmt.Errorf("expires %q: write 720h: %w", asked.Expires, fault.Invalid)
		}
	}
	secret, token, err := a.Tokens.Create(r.Context(), asked.Name, asked.Role, lasts)
	if err != nil {
		return err
	}
	return created(w, struct {
		Token  people.Token `json:"token"`
		Secret string       `json:"secret"`
	}{token, secret})
}

func (a *api) revokeToken(w http.ResponseWriter, r *http.Request) error {
	token, err := a.Tokens.Revoke(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, token)
}
