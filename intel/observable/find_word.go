package observable

import (
	"bytes"

	"tocsin/intel"
)

// word looks at a run and what follows it.
func (f *finder) word(at int) int {
	end, defanged := f.run(at)
	if next := f.url(at, end); next > 0 {
		return next
	}
	if next := f.path(at); next > 0 {
		return next
	}
	if next := f.email(at, end); next > 0 {
		return next
	}
	if next := f.colonGroups(at, end); next > 0 {
		return next
	}
	last := f.trimRun(at, end)
	if next := f.address(at, last, defanged); next > 0 {
		return next
	}
	if next := f.hostWithPath(at, last, defanged); next > 0 {
		return next
	}
	f.name(at, last, defanged)
	return end
}

// trimRun returns where a run ends without dots and hyphens at its end.
func (f *finder) trimRun(at, end int) int {
	for end > at && (f.text[end-1] == '.' || f.text[end-1] == '-' || f.text[end-1] == '_') {
		end--
	}
	return end
}

// longestRun bounds runs that are looked at as a name or an address:
// defanging takes up to four bytes for a dot.
const longestRun = 4 * longestName

// address reports IPv4 addresses, ranges of them, and two joined by a hyphen.
func (f *finder) address(at, end int, defanged bool) int {
	if end-at > longestRun || !isDigit(f.text[at]) {
		return 0
	}
	plain := appendRefanged(nil, f.text[at:end])
	if first, second, found := bytes.Cut(plain, []byte("-")); found && !defanged && isIPText(first) && isIPText(second) {
		middle := at + len(first)
		f.emit(intel.IPAddress, at, middle)
		f.emit(intel.IPAddress, middle+1, end)
		return end
	}
	a, ok := parseIPv4(plain)
	if !ok || (!defanged && f.isVersion(at, end, a)) {
		return 0
	}
	if bits := f.prefixLength(end); bits > 0 && f.emit(intel.IPRange, at, bits) {
		return bits
	}
	if next := f.hostWithPath(at, end, true); next > 0 {
		return next
	}
	f.emit(intel.IPAddress, at, end)
	return end
}

// prefixLength returns where "/24" after an address ends, 0 when there is none.
func (f *finder) prefixLength(at int) int {
	if f.after(at) != '/' {
		return 0
	}
	end := at + 1
	for end < len(f.text) && end < at+4 && isDigit(f.text[end]) {
		end++
	}
	if bits, ok := parseDecimal(f.text[at+1:end], 32); !ok || bits == 0 {
		return 0
	}
	if next := f.after(end); isLetter(next) || isDigit(next) || next == '/' || next == '_' || (next == '.' && isAlnum(f.after(end+1))) {
		return 0
	}
	return end
}

// email reports an address when an @ follows the run. It also ends the search
// for what an address that is none holds.
func (f *finder) email(at, end int) int {
	sign := 0
	switch replaced, size := f.replacementAt(end); {
	case f.after(end) == '@':
		sign = 1
	case replaced == "@":
		sign = size
	default:
		return 0
	}
	host := end + sign
	if host >= len(f.text) || !isWordByte(f.text[host]) {
		return host
	}
	start := at
	for start > f.done && start > at-longestLocal && isLocal(f.text[start-1]) && f.text[start-1] != '=' && f.text[start-1] != '\'' && f.text[start-1] != '/' {
		start--
	}
	stop, defanged := f.run(host)
	stop = f.trimRun(host, stop)
	name := string(appendRefanged(nil, f.text[host:stop]))
	if isIPText([]byte(name)) {
		return host // what is logged of a connection: user@address
	}
	if stop-host > longestRun || (!defanged && !isKnownDomain(name)) || isAlgorithm(name) || !f.emit(intel.EmailAddress, start, stop) {
		return stop
	}
	return stop
}

// algorithmOwners name ciphers "name@domain" (RFC 4251 §6).
var algorithmOwners = [...]string{"openssh.com", "libssh.org", "lysator.liu.se", "ssh.com", "putty.projects.tartarus.org"}

func isAlgorithm(domain string) bool {
	for _, owner := range algorithmOwners {
		if domain == owner {
			return true
		}
	}
	return false
}

// replacementAt is bracketed at a position.
func (f *finder) replacementAt(at int) (string, int) {
	if at >= len(f.text) {
		return "", 0
	}
	return bracketed(f.text[at:])
}

// name reports what the run itself is.
func (f *finder) name(at, end int, defanged bool) {
	if f.cve(at, end) {
		return
	}
	switch text := f.text[at:end]; {
	case end-at > longestRun:
	case f.hash(at, end), f.wallet(at, end):
	case hasHexForm(text, macForms[1]):
		f.emit(intel.MACAddress, at, end)
	case len(text) >= 6 && text[0] == 'A' && text[1] == 'S' && allDigits(text[2:]):
		f.emit(intel.ASN, at, end)
	case f.isNamedFile(at, end) && f.emit(intel.FileName, at, end):
	case f.isDomain(at, end, defanged):
		f.emit(intel.Domain, at, end)
	case f.isFile(at, end):
		f.emit(intel.FileName, at, end)
	}
}

// cve reports the numbers of vulnerabilities in a run, which often are part of
// a longer word.
func (f *finder) cve(at, end int) (found bool) {
	for at+len("cve-0000-0000") <= end {
		if !hasPrefixFold(f.text[at:end], "cve") || (at > 0 && isAlnum(f.before(at))) {
			at++
			continue
		}
		stop := at + len("cve-0000-")
		for stop < len(f.text) && isDigit(f.text[stop]) {
			stop++
		}
		if f.emit(intel.CVE, at, stop) {
			found = true
		}
		at = stop
	}
	return found
}

// hash reports a hash of a file or a fingerprint.
func (f *finder) hash(at, end int) bool {
	text := f.text[at:end]
	kind := hashKind(len(text))
	if kind == intel.NoObservable || !allHex(text) || !looksRandom(text) || f.isEncodedText(at) {
		return false
	}
	if c, d := f.before(at), f.after(end); c == '+' || c == '$' || d == '+' || d == '$' || (isSeparator(c) && isSeparator(d)) {
		return false
	}
	if kind == intel.MD5 {
		if f.follows(at, "imphash") {
			kind = intel.ImpHash
		} else if f.follows(at, "ja3") || f.follows(at, "ja3s") || f.follows(at, "ja3.hash") || f.follows(at, "ja3s.hash") {
			kind = intel.JA3
		}
	}
	return f.emit(kind, at, end)
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

// wallet reports an address of a cryptocurrency whose checksum is right.
func (f *finder) wallet(at, end int) bool {
	text := f.text[at:end]
	if len(text) < shortestBase58 || len(text) > moneroIntegrated || (len(text) >= moneroLength && !isMonero(text)) {
		return false
	}
	return f.emit(intel.Cryptocurrency, at, end)
}

// longestGroups bounds addresses and fingerprints with colons.
const longestGroups = 100

// colonGroups looks at groups of hexadecimal digits with colons between them.
func (f *finder) colonGroups(at, end int) int {
	if f.after(end) != ':' || end-at > 4 || !allHex(f.text[at:end]) {
		return 0
	}
	return f.groups(at)
}

// colons looks at an address that begins with two colons.
func (f *finder) colons(at int) int {
	if f.after(at+1) != ':' || isAlnum(f.before(at)) || f.before(at) == ']' || f.before(at) == ':' {
		return 0
	}
	return f.groups(at)
}

func (f *finder) groups(at int) int {
	end := at
	for end < len(f.text) && end < at+longestGroups {
		c := f.text[end]
		if _, hex := unhex(c); !hex && c != ':' && c != '.' {
			break
		}
		end++
	}
	if isAlnum(f.after(end)) || f.before(at) == ':' || f.before(at) == '.' || f.before(at) == '-' {
		return 0
	}
	for end > at && (f.text[end-1] == '.' || (f.text[end-1] == ':' && (end < at+2 || f.text[end-2] != ':'))) {
		end--
	}
	text := f.text[at:end]
	switch {
	case hasHexForm(text, macForms[0]):
		f.emit(intel.MACAddress, at, end)
	case isFingerprint(text):
		f.emit(intel.Certificate, at, end)
	case isIPv6Text(text):
		if bits := f.prefixLength6(end); bits > 0 && f.emit(intel.IPRange, at, bits) {
			return bits
		}
		f.emit(intel.IPAddress, at, end)
	case len(text) == len("00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"): // a fingerprint of another kind
	default:
		return 0
	}
	return end
}

func isFingerprint(text []byte) bool {
	if n := len(text); n != 20*3-1 && n != 32*3-1 {
		return false
	}
	for i, c := range text {
		if _, hex := unhex(c); hex != (i%3 != 2) {
			return false
		}
	}
	return true
}

// isIPv6Text tells addresses from times and from words joined by colons.
func isIPv6Text(text []byte) bool {
	if _, ok := parseIPv6(text); !ok {
		return false
	}
	if bytes.HasPrefix(text, []byte("::")) {
		return len(text) > 2 && (string(text) == "::1" || bytes.Count(text, []byte(":")) > 2)
	}
	if colons := bytes.Count(text, []byte(":")); colons > 2 {
		return true
	}
	return bytes.IndexByte(text, ':') >= 3 && bytes.ContainsAny(text, "0123456789")
}

func (f *finder) prefixLength6(at int) int {
	if f.after(at) != '/' {
		return 0
	}
	end := at + 1
	for end < len(f.text) && end < at+4 && isDigit(f.text[end]) {
		end++
	}
	if _, ok := parseDecimal(f.text[at+1:end], 128); !ok || isAlnum(f.after(end)) || f.after(end) == '/' {
		return 0
	}
	return end
}
