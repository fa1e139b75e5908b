package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// credentials are the flags of verbs that ask a node. There is no flag for the
// token itself: what stands on a command line, every user of the machine reads.
type credentials struct {
	TokenFile string `help:"File that holds the token to ask the node with; else the environment variable TOCSIN_TOKEN holds it." placeholder:"FILE"`
}

// tokenVariable holds the token where no file is named.
const tokenVariable = "TOCSIN_TOKEN"

// tokenLimit is far more than a token has.
const tokenLimit = 4 << 10

// token returns the token that the user gave.
func (c *credentials) token() (string, error) {
	if c.TokenFile == "" {
		if token := strings.TrimSpace(os.Getenv(tokenVariable)); token != "" {
			return token, nil
		}
		return "", usageError{fmt.Errorf("a token is needed to ask a node: set %s or give --token-file; 'tocsin token create --role analyst' on the node makes one", tokenVariable)}
	}
	file, err := os.Open(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(file, tokenLimit))
	if err := errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("token file %s: it must hold one token and nothing else", c.TokenFile)
	}
	return token, nil
}
