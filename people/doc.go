// Package people says who may do what. For now it knows tokens only: what a
// sensor sends with and what an analyst's verbs ask with.
//
// Its words: a token is a secret text that its bearer shows; its identity is
// what others may know of it: ID, name and role. A role is a set of rights,
// and rights.go is the one table of which role has which. Tokens.Guard is the
// one place where HTTP is held to it, Tokens.Allow where everything else is.
//
// It never keeps a token: only a hash is stored, and a token is shown once.
package people
