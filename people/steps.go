package people

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// A step is what the node remembers between the two requests of a sign-in by
// passkey or provider: what it asked for, so that the answer can be compared.
// It is good once, for whoever's browser began it.

// limits of steps. Anybody may begin one, so that their number is bounded, and
// that of one address lower than all.
const (
	stepLasts       = 10 * time.Minute
	maxSteps        = 20_000
	maxAddressSteps = 100
)

// stepPrefix marks the secret of a step.
const stepPrefix = "tocsinstep_"

// errStep refuses the second half of a sign-in that has no first.
var errStep = fmt.Errorf("this sign-in was not begun here, or too long ago: begin again: %w", fault.Forbidden)

// begin remembers what was asked for, and returns the step's secret.
func (a *Accounts) begin(ctx context.Context, kind Way, address string, asked any) (string, error) {
	data, err := json.Marshal(asked)
	if err != nil {
		return "", fmt.Errorf("sign-in by %s: %w", kind, err)
	}
	secret := newSecret(stepPrefix)
	now := a.now().UTC()
	return secret, a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := pruneSteps(ctx, tx, now, neighbourhood(address)); err != nil {
			return err
		}
		return insertStep(ctx, tx, hashOf(secret).String(), kind, neighbourhood(address), string(data), now.Add(stepLasts))
	})
}

// finish uses a step up and reads what was asked for. The error is errStep.
func (a *Accounts) finish(ctx context.Context, kind Way, secret string, asked any) error {
	if !wellFormed(stepPrefix, secret) {
		return errStep
	}
	var data string
	var found bool
	err := a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		data, found, err = deleteStep(ctx, tx, hashOf(secret).String(), kind, a.now().UTC())
		return err
	})
	if err != nil {
		return err
	}
	if !found {
		return errStep
	}
	if err := json.Unmarshal([]byte(data), asked); err != nil {
		return fmt.Errorf("sign-in by %s: %w", kind, err)
	}
	return nil
}

// SetStep tells a browser the step that it is at; StepOf reads it back, "" when
// there is none. Lax, since a provider sends the browser back from its own site.
func (a *Accounts) SetStep(w http.ResponseWriter, secret string) {
	c := a.baked(secret, int(stepLasts/time.Second))
	c.Name += "-step"
	http.SetCookie(w, c)
}

// StepOf returns the step that a browser is at.
func (a *Accounts) StepOf(r *http.Request) string {
	c, err := r.Cookie(a.cookieName() + "-step")
	if err != nil {
		return ""
	}
	return c.Value
}
