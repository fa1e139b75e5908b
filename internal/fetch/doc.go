// Package fetch is the one way out: it asks other machines over HTTP, for what
// is to be fetched and for what is to be told them.
//
// Its words: an address is a URL. It is guarded: what it leads to must be a
// public address, or in a network that the operator allowed. That is looked at
// when the connection is made, after names are resolved, so that a name that
// leads elsewhere the second time (DNS rebinding), a redirect, and an address
// written in an odd way lead nowhere else either. Which addresses are public is
// what IANA's registries of special-purpose addresses leave over (RFC 6890).
//
// It never speaks TLS below 1.2, never plain HTTP unless the request allows it,
// never reads more or waits longer than the request says, and never puts more of
// an address than scheme and host into an error, since paths and queries may be
// secrets. Behind a proxy it is the proxy that resolves names, and that has to
// refuse what they lead to; addresses written as numbers are looked at here too.
package fetch
