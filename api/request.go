package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"tocsin/internal/fault"
	"tocsin/people"
)

// smallBytes bounds a request that holds what a person types.
const smallBytes = 256 << 10

// decode reads a small request: one JSON value with known keys. The error is
// fault.Invalid.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	return decodeUpTo(w, r, smallBytes, into)
}

// decodeUpTo is decode for a request of at most so many bytes.
func decodeUpTo(w http.ResponseWriter, r *http.Request, most int64, into any) error {
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	body.DisallowUnknownFields()
	if err := body.Decode(into); err != nil {
		return fmt.Errorf("request: %w: %w", err, fault.Invalid)
	}
	if _, err := body.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("request: more than one value: %w", fault.Invalid)
	}
	return nil
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

// created answers with what was made.
func created(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	return json.NewEncoder(w).Encode(v)
}

// done answers where there is nothing to tell.
func done(w http.ResponseWriter) error { return answer(w, struct{}{}) }
