package people

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tocsin/internal/fault"
	"tocsin/internal/request"
)

// Gate holds requests to the table of rights, whether they show a token or
// come from a browser with a session.
type Gate struct {
	tokens   *Tokens
	accounts *Accounts
}

// NewGate returns the gate of a node.
func NewGate(tokens *Tokens, accounts *Accounts) *Gate { return &Gate{tokens, accounts} }

// Guard lets requests through that come from somebody whose role has the
// right; From tells the handler who it is. Others get 401 or 403, or 503 when
// nobody can be looked up, each with the reason (RFC 9457).
func (g *Gate) Guard(right Right, next http.Handler) http.Handler {
	return guard(g.identify, right, next)
}

// Guard is Gate.Guard for those who only ever show tokens.
func (t *Tokens) Guard(right Right, next http.Handler) http.Handler {
	return guard(t.identify, right, next)
}

// guard is the one place where requests over HTTP are held to the table.
func guard(identify func(*http.Request) (Identity, error), right Right, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := identify(r)
		if right == Public {
			err = nil // whom we do not know is nobody, who may be here too
		} else if err == nil {
			err = who.may(right)
		}
		if err != nil {
			refuse(w, r, err)
			return
		}
		who.Address = addressOf(r)
		next.ServeHTTP(w, r.WithContext(With(r.Context(), who)))
	})
}

// Require is nil when whoever a context's request is from has a right beside
// the one that Guard asked for, since what they ask needs more of them; else
// fault.Forbidden.
func Require(ctx context.Context, right Right) error { return From(ctx).may(right) }

// may is nil when the identity has the right; else fault.Forbidden.
func (who Identity) may(right Right) error {
	if who.Role.May(right) {
		return nil
	}
	if who.Kind == KindToken {
		return fmt.Errorf("token %s has the role %s, which may not %s: %w", who.ID, who.Role, right, fault.Forbidden)
	}
	return fmt.Errorf("%s has the role %s, which may not %s: %w", who.Name, who.Role, right, fault.Forbidden)
}

// identify says who shows a token, or has a session. Where a request does both,
// the token counts: it was given on purpose.
func (g *Gate) identify(r *http.Request) (Identity, error) {
	if r.Header.Get("Authorization") == "" {
		if secret := g.accounts.cookie(r); secret != "" {
			return g.accounts.Check(r.Context(), secret)
		}
	}
	return g.tokens.identify(r)
}

func (t *Tokens) identify(r *http.Request) (Identity, error) {
	return t.Check(r.Context(), Credential(r.Header.Get("Authorization")))
}

// SignInPath is the page at which browsers sign in.
const SignInPath = "/sign-in"

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrUnknown) && r.Header.Get("Sec-Fetch-Mode") == "navigate" { // a person, not a program
		to := SignInPath
		if r.Method == http.MethodGet {
			to += "?next=" + url.QueryEscape(r.URL.RequestURI())
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	status, detail := http.StatusForbidden, err.Error()
	switch {
	case errors.Is(err, ErrUnknown):
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Bearer realm="tocsin"`)
		if r.Header.Get("Sec-Fetch-Mode") == "" { // a browser would ask for a password that we do not take
			w.Header().Add("WWW-Authenticate", `Basic realm="tocsin", charset="UTF-8"`)
		}
	case !errors.Is(err, fault.Forbidden):
		status, detail = http.StatusServiceUnavailable, "the node cannot look up who asks now"
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		ID     string `json:"request_id,omitempty"`
	}{http.StatusText(status), status, detail, request.ID(r.Context())})
}

// Credential returns the token that an Authorization header shows, in any of
// the ways in which shippers can be told to show one: as a bearer token, as an
// Elasticsearch API key (base64 of "id:key", the token being the key; or the
// token itself), or as the password of basic authentication. It is "" when
// there is none.
func Credential(header string) string {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "bearer":
		return rest
	case "apikey", "basic":
		if strings.HasPrefix(rest, prefix) {
			return rest
		}
		pair, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return ""
		}
		if _, key, ok := strings.Cut(string(pair), ":"); ok {
			return key
		}
		return string(pair)
	}
	return ""
}
