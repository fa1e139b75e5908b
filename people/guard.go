package people

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"tocsin/internal/fault"
	"tocsin/internal/request"
)

type identityKey struct{}

// From returns who made a request that Guard let through.
func From(ctx context.Context) Identity {
	who, _ := ctx.Value(identityKey{}).(Identity)
	return who
}

// Guard lets requests through that show a token whose role has the right; From
// tells the handler who it is. Others get 401 or 403, or 503 when the tokens
// cannot be read, each with the reason (RFC 9457).
func (t *Tokens) Guard(right Right, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := t.Allow(Credential(r.Header.Get("Authorization")), right)
		if err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, who)))
	})
}

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, detail := http.StatusForbidden, err.Error()
	switch {
	case errors.Is(err, ErrUnknown):
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Bearer realm="tocsin"`)
		w.Header().Add("WWW-Authenticate", `Basic realm="tocsin", charset="UTF-8"`)
	case errors.Is(err, fault.Unavailable):
		status, detail = http.StatusServiceUnavailable, "the node cannot read its tokens now"
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
