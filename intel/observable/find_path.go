package observable

import (
	"bytes"

	"tocsin/intel"
)

// path reports a registry key or the path of a file.
func (f *finder) path(at int) int {
	text := f.text[at:]
	if before := f.before(at); isAlnum(before) || before == '\\' && (!isHive(text) || !f.isSet(at)) {
		return 0
	}
	switch {
	case isHive(text):
		return f.windows(intel.RegistryKey, at)
	case hasDrive(text), bytes.HasPrefix(text, []byte(`\\`)) && f.isServer(at), isObjectPath(text), text[0] == '%' && isVariable(text), isPowerShellVariable(text):
		return f.windows(intel.FilePath, at)
	case text[0] == '/', bytes.HasPrefix(text, []byte("~/")), homeLength(text) > 0:
		return f.posix(at)
	}
	return 0
}

// isSet reports whether the backslashes before a position are an escape or a
// slip, and not those of a path that goes on.
func (f *finder) isSet(at int) bool {
	before := bytes.TrimRight(f.text[max(0, at-lookBack):at], `\`)
	return len(before) == 0 || !isWordByte(before[len(before)-1]) && bytes.IndexByte([]byte("_})%$"), before[len(before)-1]) < 0
}

func isHive(text []byte) bool {
	// Most of what typed fields ask about is told by two bytes.
	if len(text) < 2 || lower(text[0]) != 'h' && (text[0] != '\\' || lower(text[1]) != 'r' && text[1] != '\\') {
		return false
	}
	for _, hive := range hives {
		if rest, ok := cutPrefixFold(text, hive.name); ok {
			rest = bytes.TrimPrefix(rest, []byte(":"))
			if len(rest) > 1 && rest[0] == '\\' && (isAlnum(rest[1]) || bytes.IndexByte([]byte(`\.{`), rest[1]) >= 0) {
				return true
			}
		}
	}
	return false
}

// objectFolders begin the names that the object manager has for files.
var objectFolders = [...]string{`\device\harddiskvolume`, `\\device\\harddiskvolume`, `\systemroot\`, `\??\`, `\\??\\`, `\\?\`, `\\\\?\\`}

func isObjectPath(text []byte) bool {
	for _, folder := range objectFolders {
		rest, ok := cutPrefixFold(text, folder)
		if !ok {
			continue
		}
		for len(rest) > 0 && isDigit(rest[0]) {
			rest = rest[1:]
		}
		below := bytes.TrimLeft(rest, `\`)
		doubled := text[1] == '\\' && folder[2] != '?' // as in JSON
		return len(below) > 0 && isWordByte(below[0]) && (!doubled || len(rest)-len(below) != 1)
	}
	return false
}

// isServer tells "\\server\share" from other uses of two backslashes. Where
// backslashes are written twice there are four, and two before the share.
func (f *finder) isServer(at int) bool {
	if bytes.IndexByte([]byte(`:])*%.`), f.before(at)) >= 0 {
		return false
	}
	text := f.text[at:min(len(f.text), at+longestName)]
	rest := bytes.TrimLeft(text, `\`)
	slashes := len(text) - len(rest)
	name := bytes.IndexByte(rest, '\\')
	if name < 2 || (slashes != 2 || f.json) && slashes != 4 || hasPrefixFold(rest, "pipe") || bytes.ContainsAny(rest[:name], " \t\"'<>|,;*?()[]{}") {
		return false
	}
	share := bytes.TrimLeft(rest[name:], `\`)
	return len(share) > 0 && isAlnum(share[0]) && len(rest)-name-len(share) == slashes/2
}

// isVariable tells "%TEMP%\x" from other uses of a percent sign.
func isVariable(text []byte) bool {
	end := bytes.IndexByte(text[1:min(len(text), 40)], '%') + 1
	if end < 3 || end+1 >= len(text) || text[end+1] != '\\' {
		return false
	}
	for _, c := range text[1:end] {
		if !isLetter(c) && c != '_' && c != '(' && c != ')' && !isDigit(c) {
			return false
		}
	}
	return true
}

// isPowerShellVariable tells "$env:TEMP\x" from other uses of a dollar sign.
func isPowerShellVariable(text []byte) bool {
	name := powerShellVariable(text)
	return name > 0 && name+1 < len(text) && text[name] == '\\' && isWordByte(text[name+1])
}

// windows reports a path or a key, whose parts may hold blanks.
func (f *finder) windows(kind intel.ObservableKind, at int) int {
	end := f.windowsEnd(at)
	last := end
	for last > at && bytes.IndexByte([]byte(`\.,;:!?)]' %`), f.text[last-1]) >= 0 {
		if c := f.text[last-1]; c == ')' && bytes.IndexByte(f.text[at:last], '(') >= 0 || c == ']' && bytes.IndexByte(f.text[at:last], '[') >= 0 ||
			c == '%' && bytes.Count(f.text[at:last], []byte("%"))%2 == 0 {
			break
		}
		last--
	}
	if path := f.text[at:last]; bytes.IndexByte(path, '\\') < 0 || isExpression(path) || !f.emit(kind, at, last) {
		return 0
	}
	return end
}

// isExpression tells a regular expression for paths.
func isExpression(text []byte) bool {
	return bytes.Contains(text, []byte(`\+`)) || bytes.Contains(text, []byte("[a-z")) || bytes.Contains(text, []byte("[0-9"))
}

// windowsEnd returns where a path ends: at a byte that no path holds, or at a
// blank unless the path goes on after it.
func (f *finder) windowsEnd(at int) int {
	limit := min(len(f.text), at+longestPath)
	for end := at; end < limit; end++ {
		if f.endsPath(at, end) {
			return end
		}
	}
	return limit
}

// endsPath reports whether the path that begins at a position ends at another.
func (f *finder) endsPath(at, end int) bool {
	next := f.after(end + 1)
	quoted := bytes.IndexByte([]byte("\"'`>"), f.before(at)) >= 0
	switch c := f.text[end]; c {
	case '"', '<', '>', '|', '`', '*', ';':
		return true
	case '?':
		return end > at+len(`\\?\`)
	case '\'':
		return f.before(at) == c || isSpace(next) || next == ')' || next == ','
	case '\\':
		return next == '"' || next == '\'' || f.escapes(end)
	case ',':
		return isSpace(next) || next == '"' || next == ':' || hasExtension(f.text[at:end])
	case ':':
		return end > at+len(`\\?\C:`) && hasExtension(f.text[at:end])
	case '+': // the place in a program: "ntdll.dll+9c534"
		_, isHex := unhex(next)
		return isHex && hasExtension(f.text[at:end])
	case ' ':
		return (!quoted && !f.fillsLine(at) || hasExtension(f.text[at:end])) && !f.goesOn(at, end)
	default:
		return c < ' ' || isTypographic(f.text[end:])
	}
}

// fillsLine reports whether a path is all that stands on a line after a name, as
// in the messages of Windows events: "Image: C:\Program Files\x".
func (f *finder) fillsLine(at int) bool {
	start := at
	for start > max(0, at-longestGap) && (isSpace(f.text[start-1]) && f.text[start-1] != '\n' || f.escapeSize(start-len(`\t`)) > 0 && f.text[start-1] == 't') {
		start--
		if f.text[start] == 't' {
			start--
		}
	}
	if start == at || start == 0 || f.text[start-1] != ':' {
		return false
	}
	name := start - 1
	for name > 0 && name > start-longestGap && (isLetter(f.text[name-1]) || f.text[name-1] == ' ') && f.escapeSize(name-len(`\n`)) == 0 {
		name--
	}
	return name < start-1 && (name == 0 || f.text[name-1] == '\n' || f.text[name-1] == '\t' || f.escapeSize(name-len(`\n`)) > 0)
}

// isTypographic reports whether text begins with a dash or a quote that only
// prose has, or an ellipsis (U+2013 to U+2026).
func isTypographic(text []byte) bool {
	return len(text) > 2 && text[0] == 0xe2 && text[1] == 0x80 && text[2] >= 0x93 && text[2] <= 0xa6
}

// longestGap is how far a part of a path goes on after a blank.
const longestGap = 48

// goesOn reports whether a path goes on after a blank: another part comes soon,
// and what ends before the blank is no file.
func (f *finder) goesOn(at, blank int) bool {
	if hasExtension(f.text[at:blank]) {
		return false
	}
	words := 0
	for end := blank + 1; end < min(len(f.text), blank+longestGap); end++ {
		switch c := f.text[end]; {
		case c == '\\':
			return !isHive(f.text[blank+1+bytes.LastIndexByte(f.text[blank+1:end], ' ')+1:])
		case c == ' ':
			if words++; words > 4 {
				return false
			}
		case c == '(' || c == ')' || c == '-' || c == '_' || c == '.' || c == '&' || c == '+' || c == '~' || c == '{' || c == '}' || c >= 0x80:
			if c == '-' && f.before(end) == ' ' {
				return false // an option
			}
		case !isAlnum(c):
			return false
		}
	}
	return false
}

// longestExtension is above the length of every extension.
const longestExtension = 20

// hasExtension reports whether text ends like a file.
func hasExtension(text []byte) bool {
	text = text[max(0, len(text)-longestExtension):]
	dot := bytes.LastIndexByte(text, '.')
	if dot < 0 {
		return false
	}
	_, ok := extensionOf(string(text[dot:]))
	return ok
}

// systemFolders are the first parts of paths on Linux and macOS.
var systemFolders = map[string]bool{
	"bin": true, "boot": true, "dev": true, "etc": true, "home": true, "lib": true, "lib64": true, "media": true, "mnt": true, "opt": true, "proc": true,
	"root": true, "run": true, "sbin": true, "srv": true, "sys": true, "tmp": true, "usr": true, "var": true,
	"Applications": true, "Library": true, "System": true, "Users": true, "Volumes": true, "private": true, "data": true,
}

// posix reports a path of Linux or macOS, below one of its usual folders or
// somebody's own.
func (f *finder) posix(at int) int {
	switch before := f.before(at); {
	case isSpace(before), bytes.IndexByte([]byte(`"'=(,;:>|[{!`+"`"), before) >= 0:
	default:
		return 0
	}
	if f.isRequested(at) {
		return 0
	}
	if end := f.shellHost(at); end > 0 {
		return end
	}
	end := at + max(1, homeLength(f.text[at:]))
	for end < len(f.text) && end < at+longestPath && isPathByte(f.text[end]) && !isTypographic(f.text[end:]) && (f.text[end] != '%' || !isCode(f.text[end:])) {
		end++
	}
	for end > at && bytes.IndexByte([]byte("/.,:"), f.text[end-1]) >= 0 {
		end--
	}
	if end <= at {
		return 0
	}
	first, rest, found := bytes.Cut(f.text[at+1:end], []byte("/"))
	if !found || len(rest) == 0 || f.text[at] == '/' && !systemFolders[string(first)] {
		return 0
	}
	if !f.emit(intel.FilePath, at, end) {
		return 0
	}
	return end
}

// methods are those of HTTP that ask for a path.
var methods = [...]string{"GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PROPFIND", "CONNECT", "PATCH"}

// isRequested reports whether a path is that of a URL: what stands before it
// names it so, or is a method of HTTP.
func (f *finder) isRequested(at int) bool {
	if f.follows(at, "url") || f.follows(at, "uri") || f.follows(at, "uri_path") || f.follows(at, "cs-uri-stem") {
		return true
	}
	before := bytes.TrimRight(f.text[max(0, at-lookBack):at], " \t\"")
	for _, method := range methods {
		if bytes.HasSuffix(before, []byte(method)) {
			return true
		}
	}
	return false
}

// shellHosts are names that bash gives to hosts: "/dev/tcp/192.0.2.7/80".
var shellHosts = [...]string{"/dev/tcp/", "/dev/udp/"}

// shellHost reports the address in such a name.
func (f *finder) shellHost(at int) int {
	for _, prefix := range shellHosts {
		if !bytes.HasPrefix(f.text[at:], []byte(prefix)) {
			continue
		}
		host := at + len(prefix)
		end := host
		for end < len(f.text) && (isDigit(f.text[end]) || f.text[end] == '.') {
			end++
		}
		if isIPText(f.text[host:end]) && f.emit(intel.IPAddress, host, end) {
			return end
		}
	}
	return 0
}

func isPathByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c >= 0x80 || bytes.IndexByte([]byte("/._-+@~%"), c) >= 0
}
