package people

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Passkey is a key that a person's device keeps and shows instead of a password
// (WebAuthn).
type Passkey struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used,omitzero"`
	account string
	// credential is what the library keeps, as JSON.
	credential string
}

// Passkeys are how people sign in with their devices. They are safe for
// concurrent use.
type Passkeys struct {
	accounts *Accounts
	web      *webauthn.WebAuthn
}

// limits of passkeys.
const (
	maxPasskeys    = 20 // of one account
	maxPasskeyName = 60
	// maxAnswer bounds what a browser answers: a credential with an attestation
	// takes some 5 KB.
	maxAnswer = 64 << 10
)

// NewPasskeys returns the passkeys of a node that browsers reach at a URL. The
// error is fault.Invalid where browsers offer none: at an address that is no
// name (WebAuthn §5.1.3: a relying party's ID is a domain), or without TLS
// elsewhere than at localhost.
func NewPasskeys(accounts *Accounts, at string) (*Passkeys, error) {
	u, err := url.Parse(at)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("passkeys: %q is no URL: %w", at, fault.Invalid)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil, fmt.Errorf("passkeys: %s is an address: browsers want a name, as https://node.example or http://localhost: %w", u.Host, fault.Invalid)
	}
	if u.Scheme != "https" && u.Hostname() != "localhost" {
		return nil, fmt.Errorf("passkeys: %s: browsers want https: %w", at, fault.Invalid)
	}
	web, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "Tocsin", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
		AttestationPreference: protocol.PreferNoAttestation,
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Enforce: true, Timeout: stepLasts, TimeoutUVD: stepLasts},
			Registration: webauthn.TimeoutConfig{Enforce: true, Timeout: stepLasts, TimeoutUVD: stepLasts},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w: %w", err, fault.Invalid)
	}
	return &Passkeys{accounts, web}, nil
}

// owner is an account as the library asks for it.
type owner struct {
	Account
	credentials []webauthn.Credential
}

func (o *owner) WebAuthnID() []byte                         { return []byte(o.ID) }
func (o *owner) WebAuthnName() string                       { return o.Name }
func (o *owner) WebAuthnDisplayName() string                { return o.greeting() }
func (o *owner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

// owner returns an account with its passkeys.
func (p *Passkeys) owner(ctx context.Context, id string) (*owner, error) {
	o := &owner{}
	return o, p.accounts.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if o.Account, err = account1(ctx, tx, id); err != nil {
			return err
		}
		keys, err := selectPasskeys(ctx, tx, o.ID)
		if err != nil {
			return err
		}
		o.credentials = make([]webauthn.Credential, len(keys))
		for i, key := range keys {
			if err := json.Unmarshal([]byte(key.credential), &o.credentials[i]); err != nil {
				return fmt.Errorf("passkey %s: %w", key.ID, err)
			}
		}
		return nil
	})
}

// List returns an account's passkeys, oldest first.
func (p *Passkeys) List(ctx context.Context, account string) (list []Passkey, err error) {
	err = p.accounts.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err = selectPasskeys(ctx, tx, account)
		return err
	})
	return list, err
}

// BeginAdd returns what to ask of the browser of a person who adds a passkey
// (for navigator.credentials.create), and the step to finish with. The error is
// fault.Forbidden when the sign-in is not of just now, fault.Conflict when there
// are too many.
func (p *Passkeys) BeginAdd(ctx context.Context, who Identity) (ask any, step string, err error) {
	if err := p.accounts.JustSignedIn(ctx, who); err != nil {
		return nil, "", err
	}
	o, err := p.owner(ctx, who.ID)
	if err != nil {
		return nil, "", err
	}
	if len(o.credentials) >= maxPasskeys {
		return nil, "", fmt.Errorf("there are %d passkeys: remove one first: %w", len(o.credentials), fault.Conflict)
	}
	known := webauthn.Credentials(o.credentials).CredentialDescriptors()
	ask, session, err := p.web.BeginRegistration(o, webauthn.WithExclusions(known))
	if err != nil {
		return nil, "", fmt.Errorf("passkey: %w", err)
	}
	step, err = p.accounts.begin(ctx, WayPasskey, who.Address, session)
	return ask, step, err
}

// FinishAdd keeps the passkey that a browser answers with. The error is
// fault.Invalid when the answer is none to the question, fault.Forbidden when
// there was no question.
func (p *Passkeys) FinishAdd(ctx context.Context, who Identity, step, name string, answer []byte) (Passkey, error) {
	if !oneLine(name, maxPasskeyName) {
		return Passkey{}, fmt.Errorf("passkey: a name of up to %d bytes on one line: %w", maxPasskeyName, fault.Invalid)
	}
	var session webauthn.SessionData
	if err := p.accounts.finish(ctx, WayPasskey, step, &session); err != nil {
		return Passkey{}, err
	}
	o, err := p.owner(ctx, who.ID)
	if err != nil {
		return Passkey{}, err
	}
	credential, err := p.created(o, session, answer)
	if err != nil {
		return Passkey{}, fmt.Errorf("passkey: %w: %w", describe(err), fault.Invalid)
	}
	text, err := json.Marshal(credential)
	if err != nil {
		return Passkey{}, fmt.Errorf("passkey: %w", err)
	}
	key := Passkey{
		ID: base64.RawURLEncoding.EncodeToString(credential.ID), Name: name, Created: p.accounts.now().UTC(),
		account: who.ID, credential: string(text),
	}
	if key.Name == "" {
		key.Name = "passkey"
	}
	return key, p.accounts.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		fresh, err := insertPasskey(ctx, tx, key)
		if err != nil {
			return err
		}
		if !fresh {
			return fmt.Errorf("passkey: it is registered already: %w", fault.Conflict)
		}
		return p.accounts.record(ctx, tx, "passkey.add", o.subject(), nil, key)
	})
}

func (p *Passkeys) created(o *owner, session webauthn.SessionData, answer []byte) (*webauthn.Credential, error) {
	if len(answer) > maxAnswer {
		return nil, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, err
	}
	return p.web.CreateCredential(o, session, parsed)
}

// describe adds what the library keeps for developers: which check failed.
func describe(err error) error {
	if e, ok := errors.AsType[*protocol.Error](err); ok && e.DevInfo != "" {
		return fmt.Errorf("%s (%s)", e.Details, e.DevInfo)
	}
	return err
}

// Remove removes a person's passkey. The error is fault.NotFound.
func (p *Passkeys) Remove(ctx context.Context, who Identity, id string) error {
	return p.accounts.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		o, err := account1(ctx, tx, who.ID)
		if err != nil {
			return err
		}
		found, err := deletePasskey(ctx, tx, who.ID, id)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("no passkey %q: %w", id, fault.NotFound)
		}
		return p.accounts.record(ctx, tx, "passkey.remove", o.subject(), map[string]any{"passkey": id}, nil)
	})
}

// BeginSignIn returns what to ask of a browser whose person signs in with a
// passkey (for navigator.credentials.get), and the step to finish with. It is
// asked for any passkey of this node: who it is, the device says.
func (p *Passkeys) BeginSignIn(ctx context.Context, from Client) (ask any, step string, err error) {
	ask, session, err := p.web.BeginDiscoverableLogin()
	if err != nil {
		return nil, "", fmt.Errorf("passkey: %w", err)
	}
	step, err = p.accounts.begin(ctx, WayPasskey, from.Address, session)
	return ask, step, err
}

// ErrPasskey refuses a passkey: it is none of ours, or its answer is none to
// the question. It is fault.Forbidden.
var ErrPasskey = fmt.Errorf("this passkey is not accepted: %w", fault.Forbidden)

// FinishSignIn begins a session for who proves to have a passkey. The error is
// ErrPasskey.
func (p *Passkeys) FinishSignIn(ctx context.Context, step string, answer []byte, from Client) (SignedIn, error) {
	var session webauthn.SessionData
	if err := p.accounts.finish(ctx, WayPasskey, step, &session); err != nil {
		return SignedIn{}, err
	}
	o, credential, err := p.proved(ctx, session, answer)
	if err != nil {
		return SignedIn{}, err
	}
	text, err := json.Marshal(credential)
	if err != nil {
		return SignedIn{}, fmt.Errorf("passkey: %w", err)
	}
	id := base64.RawURLEncoding.EncodeToString(credential.ID)
	var signed SignedIn
	err = p.accounts.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := updatePasskey(ctx, tx, id, string(text), p.accounts.now().UTC()); err != nil {
			return err
		}
		signed, err = p.accounts.enter(ctx, tx, o.ID, WayPasskey, from)
		return err
	})
	return signed, err
}

// proved returns whose passkey answered. A device that counts its uses and has
// fewer of them than before is a copy (WebAuthn §6.1.1), and refused.
func (p *Passkeys) proved(ctx context.Context, session webauthn.SessionData, answer []byte) (*owner, *webauthn.Credential, error) {
	if len(answer) > maxAnswer {
		return nil, nil, ErrPasskey
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrPasskey, describe(err))
	}
	var found *owner
	find := func(_, handle []byte) (webauthn.User, error) {
		o, err := p.owner(ctx, string(handle))
		if err != nil {
			return nil, err
		}
		found = o
		return o, nil
	}
	_, credential, err := p.web.ValidatePasskeyLogin(find, session, parsed)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrPasskey, describe(err))
	}
	if credential.Authenticator.CloneWarning || !bytes.Equal(parsed.Response.UserHandle, []byte(found.ID)) {
		return nil, nil, fmt.Errorf("%w: it was copied", ErrPasskey)
	}
	return found, credential, nil
}
