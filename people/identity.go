package people

import (
	"context"
	"net"
	"net/http"
	"net/netip"
)

// Kind says what an identity is one of.
type Kind string

// The kinds of identity.
const (
	KindAccount  Kind = "account"
	KindToken    Kind = "token"
	KindOperator Kind = "operator" // who works at the machine itself, on its command line
)

// Identity is who asks for something.
type Identity struct {
	Kind Kind
	ID   string // of the account or token
	Name string // of the account, the token, the operating system's user
	Role Role
	// Session is the ID of the session that a person asks in.
	Session string
	// Address is where the request came from.
	Address string
}

type identityKey struct{}

// From returns who a request is from that Guard let through; the zero Identity
// when nobody is known.
func From(ctx context.Context) Identity {
	who, _ := ctx.Value(identityKey{}).(Identity)
	return who
}

// With returns a context in which From returns who; for those who come in by
// another way than Guard.
func With(ctx context.Context, who Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, who)
}

// addressOf is where a request came from, without the port.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// neighbourhood is what one party can easily have all of: an IPv4 address, the
// /64 of an IPv6 address.
func neighbourhood(address string) string {
	at, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if at = at.Unmap(); at.Is4() {
		return at.String()
	}
	const network = 64
	prefix, err := at.WithZone("").Prefix(network)
	if err != nil {
		return address
	}
	return prefix.String()
}
