package observable

import "bytes"

// replacements are what stands in brackets for a character, so that nobody
// clicks on it.
var replacements = [...]struct{ word, text string }{
	{".", "."}, {"dot", "."}, {":", ":"}, {"://", "://"}, {":/", ":/"}, {"/", "/"}, {"//", "//"}, {"@", "@"}, {"at", "@"},
}

// longestWord is the length of the longest of the words above.
const longestWord = 3

// appendRefanged appends text as it was before it was defanged: "hxxp[:]//a[.]b"
// is "http://a.b". Text that is not defanged stays.
func appendRefanged(dst, text []byte) []byte {
	start := len(dst)
	for at := 0; at < len(text); {
		if replaced, size := bracketed(text[at:]); size > 0 {
			dst = append(dst, replaced...)
			at += size
			continue
		}
		dst = append(dst, text[at])
		at++
	}
	return fixScheme(dst, start)
}

// bracketed returns what a bracketed replacement at the beginning of text
// stands for and how long it is; 0 when there is none.
func bracketed(text []byte) (replaced string, size int) {
	var end byte
	switch text[0] {
	case '[':
		end = ']'
	case '(':
		end = ')'
	case '{':
		end = '}'
	case '.', ':', '@': // "evil.]com": half a bracket
		if len(text) > 2 && text[1] == ']' && isWordByte(text[2]) {
			return string(text[:1]), 2
		}
		return "", 0
	default:
		return "", 0
	}
	for _, r := range replacements {
		n := len(r.word)
		if len(text) >= n+2 && text[n+1] == end && hasPrefixFold(text[1:], r.word) {
			return r.text, n + 2
		}
	}
	if len(text) > 3 && text[1] == 's' && text[2] == end && (text[3] == ':' || text[3] == text[0]) { // "http[s]://"
		return "s", 3
	}
	if len(text) > 2 && text[0] == '[' && text[1] == '.' && isWordByte(text[2]) { // "evil[.com"
		return ".", 2
	}
	return "", 0
}

func isWordByte(c byte) bool { return isLetter(c) || isDigit(c) || c >= 0x80 }

// fixScheme gives a defanged scheme its right letters: hxxp, hXXps, h**p.
func fixScheme(dst []byte, start int) []byte {
	text := dst[start:]
	colon := bytes.IndexByte(text, ':')
	if colon == len("http") || colon == len("https") {
		if isDefangedHTTP(text[:colon]) {
			copy(text, "http")
		}
	}
	return dst
}

// isDefangedHTTP tells hxxp and its like, with or without an s.
func isDefangedHTTP(scheme []byte) bool {
	if lower(scheme[0]) != 'h' || lower(scheme[3]) != 'p' || len(scheme) > 5 || (len(scheme) == 5 && lower(scheme[4]) != 's') {
		return false
	}
	for _, c := range scheme[1:3] {
		if bytes.IndexByte([]byte("tTxX*"), c) < 0 {
			return false
		}
	}
	return true
}
