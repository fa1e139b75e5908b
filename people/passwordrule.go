package people

import (
	_ "embed"
	"fmt"
	"strings"
	"unicode/utf8"

	"tocsin/internal/fault"
)

// Passwords are judged by length and by whether they are guessed first, not by
// what kinds of characters they are made of (NIST SP 800-63B §3.1.1.2).
const (
	minPassword = 12   // characters
	maxPassword = 1024 // bytes; far more than anybody types, and what a hash is asked to read
	besideName  = 8    // characters beside the user's own name, which is guessed first
	minName     = 3    // shorter names occur in words
)

// commonPasswords are the commonest of twelve characters and more, one a line.
//
//go:embed common.txt
var commonPasswords string

// checkPassword says why a password will not do for an account. The error is
// fault.Invalid.
func checkPassword(password string, names ...string) error {
	refuse := func(why string) error { return fmt.Errorf("password: %s: %w", why, fault.Invalid) }
	folded := strings.ToLower(canonical(password))
	switch {
	case !utf8.ValidString(password):
		return refuse("it is not UTF-8")
	case utf8.RuneCountInString(password) < minPassword:
		return refuse(fmt.Sprintf("use %d characters or more; several words do well", minPassword))
	case len(password) > maxPassword:
		return refuse(fmt.Sprintf("use %d bytes at most", maxPassword))
	case repeats(folded):
		return refuse("it repeats the same few characters")
	case isCommon(folded):
		return refuse("it is among the commonest, which are guessed first")
	}
	for _, name := range names {
		if name = strings.ToLower(name); len(name) >= minName && utf8.RuneCountInString(strings.ReplaceAll(folded, name, "")) < besideName {
			return refuse("there is little in it but " + name)
		}
	}
	return nil
}

// repeats says whether a text is made of a piece of at most four characters.
func repeats(text string) bool {
	const piece = 4
	runes := []rune(text)
	for n := 1; n <= piece; n++ {
		same := true
		for i := n; i < len(runes) && same; i++ {
			same = runes[i] == runes[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

func isCommon(folded string) bool {
	for line := range strings.Lines(commonPasswords) {
		if strings.TrimSpace(line) == folded {
			return true
		}
	}
	return false
}
