package api

import (
	"errors"
	"fmt"
	"mime"
	"net/http"

	"tocsin/internal/fault"
	"tocsin/internal/strictjson"
	"tocsin/people"
)

// readBody reads a request that is one JSON value. How large it may be is the
// route's to say, see bounded. The error is a *strictjson.Problem, or says that
// it is another kind of content.
func readBody(r *http.Request, into any) error {
	if given := r.Header.Get("Content-Type"); given != "" && !isJSON(given) {
		return fmt.Errorf("the body is %.80q: send application/json: %w", given, errMediaType)
	}
	return strictjson.Read(r.Body, into)
}

// errMediaType refuses a body that is no JSON.
var errMediaType = errors.New("unsupported media type")

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || kind == "application/merge-patch+json")
}

// bounded gives a handler no more of a request's body than the route takes.
func bounded(most int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, most) // 0 where a route takes none
		next.ServeHTTP(w, r)
	})
}

// client is what somebody signs in from.
func client(r *http.Request) people.Client {
	return people.Client{Address: people.From(r.Context()).Address, Agent: r.UserAgent()}
}

// account is the person who asks. A token is nobody's account: the error is
// fault.Forbidden.
func account(r *http.Request) (people.Identity, error) {
	who := people.From(r.Context())
	if who.Kind != people.KindAccount {
		return who, fmt.Errorf("a token has no account: sign in: %w", fault.Forbidden)
	}
	return who, nil
}
