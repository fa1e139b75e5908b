package observable

import (
	"bytes"
	"slices"
)

// longestPath bounds a path (PATH_MAX on Linux; Windows programs rarely pass
// 260), longestFileName a name without folder.
const (
	longestPath     = 4096
	longestFileName = 255
)

func appendFileName(dst, text []byte) ([]byte, bool) {
	text = unquote(text)
	if len(text) == 0 || len(text) > longestFileName {
		return dst, false
	}
	onlyDots := true
	for _, c := range text {
		if c < ' ' || c == 0x7f || isSeparator(c) {
			return dst, false
		}
		onlyDots = onlyDots && c == '.'
	}
	return appendLower(dst, text), !onlyDots
}

func appendFilePath(dst, text []byte) ([]byte, bool) {
	text = unquote(text)
	if len(text) == 0 || len(text) > longestPath {
		return dst, false
	}
	if out, ok := appendUsualPath(dst, text); ok {
		return out, true
	}
	return appendUnusualPath(dst, text)
}

func appendUnusualPath(dst, text []byte) ([]byte, bool) {
	if hasControl(text) {
		return dst, false
	}
	if text[0] == '$' {
		text = withoutShell(text)
	}
	if isPOSIX(text) {
		start := len(dst)
		dst = appendPOSIXPath(dst, text)
		return dst, bytes.IndexByte(dst[start:], '/') >= 0
	}
	if bytes.IndexByte(text, '\\') < 0 && !hasDrive(text) {
		return dst, false
	}
	return appendWindowsPath(dst, text)
}

// pathBytes gives each ASCII byte that may stand in the usual path its lower
// case, every other zero.
var pathBytes = func() (table [256]byte) {
	for c := byte(' '); c < 0x7f; c++ {
		if c != '/' && bytes.IndexByte([]byte(notInPaths), c) < 0 {
			table[c] = lower(c)
		}
	}
	return table
}()

// appendUsualPath appends a path on a drive that needs nothing but lower case:
// nearly all that telemetry has.
func appendUsualPath(dst, text []byte) ([]byte, bool) {
	if n := len(text); !hasDrive(text) || text[n-1] == '\\' || text[n-1] == ' ' {
		return dst, false
	}
	start := len(dst)
	dst = append(dst, text...)
	out := dst[start:]
	last := byte(0)
	for i, c := range out {
		b := pathBytes[c]
		if b == 0 || b == '\\' && last == '\\' {
			return dst, false
		}
		out[i], last = b, b
	}
	return dst, true
}

// isPOSIX says whether a path is one of Linux or macOS: Windows writes "//"
// for "\\" only when asked to, and then before the name of a server.
func isPOSIX(text []byte) bool {
	return text[0] == '/' || bytes.HasPrefix(text, []byte("~/")) || bytes.HasPrefix(text, []byte("./"))
}

// withoutShell returns a path that begins with a variable as shells write it in
// the form of those that need no shell.
func withoutShell(text []byte) []byte {
	if home := homeLength(text); home > 0 {
		return slices.Concat([]byte("~"), text[home:])
	}
	if name := powerShellVariable(text); name > 0 {
		return slices.Concat([]byte("%"), text[len(powerShellDrive):name], []byte("%"), text[name:])
	}
	return text
}

// homeNames are what shells call a person's folder beside "~".
var homeNames = [...]string{"$HOME", "${HOME}"}

// homeLength returns how long the name of a person's folder is with which a
// path begins, 0 when it begins with none.
func homeLength(text []byte) int {
	if text[0] != '$' {
		return 0
	}
	for _, name := range homeNames {
		if rest, ok := bytes.CutPrefix(text, []byte(name)); ok && len(rest) > 1 && rest[0] == '/' {
			return len(name)
		}
	}
	return 0
}

// powerShellDrive is where PowerShell has the variables of the environment.
const powerShellDrive = "$env:"

// powerShellVariable returns where the name of such a variable ends that a
// Windows path begins with, 0 when it begins with none.
func powerShellVariable(text []byte) int {
	if text[0] != '$' || !hasPrefixFold(text, powerShellDrive) {
		return 0
	}
	end := len(powerShellDrive)
	for end < len(text) && (isLetter(text[end]) || text[end] == '_') {
		end++
	}
	if end == len(powerShellDrive) || end == len(text) || text[end] != '\\' {
		return 0
	}
	return end
}

func hasDrive(text []byte) bool {
	return len(text) >= 3 && isLetter(text[0]) && text[1] == ':' && (text[2] == '\\' || text[2] == '/')
}

func appendPOSIXPath(dst, text []byte) []byte {
	start := len(dst)
	for at := 0; at < len(text); {
		end := len(text)
		if next := bytes.IndexByte(text[at+1:], '/'); next >= 0 {
			end = at + 1 + next
		}
		if part := text[at:end]; at == 0 && part[0] != '/' {
			dst = append(dst, part...)
		} else if len(part) > 1 && string(part) != "/." {
			dst = append(dst, part...)
		}
		at = end
	}
	if len(dst) == start {
		return append(dst, '/')
	}
	return dst
}

// objectPrefixes are names that the object manager and the Win32 API have for
// what lies below them, and what stands for each: nothing where the rest is a
// full name, a backslash more where it is the name of a server.
var objectPrefixes = [...]struct{ prefix, form string }{
	{`\??\unc`, `\`},
	{`\\?\unc`, `\`},
	{`\device\mup`, `\`},
	{`\systemroot`, `\windows`},
	{`%systemroot%`, `\windows`},
	{`%windir%`, `\windows`},
	{`%systemdrive%`, ``},
	{`\??\globalroot`, ``},
	{`\\?\globalroot`, ``},
	{`\\.\globalroot`, ``},
	{`\??`, ``},
	{`\\?`, ``},
	{`\dosdevices`, ``},
}

const volumeDevice = `\device\harddiskvolume`

// notInPaths are bytes that no file's name holds on Windows.
const notInPaths = `*?"<>|`

func appendWindowsPath(dst, text []byte) ([]byte, bool) {
	form := ""
	for found := text[0] == '\\' || text[0] == '%'; found && form == ""; {
		if text, form, found = cutObjectPrefix(text); found && hasDrive(text[1:]) {
			text = text[1:]
		}
	}
	if bytes.ContainsAny(text, notInPaths) || len(bytes.Trim(text, `\/`)) == 0 {
		return dst, false
	}
	start := len(dst)
	if text = trimEnd(text); len(text) == 2 && text[1] == ':' {
		return append(dst, lower(text[0]), ':', '\\'), true // the folder of a drive
	}
	dst = append(dst, form...)
	if form == "" && len(text) > 1 && isSeparator(text[0]) && isSeparator(text[1]) {
		dst = append(dst, '\\') // before a server's name
	}
	dst = appendWindowsParts(dst, text)
	return dst, bytes.IndexByte(dst[start:], '\\') >= 0
}

// cutObjectPrefix removes one prefix; what is left begins with a separator.
func cutObjectPrefix(text []byte) (rest []byte, form string, found bool) {
	for _, p := range objectPrefixes {
		if rest, ok := cutPrefixFold(text, p.prefix); ok && len(rest) > 0 && isSeparator(rest[0]) {
			return rest, p.form, true
		}
	}
	if rest, ok := cutPrefixFold(text, volumeDevice); ok {
		digits := 0
		for digits < len(rest) && isDigit(rest[digits]) {
			digits++
		}
		if digits > 0 && digits < len(rest) && isSeparator(rest[digits]) {
			return rest[digits:], "", true
		}
	}
	return text, "", false
}

func isSeparator(c byte) bool { return c == '\\' || c == '/' }

// appendWindowsParts appends the parts of a path in lower case, one backslash
// between them.
func appendWindowsParts(dst, text []byte) []byte {
	for len(text) > 0 {
		end := bytes.IndexAny(text, `\/`)
		switch {
		case end < 0:
			return appendLower(dst, text)
		case end > 0:
			dst = appendLower(dst, text[:end])
		}
		for end < len(text) && isSeparator(text[end]) {
			end++
		}
		text = text[end:]
		if len(text) > 0 {
			dst = append(dst, '\\')
		}
	}
	return dst
}

// WithoutDrive returns what follows the drive of a Windows path in normal form,
// "\windows\x.exe": the form that the path has where telemetry names a device
// instead of a drive. The result is a part of path.
func WithoutDrive(path []byte) []byte {
	if hasDrive(path) {
		return path[2:]
	}
	return path
}

// baseName returns the last part of a path in normal form.
func baseName(path []byte) []byte {
	at := len(path)
	for at > 0 && !isSeparator(path[at-1]) {
		at--
	}
	return path[at:]
}
