package people

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"

	"tocsin/internal/fault"
)

// Hashing is how hard guessing a password from its hash is made. What a hash
// was made with is stored in it; at the next sign-in it is made anew when that
// is no longer what is asked for.
type Hashing struct {
	Time    uint32 // passes
	Memory  uint32 // KiB
	Threads uint8
}

// defaultHashing is what RFC 9106 §4 recommends where memory is scarce: some
// 100 ms and 64 MiB a password.
func defaultHashing() Hashing { return Hashing{Time: 3, Memory: 64 << 10, Threads: 4} }

// The sizes of RFC 9106 §4, and bounds of what is read back: nobody but us
// writes hashes, yet a damaged one must not ask for all memory.
const (
	saltBytes  = 16
	keyBytes   = 32
	maxTime    = 100
	maxMemory  = 4 << 20
	maxThreads = 64
)

// hashesAtOnce bounds the memory of sign-ins: whoever comes later waits.
const hashesAtOnce = 4

// hasher makes and checks hashes of passwords. It is safe for concurrent use.
type hasher struct {
	Hashing
	slots chan struct{}
	// nobodys is the hash that a password is compared with where there is no
	// account, so that this takes as long.
	nobodys string
}

func newHasher(h Hashing) *hasher {
	if h == (Hashing{}) {
		h = defaultHashing()
	}
	return &hasher{Hashing: h, slots: make(chan struct{}, hashesAtOnce), nobodys: h.text(random(saltBytes), random(keyBytes))}
}

// text is a hash as it is stored: the PHC string format, which names the
// parameters.
func (h Hashing) text(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.Memory, h.Time, h.Threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// parseHash reads a stored hash. The error is fault.Invalid.
func parseHash(text string) (h Hashing, salt, key []byte, err error) {
	parts := strings.Split(text, "$")
	var version int
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, nil, nil, fmt.Errorf("stored password: not argon2id: %w", fault.Invalid)
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &h.Memory, &h.Time, &h.Threads); err != nil {
		return h, nil, nil, fmt.Errorf("stored password: parameters: %w: %w", err, fault.Invalid)
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(salt) < saltBytes || len(key) != keyBytes || version != argon2.Version ||
		h.Time == 0 || h.Time > maxTime || h.Memory > maxMemory || h.Threads == 0 || h.Threads > maxThreads {
		return h, nil, nil, fmt.Errorf("stored password: damaged: %w", fault.Invalid)
	}
	return h, salt, key, nil
}

// work runs the slow part among few others. The error is the context's.
func (h *hasher) work(ctx context.Context, with Hashing, password string, salt []byte) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(canonical(password)), salt, with.Time, with.Memory, with.Threads, keyBytes), nil
}

// canonical is one spelling of what is typed the same (RFC 8265 §4.2): keyboards
// differ in how they compose letters. What has none is taken as it is.
func canonical(password string) string {
	if same, err := precis.OpaqueString.String(password); err == nil {
		return same
	}
	return password
}

// hash makes the hash to store of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := random(saltBytes)
	key, err := h.work(ctx, h.Hashing, password, salt)
	if err != nil {
		return "", err
	}
	return h.text(salt, key), nil
}

// verify says whether the password is the one of the hash, and whether that
// should be made anew. A hash of "" is nobody's: the answer is no, after as
// much work. The error is the context's, or fault.Invalid for a damaged hash.
func (h *hasher) verify(ctx context.Context, stored, password string) (right, stale bool, err error) {
	known := stored != ""
	if !known {
		stored = h.nobodys
	}
	with, salt, want, err := parseHash(stored)
	if err != nil {
		return false, false, err
	}
	got, err := h.work(ctx, with, password, salt)
	if err != nil {
		return false, false, err
	}
	right = subtle.ConstantTimeCompare(got, want) == 1 && known
	return right, right && with != h.Hashing, nil
}
