package observable

import (
	"bytes"

	"tocsin/intel"
)

// hash reports a hash of a file or a fingerprint.
func (f *finder) hash(at, end int) bool {
	text := f.text[at:end]
	kind := hashKind(len(text))
	if kind == intel.NoObservable || !allHex(text) || !looksRandom(text) || f.isEncodedText(at) || f.isSerial(at, end) || f.isPair(at, end) {
		return false
	}
	if c, d := f.before(at), f.after(end); c == '?' || c == '+' || c == '$' || d == '+' || d == '$' || (isSeparator(c) && isSeparator(d)) {
		return false
	}
	if f.isListed(at) {
		kind = f.last
	} else if kind = f.namedHash(at, kind); kind == intel.NoObservable {
		return false
	}
	return f.emit(kind, at, end)
}

// isListed reports whether a string of JSON follows one in the same list that
// was a hash: the list's name, which stands before the first, tells them all.
func (f *finder) isListed(at int) bool {
	return hashKinds.has(f.last) && at > f.done && string(f.text[f.done:at]) == `","`
}

// hashKinds are the kinds that a list of hashes may be of.
var hashKinds = setOf(intel.MD5, intel.SHA1, intel.SHA256, intel.SHA512, intel.ImpHash, intel.JA3, intel.Certificate)

// namedHash returns the kind of a hash by what stands before it, of which the
// digits alone tell one kind; none when it is said to be something else.
func (f *finder) namedHash(at int, kind intel.ObservableKind) intel.ObservableKind {
	if name, isNamed := lastName(f.label(at)); isNoHash(name, isNamed) && (kind != intel.SHA256 || name != "id") {
		return intel.NoObservable
	}
	var room [lookBack]byte
	label := appendLower(room[:0], f.label(at))
	says := func(word string) bool { return bytes.Contains(label, []byte(word)) }
	isCertificate := says("thumbprint") || says("certificate") || says("cert_") || says("x509")
	switch {
	case says("serial"):
		return intel.NoObservable
	case kind == intel.MD5 && says("imphash"):
		return intel.ImpHash
	case kind == intel.MD5 && says("ja3"):
		return intel.JA3
	case kind == intel.MD5 && isCertificate: // nothing looks for it by that
		return intel.NoObservable
	case kind == intel.SHA1 && isCertificate, kind == intel.SHA256 && (isCertificate || says("fingerprint")):
		return intel.Certificate // a fingerprint of 40 digits may be that of a key as well (RFC 9580 §5.5.4)
	}
	return kind
}

// label returns what stands before a position in the same column, member or
// sentence, if that is little.
func (f *finder) label(at int) []byte {
	text := f.text[max(0, at-lookBack):at]
	return text[bytes.LastIndexAny(text, ",;\t\n|{}")+1:]
}

// lastName returns the last word of the name that a label gives to a value, in
// lower case: "id" of `"traceId":"`. It is named when a sign between says that
// it is the value of that name.
func lastName(label []byte) (name string, isNamed bool) {
	text := bytes.TrimRight(label, joints)
	isNamed = bytes.ContainsAny(label[len(text):], ":=>(")
	start := len(text)
	for start > 0 && isLetter(text[start-1]) {
		start--
		isUpper := func(c byte) bool { return c-'A' < 26 }
		if isUpper(text[start]) && start > 0 && !isUpper(text[start-1]) { // a hump: traceId
			break
		}
	}
	var room [lookBack]byte
	return string(appendLower(room[:0], text[start:])), isNamed
}

// isNoHash reports whether the name of a value says that it is an identifier, a
// secret, or another number that happens to be written in as many hexadecimal
// digits as a hash.
func isNoHash(name string, isNamed bool) bool {
	return noHashWords[name] || isNamed && noHashNames[name]
}

// noHashWords say so before a value even without a sign between.
var noHashWords = map[string]bool{
	"serial": true, "commit": true, "commits": true, "revision": true, "nonce": true, "uuid": true, "guid": true, "fuid": true, "authentihash": true,
	"pehash": true, "vhash": true, "telfhash": true, "tlsh": true, "ssdeep": true,
}

// noHashNames are those that say so only as the name of a value.
var noHashNames = map[string]bool{
	"id": true, "ids": true, "uid": true, "sid": true, "number": true, "session": true, "sessionid": true, "token": true, "salt": true, "iv": true,
	"key": true, "secret": true, "password": true, "cookie": true, "etag": true, "rev": true, "introduced": true, "fixed": true, "limit": true,
	"affected": true, "challenge": true, "trace": true, "span": true, "cn": true, "boundary": true, "tag": true, "version": true, "serialnumber": true,
}

// longestColumn bounds how far a column of a log is looked through.
const longestColumn = 512

// isSerial reports whether a column of a log without names is the serial number
// of a certificate: what stands beside it is the name of a subject or an
// issuer, or the status that OCSP gave (RFC 6960 §2.2).
func (f *finder) isSerial(at, end int) bool {
	if f.before(at) != '\t' && at > 0 || f.after(end) != '\t' && end < len(f.text) {
		return false
	}
	next := f.text[min(end+1, len(f.text)):min(end+1+longestColumn, len(f.text))]
	if column, _, _ := bytes.Cut(next, []byte("\t")); startsName(column) || isStatus(column) {
		return true
	}
	before := f.text[max(0, at-1-longestColumn):max(at-1, 0)]
	return startsName(before[bytes.LastIndexByte(before, '\t')+1:])
}

func isStatus(column []byte) bool {
	return string(column) == "good" || string(column) == "revoked" || string(column) == "unknown"
}

// startsName reports whether a column is a distinguished name (RFC 4514):
// "CN=…,O=…".
func startsName(column []byte) bool {
	sign := bytes.IndexByte(column, '=')
	if sign < 1 || sign > len("unstructuredName") {
		return false
	}
	for _, c := range column[:sign] {
		if !isLetter(c) {
			return false
		}
	}
	return true
}

// isPair reports whether another 32 digits stand beside a colon: the two hashes
// of a Windows password.
func (f *finder) isPair(at, end int) bool {
	const digits = 32
	if end-at != digits {
		return false
	}
	if f.after(end) == ':' && end+1+digits <= len(f.text) && allHex(f.text[end+1:end+1+digits]) {
		return true
	}
	return at > digits && f.text[at-1] == ':' && allHex(f.text[at-1-digits:at-1])
}

// looksRandom tells digests from numbers written in hexadecimal: addresses of
// sockets, masks, identifiers that count.
func looksRandom(text []byte) bool {
	same, letters, digits := 0, false, false
	for i, c := range text {
		letters, digits = letters || isLetter(c), digits || isDigit(c)
		if i == 0 || c != text[i-1] {
			same = 0
		}
		if same++; same >= 8 {
			return false
		}
	}
	return letters && digits
}
