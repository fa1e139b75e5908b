package observable

import "bytes"

// longestLocal bounds the part before the @ (RFC 5321 §4.5.3.1.1).
const longestLocal = 64

// appendEmail takes an address, or one in angle brackets after a name or
// "mailto:" before it.
func appendEmail(dst, text []byte) ([]byte, bool) {
	if n := len(text); text[n-1] == '>' {
		text = lastPart(text[:n-1], '<')
	}
	text, _ = cutPrefixFold(text, "mailto:")
	at := bytes.LastIndexByte(text, '@')
	if at < 1 || at > longestLocal || at == len(text)-1 || text[at+1] == '.' || text[at+1] == '*' {
		return dst, false
	}
	for _, c := range text[:at] {
		if c < 0x80 && !isLocal(c) {
			return dst, false
		}
	}
	dst = appendLower(dst, text[:at])
	dst = append(dst, '@')
	return appendDomain(dst, text[at+1:])
}

// isLocal says whether a byte may stand before the @ unquoted (RFC 5322 §3.2.3).
func isLocal(c byte) bool {
	return isLetter(c) || isDigit(c) || bytes.IndexByte([]byte(".!#$%&'*+-/=?^_`{|}~"), c) >= 0
}
