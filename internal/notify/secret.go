package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// Standard Webhooks, "Signature scheme": a secret is whsec_ and 24 to 64 bytes in
// base64.
const (
	secretPrefix = "whsec_"
	minSecret    = 24
	maxSecret    = 64
	// maxSecrets is the one in force and the one before, while a receiver changes
	// from one to the other.
	maxSecrets = 2
)

// parseSecrets reads a file of secrets: one a line, the newest first. Empty lines
// and lines that begin with # are passed over. The error is fault.Invalid and
// holds nothing of the text.
func parseSecrets(text string) ([][]byte, error) {
	var secrets [][]byte
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		encoded, ok := strings.CutPrefix(line, secretPrefix)
		secret, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(secret) < minSecret || len(secret) > maxSecret {
			return nil, fmt.Errorf("line %d: a secret is %s and %d to %d bytes in base64, as 'openssl rand -base64 32' makes them: %w", number, secretPrefix, minSecret, maxSecret, fault.Invalid)
		}
		secrets = append(secrets, secret)
	}
	if len(secrets) == 0 || len(secrets) > maxSecrets {
		return nil, fmt.Errorf("%d secrets: write one, or while it is being changed two: %w", len(secrets), fault.Invalid)
	}
	return secrets, nil
}

// signatures is what webhook-signature says: one signature a secret (Standard
// Webhooks, "Signature scheme").
func signatures(secrets [][]byte, id string, at time.Time, body []byte) string {
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		sum := hmac.New(sha256.New, secret)
		sum.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		sum.Write(body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(sum.Sum(nil))
	}
	return strings.Join(all, " ")
}
