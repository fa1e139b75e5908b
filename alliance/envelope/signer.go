package envelope

import "crypto"

// Signer returns the key that the node signs with, for what is signed in a form of
// its own, such as the checkpoints of a transparency log. Whoever uses it makes
// sure that what is signed can't be taken for anything of this package, all of
// which begins with "tocsin ".
func (i *Identity) Signer() crypto.Signer { return i.signing }
