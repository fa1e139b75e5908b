package notifytest

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strings"
)

// login is the server's side of LOGIN (draft-murchison-sasl-login).
type login struct {
	check func(user, password string) error
	asked int
	user  string
}

func (l *login) Next(said []byte) (ask []byte, done bool, err error) {
	l.asked++
	if l.asked == 1 && said != nil { // the name came with the command
		l.asked++
	}
	switch l.asked {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(said)
		return []byte("Password:"), false, nil
	default:
		return nil, true, l.check(l.user, string(said))
	}
}

// cram is the server's side of CRAM-MD5 (RFC 2195).
type cram struct {
	check func(user, password string) error
	asked bool
}

const challenge = "<1896.697170952@mail.example.org>"

func (c *cram) Next(said []byte) (ask []byte, done bool, err error) {
	if !c.asked {
		c.asked = true
		return []byte(challenge), false, nil
	}
	user, proof, ok := strings.Cut(string(said), " ")
	if !ok {
		return nil, true, errors.New("no proof")
	}
	sum := hmac.New(md5.New, []byte(Password))
	sum.Write([]byte(challenge))
	if proof != hex.EncodeToString(sum.Sum(nil)) {
		return nil, true, c.check(user, "another")
	}
	return nil, true, c.check(user, Password)
}
