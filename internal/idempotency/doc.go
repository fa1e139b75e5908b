// Package idempotency remembers what requests that carry a key were answered,
// so that one that is sent again, because its answer was lost, does nothing
// twice (draft-ietf-httpapi-idempotency-key-header).
//
// Its words: a key is what a client calls a request; an attempt is one try to
// carry it out. An attempt claims its key in the very transactions in which the
// request takes effect, by a context that the store carries: an effect never
// stands without the claim, nor the claim without the effect. The answer follows
// in a transaction of its own. Where the process dies in between, the claim says
// that the request was carried out, and its answer is lost.
//
// It knows nothing of HTTP beyond an answer's parts. Only success is kept: what
// was refused did nothing, and may be tried again.
package idempotency
