package envelope

import (
	"crypto/ed25519"
	"time"
)

// CreateWithKeys is Create with keys that are known.
func CreateWithKeys(dir string, now time.Time, root, signing ed25519.PrivateKey) (*Identity, error) {
	return createOf(dir, now, root, signing)
}
