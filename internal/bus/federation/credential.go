package federation

import (
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"tocsin/internal/fault"
)

// MaxBody is how many bytes a message carries; more goes in chunks.
const MaxBody = 1 << 20

const (
	// maxPayload leaves room for headers.
	maxPayload = MaxBody + 4096
	// memberSubjects is how many subscriptions a connection of a member may have:
	// its inbox and what is live, and a few while one takes another's place.
	memberSubjects = 8
)

// forever is later than any credential is signed.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// NewSeed makes the key of a member's transport. The seed stays with the member;
// the public key goes to the hub, which admits it.
func NewSeed() (seed []byte, public string, err error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, "", fmt.Errorf("federation: %w", err)
	}
	if seed, err = pair.Seed(); err != nil {
		return nil, "", fmt.Errorf("federation: %w", err)
	}
	public, err = pair.PublicKey()
	return seed, public, err
}

// CheckTransportKey says whether this is the public part of such a key. The
// error is fault.Invalid.
func CheckTransportKey(public string) error {
	if !nkeys.IsValidPublicUserKey(public) {
		return fmt.Errorf("federation: %.80q is no public transport key: %w", public, fault.Invalid)
	}
	return nil
}

// credential signs what a member may do, for the key that it has.
func (k *keys) credential(member, public string) (string, error) {
	claims := jwt.NewUserClaims(public)
	claims.Name = member
	claims.Pub.Allow.Add(upPrefix+member, nextPrefix+member, getPrefix+member)
	claims.Sub.Allow.Add(inbox(member)+".>", liveEvery)
	claims.Subs = memberSubjects
	claims.Limits.Payload = maxPayload
	claims.AllowedConnectionTypes.Add(jwt.ConnectionTypeStandard, jwt.ConnectionTypeWebsocket)
	token, err := claims.Encode(k.account)
	if err != nil {
		return "", fmt.Errorf("federation: credential of %s: %w", member, err)
	}
	return token, nil
}

// login makes a user of an account who may do everything in it, with a key that
// lasts as long as this process, and returns how to connect as it.
func login(account nkeys.KeyPair, name string) (nats.Option, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, err
	}
	claims := jwt.NewUserClaims(public)
	claims.Name = name
	token, err := claims.Encode(account)
	if err != nil {
		return nil, err
	}
	return nats.UserJWT(func() (string, error) { return token, nil }, pair.Sign), nil
}

// reads reads a credential that a hub signed for a key.
func readCredential(token string, seed []byte) (member string, pair nkeys.KeyPair, err error) {
	claims, err := jwt.DecodeUserClaims(token)
	if err != nil {
		return "", nil, fmt.Errorf("federation: the credential cannot be read: %w: %w", err, fault.Invalid)
	}
	if err := CheckName(claims.Name); err != nil {
		return "", nil, err
	}
	if pair, err = nkeys.FromSeed(seed); err != nil {
		return "", nil, fmt.Errorf("federation: the seed cannot be read: %w: %w", err, fault.Invalid)
	}
	if public, err := pair.PublicKey(); err != nil || public != claims.Subject {
		return "", nil, fmt.Errorf("federation: the credential of %s is for another key than the seed's: ask the hub for a new one: %w", claims.Name, fault.Invalid)
	}
	return claims.Name, pair, nil
}
