package api

import (
	"fmt"
	"net/http"
	"time"

	"tocsin/internal/fault"
	"tocsin/people"
)

func (a *api) listTokens(r *http.Request) ([]people.Token, error) {
	list, err := a.Tokens.List(r.Context())
	return listed(list), err
}

// NewToken is a token to be made.
type NewToken struct {
	Name string      `json:"name"`
	Role people.Role `json:"role"`
	// Expires is how long it is good for, as Go writes durations ("720h"); empty is
	// for ever.
	Expires string `json:"expires,omitempty"`
}

// MadeToken is a token whose secret is told this once.
type MadeToken struct {
	Token  people.Token `json:"token"`
	Secret string       `json:"secret"`
}

func (a *api) createToken(r *http.Request, in *NewToken) (MadeToken, error) {
	var lasts time.Duration
	if in.Expires != "" {
		var err error
		if lasts, err = time.ParseDuration(in.Expires); err != nil || lasts <= 0 {
			return MadeToken{}, fmt.Errorf("expires %q: write 720h: %w", in.Expires, fault.Invalid)
		}
	}
	secret, token, err := a.Tokens.Create(r.Context(), in.Name, in.Role, lasts)
	return MadeToken{token, secret}, err
}

func (a *api) revokeToken(r *http.Request) (people.Token, error) {
	return a.Tokens.Revoke(r.Context(), r.PathValue("id"))
}
