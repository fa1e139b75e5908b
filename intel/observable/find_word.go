package observable

import (
	"bytes"

	"tocsin/intel"
)

// word looks at a run and what follows it.
func (f *finder) word(at int) int {
	r := f.run(at)
	if next := f.joined(r); next > 0 {
		return next
	}
	// Most words of a text end here.
	if !r.dot && !r.digit && r.end-r.start < shortestBase58 {
		return f.system(r)
	}
	short := f.trim(r)
	if next := f.address(short); next > 0 {
		return next
	}
	if next := f.hostWithPath(short, r.defanged); next > 0 {
		return next
	}
	f.name(short)
	return r.end
}

// joined looks for what the byte after a run joins to it.
func (f *finder) joined(r run) int {
	next := f.after(r.end)
	bracket := next == '[' || next == '(' || next == '{'
	if next == ':' || bracket {
		if end := f.url(r); end > 0 {
			return end
		}
	}
	if next == ':' || next == '\\' {
		if end := f.path(r.start); end > 0 {
			return end
		}
	}
	if next == ':' && r.end-r.start <= 4 && allHex(f.text[r.start:r.end]) {
		if end := f.groups(r.start); end > 0 {
			return end
		}
	}
	if next == '@' || bracket {
		return f.email(r)
	}
	return 0
}

// longestRun bounds runs that are looked at as a name or an address:
// defanging takes up to four bytes for a dot.
const longestRun = 4 * longestName

// address reports IPv4 addresses, ranges of them, and two joined by a hyphen.
func (f *finder) address(r run) int {
	if r.end-r.start > longestRun || !r.dot || !isDigit(f.text[r.start]) {
		return 0
	}
	plain := f.plain(r)
	if first, second, found := bytes.Cut(plain, []byte("-")); found && !r.defanged && isIPText(first) && (isIPText(second) || isLastNumber(second)) {
		middle := r.start + len(first)
		f.emit(intel.IPAddress, r.start, middle)
		if isIPText(second) {
			f.emit(intel.IPAddress, middle+1, r.end)
		}
		return r.end
	}
	a, ok := parseIPv4(plain)
	if !ok || (!r.defanged && f.isVersion(r.start, r.end, a)) {
		return 0
	}
	if end := f.prefixLength(r.end, 32); end > 0 && f.emit(intel.IPRange, r.start, end) {
		return end
	}
	if end := f.hostWithPath(r, true); end > 0 {
		return end
	}
	f.emit(intel.IPAddress, r.start, r.end)
	return r.end
}

// isLastNumber tells the end of a range as scanners write it, "192.0.2.1-254".
func isLastNumber(text []byte) bool {
	_, ok := parseDecimal(text, 255)
	return ok
}

// prefixLength returns where "/24" after an address ends, 0 when there is none.
// No bits at all are a range only of the address that says "any".
func (f *finder) prefixLength(at, limit int) int {
	if f.after(at) != '/' {
		return 0
	}
	end := at + 1
	for end < len(f.text) && end < at+4 && isDigit(f.text[end]) {
		end++
	}
	if bits, ok := parseDecimal(f.text[at+1:end], limit); !ok || bits == 0 && f.text[at-1] != '0' && f.text[at-1] != ':' {
		return 0
	}
	if next := f.after(end); isAlnum(next) || next == '/' || next == '_' || (next == '.' && isAlnum(f.after(end+1))) {
		return 0
	}
	return end
}

// email reports an address when an @ follows the run. It also ends the search
// for what an address that is none holds.
func (f *finder) email(r run) int {
	sign := 1
	if f.after(r.end) != '@' {
		replaced, size := f.replacementAt(r.end)
		if replaced != "@" {
			return 0
		}
		sign = size
	}
	at := r.end + sign
	if at >= len(f.text) || runSize(f.text[at:]) == 0 {
		return at
	}
	host := f.trim(f.run(at))
	name := f.plain(host)
	if isIPText(name) {
		return at // what is logged of a connection: user@address
	}
	if f.isRemote(host.end) || f.isMessageID(r.start) {
		return max(host.end, at)
	}
	if len(name) <= longestName && (host.defanged || isKnownDomain(name)) && !isAlgorithm(name) {
		f.emit(intel.EmailAddress, f.localStart(r.start), host.end)
	}
	return max(host.end, at)
}

// isRemote reports whether a path on a host begins after its name, as in
// "git@example.com:a/b.git".
func (f *finder) isRemote(end int) bool {
	next := f.after(end + 1)
	return f.after(end) == ':' && (isLetter(next) || next == '/' || next == '~')
}

// messageIDs are fields of a mail that hold the identifiers of mails, which
// look like addresses (RFC 5322 §3.6.4, RFC 2045 §7).
var messageIDs = [...]string{"message-id", "in-reply-to", "references", "content-id", "msg_id", "message_id", "messageid"}

func (f *finder) isMessageID(at int) bool {
	for _, name := range messageIDs {
		if f.follows(f.localStart(at), name) {
			return true
		}
	}
	return false
}

// localStart returns where the part before the @ begins, of which the run is
// the end: it may hold characters that no name does.
func (f *finder) localStart(at int) int {
	start := at
	for start > f.done && start > at-longestLocal && isLocal(f.before(start)) && bytes.IndexByte([]byte(`='/`), f.text[start-1]) < 0 {
		start--
	}
	return start
}

// algorithmOwners name ciphers "name@domain" (RFC 4251 §6).
var algorithmOwners = [...]string{"openssh.com", "libssh.org", "lysator.liu.se", "ssh.com", "putty.projects.tartarus.org"}

func isAlgorithm(domain []byte) bool {
	for _, owner := range algorithmOwners {
		if string(domain) == owner {
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
func (f *finder) name(r run) {
	at, end := r.start, r.end
	if end-at >= len("cve-0000-0000") && r.digit && f.cve(at, end) {
		return
	}
	switch text := f.text[at:end]; {
	case end-at > longestRun:
	case r.dot:
		f.dotted(r)
	case f.hash(at, end), f.wallet(at, end):
	case hasHexForm(text, macForms[1]):
		f.emit(intel.MACAddress, at, end)
	case end-at == len(ja4Form) && text[len("t13d1516h2")] == '_':
		f.emit(intel.JA4, at, end)
	case f.isSystem(at, end):
		f.emit(intel.ASN, at, end)
	}
}

// shortestASN keeps words like AS400 out: numbers of fewer digits are rare, and
// taken only where nothing else stands beside them.
const (
	shortestASN      = len("AS1234")
	shortestAloneASN = len("AS123")
)

// isSystem reports whether a run is the number of an autonomous system.
func (f *finder) isSystem(at, end int) bool {
	text := f.text[at:end]
	switch {
	case len(text) < len("AS12") || text[0] != 'A' || text[1] != 'S':
		return false
	case text[2] == 'N':
		return len(text) >= len("ASN123") && allDigits(text[3:]) // not ASN1, which is a notation
	case !allDigits(text[2:]):
		return false
	}
	alone := at == 0 && end == len(f.text) || f.before(at) == '"' && f.after(end) == '"' || f.before(at) == '(' && f.after(end) == ')'
	return len(text) >= shortestASN || alone && len(text) >= shortestAloneASN || f.follows(at, "asn")
}

// system reports the number of an autonomous system that is written apart from
// its sign: "ASN 64496", "AS 64496", "asn":64496. It returns where the search
// goes on.
func (f *finder) system(r run) int {
	named := r.end-r.start == len("ASN") && hasPrefixFold(f.text[r.start:], "asn")
	if !named && string(f.text[r.start:r.end]) != "AS" {
		return r.end
	}
	at := r.end
	for at < len(f.text) && at < r.end+len(`": `) && bytes.IndexByte([]byte(` ":=`), f.text[at]) >= 0 {
		at++
	}
	end := at
	for end < len(f.text) && isDigit(f.text[end]) {
		end++
	}
	if at == r.end || isAlnum(f.after(end)) || f.after(end) == '.' && isDigit(f.after(end+1)) {
		return r.end
	}
	start := at
	if at == r.end+1 && f.text[r.end] == ' ' {
		start = r.start
	}
	const fewestDigits = len("64496") // of "AS 64496": fewer may be a year
	if digits := end - at; digits > 1 && (named || start == r.start && digits >= fewestDigits) && f.emit(intel.ASN, start, end) {
		return end
	}
	return r.end
}

// dotted reports a domain or the name of a file.
func (f *finder) dotted(r run) {
	switch {
	case f.isNamedFile(r.start, r.end) && f.emit(intel.FileName, r.start, r.end):
	case f.isDomain(r):
		f.emit(intel.Domain, r.start, r.end)
	case f.isFile(r.start, r.end):
		f.emit(intel.FileName, r.start, r.end)
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

// wallet reports an address of a cryptocurrency whose checksum is right.
func (f *finder) wallet(at, end int) bool {
	text := f.text[at:end]
	return len(text) >= shortestBase58 && len(text) <= moneroIntegrated && f.emit(intel.Cryptocurrency, at, end)
}

// longestGroups bounds addresses and fingerprints with colons.
const longestGroups = 100

// colons looks at an address that begins with two colons.
func (f *finder) colons(at int) int {
	if f.after(at+1) != ':' || isAlnum(f.before(at)) || f.before(at) == ']' || f.before(at) == ':' {
		return 0
	}
	return f.groups(at)
}

// groups looks at groups of hexadecimal digits with colons between them.
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
		if bits := f.prefixLength(end, 128); bits > 0 && f.emit(intel.IPRange, at, bits) {
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
