package observable

import "bytes"

// longestRegistryKey bounds a key with the name of a value. A key's parts may
// have 255 characters each, a value's name 16,383; real ones stay below 1,000.
const longestRegistryKey = 4096

// registryNames stand before a key where a program shows one.
var registryNames = [...]string{`registry::`, `microsoft.powershell.core\registry::`, `computer\`, `my computer\`}

// hives are the names of the roots and the form of each.
var hives = [...]struct{ name, form string }{
	{`hklm`, `hklm`},
	{`hkey_local_machine`, `hklm`},
	{`\registry\machine`, `hklm`},
	{`hkcu`, `hkcu`},
	{`hkey_current_user`, `hkcu`},
	{`hku`, `hku`},
	{`hkey_users`, `hku`},
	{`\registry\user`, `hku`},
	{`hkcr`, `hklm\software\classes`},
	{`hkey_classes_root`, `hklm\software\classes`},
	{`hkcc`, `hklm\system\currentcontrolset\hardware profiles\current`},
	{`hkey_current_config`, `hklm\system\currentcontrolset\hardware profiles\current`},
	{`\registry\a`, `hka`},
	{`\\registry\\machine`, `hklm`}, // as JSON writes it
	{`\\registry\\user`, `hku`},
	{`\\registry\\a`, `hka`},
}

func appendRegistryKey(dst, text []byte) ([]byte, bool) {
	text = unquote(text)
	if n := len(text); n > 2 && text[0] == '[' && text[n-1] == ']' { // as .reg files write it
		text = text[1 : n-1]
	}
	if len(text) > longestRegistryKey || hasControl(text) {
		return dst, false
	}
	text = trimEnd(text)
	for _, name := range registryNames {
		text, _ = cutPrefixFold(text, name)
	}
	for _, hive := range hives {
		rest, ok := cutPrefixFold(text, hive.name)
		if !ok {
			continue
		}
		rest = bytes.TrimPrefix(rest, []byte(":")) // PowerShell's drives
		if len(rest) == 0 || rest[0] != '\\' {
			continue
		}
		start := len(dst)
		dst = append(dst, hive.form...)
		dst = appendKeyParts(dst, rest)
		return foldHive(dst, start)
	}
	return dst, false
}

// appendKeyParts appends parts in lower case, each after one backslash.
func appendKeyParts(dst, text []byte) []byte {
	for len(text) > 0 {
		text = bytes.TrimLeft(text, `\`)
		end := bytes.IndexByte(text, '\\')
		if end < 0 {
			end = len(text)
		}
		if end > 0 {
			dst = append(dst, '\\')
			dst = appendLower(dst, text[:end])
		}
		text = text[end:]
	}
	return dst
}

// foldHive gives parts that are names of the same key one form: the control
// sets, of which one is the current, and the hives of people, which lists
// write HKCU and telemetry HKU\SID.
func foldHive(dst []byte, start int) ([]byte, bool) {
	key := dst[start:]
	if rest, ok := bytes.CutPrefix(key, []byte(`hklm\system\controlset`)); ok && len(rest) >= 3 &&
		isDigit(rest[0]) && isDigit(rest[1]) && isDigit(rest[2]) && (len(rest) == 3 || rest[3] == '\\') {
		dst = replace(dst, start, len(key)-len(rest)+3, `hklm\system\currentcontrolset`)
	} else if rest, ok := bytes.CutPrefix(key, []byte(`hku\`)); ok {
		sid, _, _ := bytes.Cut(rest, []byte(`\`))
		owner, classes := bytes.CutSuffix(sid, []byte("_classes"))
		switch {
		case !isPersonSID(owner):
		case classes:
			dst = replace(dst, start, len(`hku\`)+len(sid), `hkcu\software\classes`)
		default:
			dst = replace(dst, start, len(`hku\`)+len(sid), `hkcu`)
		}
	}
	return dst, bytes.IndexByte(dst[start:], '\\') >= 0
}

// isPersonSID tells the SIDs of accounts, local or of a domain (S-1-5-21) or
// of Entra ID (S-1-12-1), from those of the system itself.
func isPersonSID(sid []byte) bool {
	return bytes.HasPrefix(sid, []byte("s-1-5-21-")) || bytes.HasPrefix(sid, []byte("s-1-12-1-"))
}

// replace puts form in the place of the n bytes from start on.
func replace(dst []byte, start, n int, form string) []byte {
	rest := len(dst) - start - n
	for range len(form) - n {
		dst = append(dst, 0)
	}
	copy(dst[start+len(form):], dst[start+n:start+n+rest])
	copy(dst[start:], form)
	return dst[:start+len(form)+rest]
}
