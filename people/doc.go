// Package people says who somebody is, and what they may do: the accounts of
// people, how they sign in, the tokens of machines, and who is on duty.
//
// Its words: an account is a person's; a token is a secret text that a machine
// or verb shows; the identity of either is what others may know of it: ID, name
// and role. A role is a set of rights, and rights.go is the one table of which
// role has which. Gate.Guard is the one place where HTTP is held to it,
// Tokens.Allow where everything else is. A session is the time from a sign-in to
// its end. A link lets in once who has it. A post is held by whoever is on duty
// at it, by a rotation or by a shift, which goes before.
//
// It never keeps a secret: of tokens, sessions and links only hashes are
// stored, of passwords argon2id. It never says whether an account exists to who
// is not signed in. Whatever is changed is in the audit trail, in the same
// transaction.
package people
