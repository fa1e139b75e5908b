package observable

import (
	"bytes"

	"tocsin/intel"
)

// schemes are those of URLs that name a host.
var schemes = map[string]bool{
	"http": true, "https": true, "ftp": true, "ftps": true, "sftp": true, "tftp": true, "tcp": true, "udp": true, "ldap": true, "ldaps": true,
	"rmi": true, "iiop": true, "ws": true, "wss": true, "smb": true, "ssh": true, "telnet": true, "gopher": true, "rtsp": true, "svn": true,
	"git": true, "irc": true, "mqtt": true, "socks4": true, "socks5": true, "dns": true, "webdav": true, "nfs": true, "vnc": true, "rdp": true,
}

// longestScheme is the longest of them.
const longestScheme = 6

// url reports a URL whose scheme is the run.
func (f *finder) url(r run) int {
	stop := r.end
	if replaced, size := f.replacementAt(stop); replaced == "s" {
		stop += size
	}
	host := f.afterScheme(stop)
	if host == 0 || !isScheme(f.text[r.start:r.end]) {
		return 0
	}
	last := f.urlEnd(r.start, host)
	if !isFragment(f.text[host:last]) {
		f.emit(intel.URL, r.start, last)
	}
	return max(last, host)
}

// isFragment tells the beginning of an address from a host that is written as
// one number: rules look for "http://1".
func isFragment(host []byte) bool {
	const fewestDigits = len("16777216") // of an address as one number, 1.0.0.0
	return len(host) < fewestDigits && allDigits(host)
}

func isScheme(text []byte) bool {
	var scheme [longestScheme]byte
	if len(text) > len(scheme) || len(text) == 0 {
		return false
	}
	name := scheme[:copy(scheme[:], text)]
	for i, c := range name {
		name[i] = lower(c)
	}
	if len(name) >= len("http") && isDefangedHTTP(name) {
		copy(name, "http")
	}
	return schemes[string(name)]
}

// marks are the ways in which "://" is written.
var marks = [...]string{"://", "[:]//", "[://]", "(:)//", "[:]\\/\\/", ":\\/\\/", "[:/]/", "(://)", "{:}//", ":[//]", "[:][/][/]", "[:]\\\\", ":\\\\"}

// afterScheme returns where the host begins after "://", 0 when there is none.
func (f *finder) afterScheme(at int) int {
	for _, mark := range marks {
		if bytes.HasPrefix(f.text[at:], []byte(mark)) {
			return at + len(mark)
		}
	}
	return 0
}

// urlEnd returns where a URL ends whose host begins at host.
func (f *finder) urlEnd(start, host int) int {
	end, open := host, 0
	limit := min(len(f.text), start+longestURL)
	for end < limit {
		if _, size := bracketed(f.text[end:]); size > 0 {
			end += size
			continue
		}
		switch f.text[end] {
		case '(':
			open++
		case ')':
			open--
		}
		if open < 0 || f.endsURL(start, end) { // the bracket was opened before the URL
			break
		}
		end++
	}
	return f.trimURL(host, end)
}

// endsURL reports whether the byte at a position is none of a URL's.
func (f *finder) endsURL(start, at int) bool {
	switch c := f.text[at]; c {
	case '"', '<', '>', '`', '|', '^', '{', '}', '\'':
		return true
	case '\\':
		next := at
		for f.after(next) == '\\' {
			next++
		}
		if c := f.after(next); c == '/' || c == '.' {
			return false
		}
		// Some servers take a backslash for a slash: "/../\\boot.ini".
		before := f.text[at-1]
		return f.escapes(at) || !isAlnum(f.after(next)) || before != '/' && before != '.' && before != '\\'
	case ',', ';':
		next := f.after(at + 1)
		return isSpace(next) || next == '"' || next == '\'' || hasPrefixFold(f.text[at+1:], "http") || hasPrefixFold(f.text[at+1:], "hxxp")
	case '&':
		return hasPrefixFold(f.text[at:], "&quot;") || hasPrefixFold(f.text[at:], "&lt;") || hasPrefixFold(f.text[at:], "&gt;")
	case '[':
		return at > start && f.text[at-1] != '/' && f.text[at-1] != '@' && bytes.IndexByte(f.text[start:at], '?') < 0
	default:
		return c <= ' ' || c >= 0x7f
	}
}

// trimURL removes punctuation at the end, and closing brackets that were not
// opened within the URL.
func (f *finder) trimURL(host, end int) int {
	for end > host {
		switch c := f.text[end-1]; c {
		case '.', ',', ';', ':', '!', '?', '*', '\\':
		case ')', ']':
			if _, size := f.lastReplacement(host, end); size > 0 {
				return end
			}
			opening := byte('(')
			if c == ']' {
				opening = '['
			}
			text := f.text[host:end]
			if bytes.Count(text, []byte{opening}) >= bytes.Count(text, []byte{c}) {
				return end
			}
		default:
			return end
		}
		end--
	}
	return end
}

// lastReplacement returns the replacement that ends a text, if one does.
func (f *finder) lastReplacement(start, end int) (string, int) {
	for at := max(start, end-2-longestWord); at < end; at++ {
		if replaced, size := bracketed(f.text[at:end]); size > 0 && at+size == end {
			return replaced, size
		}
	}
	return "", 0
}

// hostWithPath reports a URL without scheme: an address or a domain, perhaps
// with a port, and a path. An address is one only when its run is said to be
// a host.
func (f *finder) hostWithPath(r run, isHost bool) int {
	if r.start < f.looked || !r.dot { // an earlier look came this far and found no path
		return 0
	}
	slash := r.end
	if f.after(slash) == ':' {
		slash++
		for slash < r.end+len(":65535") && isDigit(f.after(slash)) {
			slash++
		}
	}
	if f.after(slash) != '/' && !bytes.HasPrefix(f.text[min(slash, len(f.text)):], []byte("[/]")) {
		return 0
	}
	if !f.isDomain(r) && (!isHost || !startsPath(f.after(slash+1)) || !isIPText(f.plain(r))) {
		return 0
	}
	if f.before(r.start) == '=' && startsName(f.text[min(slash+1, len(f.text)):]) { // "CN=example.com/O=Example"
		return 0
	}
	last := f.urlEnd(r.start, slash)
	f.looked = last
	if last <= slash || f.isAlternative(r.start, slash, last) || !f.emit(intel.URL, r.start, last) {
		return 0
	}
	return last
}

// startsPath tells the first byte of a path from what else follows an address
// and a slash.
func startsPath(c byte) bool { return isAlnum(c) || bytes.IndexByte([]byte("%~?[./"), c) >= 0 }

// isAlternative tells "example.com/example.org" and "192.0.2.1/192.0.2.2" from
// a host with a path.
func (f *finder) isAlternative(at, slash, end int) bool {
	path := appendRefanged(nil, f.text[slash+1:end])
	if isIPText(path) || isKnownDomain(path) && !isFileName(string(path)) {
		return true
	}
	address := isIPText(f.text[at:slash])
	return address && (allDigits(path) || bytes.IndexByte(path, '/') < 0 && !bytes.ContainsAny(path, ".?=") && len(path) < 8)
}
