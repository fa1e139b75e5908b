package federation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"tocsin/internal/fault"
)

// keys are the hub's: the operator signs accounts, the account signs users.
// The system account is the one that changes accounts and hears who connects.
type keys struct {
	operator, account, system nkeys.KeyPair
	operatorID                string
	accountID, systemID       string
}

// openKeys reads the keys in a folder; the first time it makes them.
func openKeys(dir string) (*keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	k := &keys{}
	for _, one := range []struct {
		name string
		make func() (nkeys.KeyPair, error)
		pair *nkeys.KeyPair
		id   *string
	}{
		{"operator", nkeys.CreateOperator, &k.operator, &k.operatorID},
		{"account", nkeys.CreateAccount, &k.account, &k.accountID},
		{"system", nkeys.CreateAccount, &k.system, &k.systemID},
	} {
		pair, id, err := openKey(filepath.Join(dir, one.name+".seed"), one.make)
		if err != nil {
			return nil, fmt.Errorf("federation: key of the %s: %w", one.name, err)
		}
		*one.pair, *one.id = pair, id
	}
	return k, nil
}

func openKey(file string, create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string, error) {
	fresh, err := create()
	if err != nil {
		return nil, "", err
	}
	seed, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if seed, err = fresh.Seed(); err == nil {
			err = writeFile(file, seed)
		}
	}
	if err != nil {
		return nil, "", err
	}
	pair, err := nkeys.FromSeed(seed)
	if err != nil {
		return nil, "", fmt.Errorf("%s holds no key: %w: %w", file, err, fault.Invalid)
	}
	id, err := pair.PublicKey()
	if err != nil {
		return nil, "", err
	}
	if like, err := fresh.PublicKey(); err != nil || like[0] != id[0] {
		return nil, "", fmt.Errorf("%s holds a key of another kind: %w", file, fault.Invalid)
	}
	return pair, id, nil
}

// writeFile writes a file that only its owner may read, whole or not at all.
func writeFile(name string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*") // made 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// operatorToken says who signs accounts.
func (k *keys) operatorToken() (string, error) {
	claims := jwt.NewOperatorClaims(k.operatorID)
	claims.Name = "tocsin-hub"
	claims.SystemAccount = k.systemID
	return claims.Encode(k.operator)
}

// systemToken is the account of those who watch and change accounts.
func (k *keys) systemToken() (string, error) {
	claims := jwt.NewAccountClaims(k.systemID)
	claims.Name = "system"
	return claims.Encode(k.operator)
}

// accountClaims is the account of the hub and all members, of whom those with the
// revoked keys are refused.
func (k *keys) accountClaims(revoked []string) *jwt.AccountClaims {
	claims := jwt.NewAccountClaims(k.accountID)
	claims.Name = "alliance"
	claims.Limits.LeafNodeConn = 0
	claims.Limits.DisallowBearer = true
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{
		DiskStorage: jwt.NoLimit, Streams: 1, Consumer: jwt.NoLimit, DiskMaxStreamBytes: 0,
	}
	for _, key := range revoked {
		// A key is refused whenever its credential was signed.
		claims.RevokeAt(key, forever)
	}
	return claims
}
