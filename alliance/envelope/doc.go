// Package envelope signs what nodes say to each other and verifies it, online or
// from a file years later.
//
// Its words: an identity is a node's keys: a root key, that may be kept offline,
// certifies the key it signs with. A passport is what others need to know them by:
// the node's card and the certificates, signed. An envelope is one message: a
// header, signed, that names the body by its hash, and the body, which may travel
// apart. The author's signature comes first; who passes it on adds its own, a
// countersignature over all before it. A refusal is a reason, from a fixed list,
// why an envelope is not accepted. A succession hands over from a root key to the
// next, signed by both; a revocation says that a key is in strange hands; distrust is
// the same, said by a person here after a telephone call. A bundle is a file of
// envelopes with all that is needed to verify them.
//
// What is signed are the very bytes of the header, in the canonical form of
// RFC 8785, behind a line that says what they are, so that a signature on one
// thing is never one on another.
//
// It keeps nothing but key files and does not know who belongs to an alliance, nor
// what a body means.
package envelope
