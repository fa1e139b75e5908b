package observable

import "strings"

// isKnownDomain reports whether a name ends in a public suffix of the ICANN
// part of the list, or in .onion, and has a label before it.
func isKnownDomain(name []byte) bool {
	var room [longestName + 1]byte
	form, ok := appendDomain(room[:0], name)
	if !ok {
		return false
	}
	domain := string(form)
	if strings.HasSuffix(domain, ".onion") {
		return true
	}
	suffix := publicSuffix(domain)
	return len(domain) > len(suffix)+1 && isICANN(suffix)
}

// ownSuffixes are those of names within an organisation (RFC 6762 appendix G,
// ICANN's .internal) and of documentation (RFC 2606).
var ownSuffixes = [...]string{".local", ".lan", ".internal", ".intranet", ".corp", ".home", ".localdomain", ".example", ".test", ".invalid"}

func isOwnDomain(name string) bool {
	for _, suffix := range ownSuffixes {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return true
		}
	}
	return false
}

// isFileName reports whether a name ends like a file, and not like a domain
// that is as likely.
func isFileName(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	e, ok := extensionOf(name)
	switch {
	case dot < 0:
		return false
	case ok && !e.domain:
		return true
	case ok && e.file: // "setup.py", "notes-v2.1.md", "offer.pdf.zip"
		before := name[strings.LastIndexByte(name[:dot], '.')+1 : dot]
		inner, known := extensionOf(before)
		return len(before) == dot || allDigits([]byte(before)) || known && !inner.domain || name[dot:] == ".zip" || strings.ToLower(name) != name
	}
	return comPrograms[strings.ToLower(name)]
}

// comPrograms are programs of Windows and DOS, and the file that tests scanners.
var comPrograms = map[string]bool{
	"chcp.com": true, "command.com": true, "diskcomp.com": true, "diskcopy.com": true, "eicar.com": true, "format.com": true, "mode.com": true,
	"more.com": true, "ntdetect.com": true, "tree.com": true,
}

// hasStem reports whether what stands before the extension could be a
// file's: it has a letter or digit, and is no list of numbers.
func hasStem(name string) bool {
	stem := name[:strings.LastIndexByte(name, '.')]
	return strings.ContainsFunc(stem, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f }) || len(stem) > 3 && allDigits([]byte(stem))
}

// products are not files.
var products = map[string]bool{
	"Node.js": true, "node.js": true, "Next.js": true, "Vue.js": true, "React.js": true, "Express.js": true, "Angular.js": true, "D3.js": true, "Three.js": true,
}

// roots are first labels of names in code: of packages, and of objects.
var roots = map[string]bool{
	"com": true, "org": true, "net": true, "io": true, "java": true, "javax": true, "edu": true, "gov": true, "system": true, "microsoft": true,
	"process": true, "event": true, "host": true, "user": true, "file": true, "dns": true, "http": true, "url": true, "source": true, "destination": true,
	"client": true, "server": true, "agent": true, "log": true, "network": true, "registry": true, "rule": true, "threat": true, "tls": true,
	"window": true, "document": true, "this": true, "self": true, "location": true, "console": true, "obj": true, "object": true, "req": true,
	"res": true, "request": true, "response": true, "app": true, "module": true, "exports": true, "os": true, "sys": true, "string": true, "array": true,
	"math": true, "json": true, "date": true, "ssl": true, "id": true, "data": true, "data_channel": true, "asp": true, "ado": true, "vb": true, "my": true,
	"node": true, "conn": true, "alert": true, "flow": true, "winlog": true, "target": true, "parent": true, "rawdata": true, "args": true, "xhr": true,
	"san": true, "certificate": true, "test": true, "config": true, "item": true, "items": true, "wscript": true, "adodb": true, "vendor": true, "product": true, "group": true,
}

// commonShort are top-level domains below which labels of one letter exist,
// and those of digits.
var commonShort = map[string]bool{"com": true, "co": true, "net": true, "org": true, "cn": true, "info": true, "biz": true, "ru": true, "xyz": true, "top": true}

// looksLikeDomain tells a domain from names in code and of files by the name
// alone.
func looksLikeDomain(name string) bool {
	labels := strings.Split(name, ".")
	suffix, owner := labels[len(labels)-1], labels[len(labels)-2]
	small, big := strings.ToLower(suffix), strings.ToUpper(name)
	if suffix != small && name != big { // System.Net
		return false
	}
	if isFileName(name) || extensions[small].file && len(labels) == 2 {
		return false
	}
	first := strings.ToLower(labels[0])
	if roots[first] && (len(labels) > 2 && packageRoots[first] && !commonShort[small] || len(labels) == 2 && !commonShort[small] || name == big && small == "net") {
		return false
	}
	if strings.Contains(owner, "_") || small == "target" || isVersionLabel(first) && isVersionLabel(labels[1]) {
		return false
	}
	if (len(owner) == 1 || allDigits([]byte(owner))) && !commonShort[small] {
		return false
	}
	return !isCamel(owner)
}

// packageRoots begin the names of packages, a domain turned round.
var packageRoots = map[string]bool{"com": true, "org": true, "net": true, "io": true, "java": true, "javax": true, "edu": true, "gov": true, "system": true, "microsoft": true}

// isVersionLabel tells parts of a version, "v4" or "6".
func isVersionLabel(label string) bool {
	label = strings.TrimPrefix(label, "v")
	return label != "" && allDigits([]byte(label))
}

// isCamel tells names like getElement and fileName.
func isCamel(label string) bool {
	for i := 1; i < len(label); i++ {
		if label[i-1] >= 'a' && label[i-1] <= 'z' && label[i] >= 'A' && label[i] <= 'Z' {
			return label[0] >= 'a' && label[0] <= 'z'
		}
	}
	return false
}
