package observable

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// Bounds of free names. MAX_PATH bounds mutexes, 256 characters the names of
// services (CreateServiceW).
const (
	longestMutex       = 260
	longestServiceName = 1024
	longestUserAgent   = 1024
	longestCommandLine = 4096
)

// mutexFolders are where a mutex may lie; programs that look for one look in
// theirs without saying so.
var mutexFolders = [...]string{`global\`, `local\`, `\basenamedobjects\`}

func appendMutex(dst, text []byte) ([]byte, bool) {
	if rest, ok := cutPrefixFold(text, `\sessions\`); ok {
		if at := bytes.IndexByte(rest, '\\'); at > 0 {
			text = rest[at:]
		}
	}
	for found := true; found; {
		found = false
		for _, folder := range mutexFolders {
			var cut bool
			text, cut = cutPrefixFold(text, folder)
			found = found || cut
		}
		text = trim(text)
	}
	if len(text) == 0 || len(text) > longestMutex || hasControl(text) {
		return dst, false
	}
	return append(dst, text...), true
}

func appendServiceName(dst, text []byte) ([]byte, bool) {
	text = unquote(text)
	if len(text) == 0 || len(text) > longestServiceName || hasControl(text) {
		return dst, false
	}
	return appendLower(dst, text), true
}

func appendUserAgent(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	dst = appendSpaced(dst, text)
	return shorten(dst, start, longestUserAgent), len(dst) > start
}

func appendCommandLine(dst, text []byte) ([]byte, bool) {
	start := len(dst)
	dst = appendLower(dst, text)
	if !isSpaced(dst[start:]) {
		dst = appendSpaced(dst[:start], dst[start:]) // in place: it only shortens
	}
	return shorten(dst, start, longestCommandLine), len(dst) > start
}

// digestMark stands between the kept beginning and the digest of the whole.
const digestMark = " sha256:"

// shorten replaces the end of what is longer than limit by its digest.
func shorten(dst []byte, start, limit int) []byte {
	if len(dst)-start <= limit {
		return dst
	}
	digest := sha256.Sum256(dst[start:])
	cut := start + limit - len(digestMark) - 2*len(digest)
	for dst[cut]&0xc0 == 0x80 && cut > start { // not within a character
		cut--
	}
	for cut > start && dst[cut-1] == ' ' {
		cut--
	}
	dst = append(dst[:cut], digestMark...)
	return hex.AppendEncode(dst, digest[:])
}
