// Package timer keeps moments at which something must happen, through crashes,
// restarts and clocks that are set: a reminder, a report to be sent, a message
// to be tried again.
//
// Its words: a timer has a kind, and the handler of the kind is what happens
// when it is due. The handler first does what lies outside the database, if
// anything (an Act: sending a mail), and hands back an Effect, which is written
// in the one transaction that also removes the timer. So whatever happens to
// the process an effect is there exactly once; an act may be done again when the
// process dies between it and the effect. Who works on a timer has a lease on
// it; several nodes on one PostgreSQL take different ones.
//
// A timer is scheduled and cancelled in the transaction of what it belongs to.
// One whose moment passed while the machine was off fires at once. One that
// fails is tried again, later and later, and at last becomes a dead letter, which
// is listed and can be revived.
//
// It does not know what a timer is for.
package timer
