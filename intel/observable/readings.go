package observable

import (
	"bytes"

	"tocsin/intel"
)

// withoutPort removes a port after an address.
func withoutPort(text []byte) []byte {
	if len(text) > 0 && text[0] == '[' {
		if end := bytes.IndexByte(text, ']'); end > 0 {
			return text[1:end]
		}
		return text
	}
	if at := bytes.IndexByte(text, ':'); at >= 0 && bytes.IndexByte(text[at+1:], ':') < 0 {
		return text[:at]
	}
	return text
}

func (x *Extractor) host(value []byte, visit Visit) {
	value = withoutPort(trim(value))
	if x.emit(intel.IPAddress, value, visit) == nil {
		x.emit(intel.Domain, value, visit)
	}
}

func (x *Extractor) hosts(value []byte, visit Visit) {
	for len(value) > 0 {
		end := bytes.IndexAny(value, " ,;\t\r\n")
		if end < 0 {
			end = len(value)
		}
		if end > 0 {
			x.host(value[:end], visit)
		}
		value = value[min(end+1, len(value)):]
	}
}

// hash reports a hash of the kind that its length tells.
func (x *Extractor) hash(value []byte, visit Visit) {
	value = trim(value)
	if kind := hashKind(len(value)); kind != intel.NoObservable {
		x.emit(kind, value, visit)
	}
}

func hashKind(digits int) intel.ObservableKind {
	switch digits {
	case 32:
		return intel.MD5
	case 40:
		return intel.SHA1
	case 64:
		return intel.SHA256
	case 128:
		return intel.SHA512
	}
	return intel.NoObservable
}

// hashes reports hashes as Sysmon writes them: "SHA1=…,MD5=…,IMPHASH=…".
func (x *Extractor) hashes(value []byte, visit Visit) {
	for len(value) > 0 {
		one, rest, _ := bytes.Cut(value, []byte(","))
		value = rest
		named := 0 // the length of the name and the sign after it
		for i := 0; i < min(len(one), longestHashName); i++ {
			if one[i] == '=' {
				named = i + 1
				break
			}
		}
		if hasPrefixFold(trim(one[:named]), "imphash") {
			x.emit(intel.ImpHash, one[named:], visit)
		} else {
			x.hash(one[named:], visit)
		}
	}
}

// longestHashName is above the length of every name of a hash.
const longestHashName = 16

// path reports a file's path and its name, or the name alone.
func (x *Extractor) path(value []byte, visit Visit) {
	value = bytes.TrimSuffix(trim(value), deletedMark)
	if !x.emitAll(intel.FilePath, value, visit) {
		x.emit(intel.FileName, value, visit)
	}
}

// deletedMark is what Linux writes after the path of a program whose file is gone.
var deletedMark = []byte(" (deleted)")

// fileOf reports the name of the file that a path in normal form leads to.
func (x *Extractor) fileOf(path []byte, visit Visit) {
	name := baseName(path)
	if !isPOSIX(path) {
		if stream := bytes.IndexByte(name, ':'); stream > 0 { // of an NTFS file
			name = name[:stream]
		}
		if n := len(name); n > 0 && n <= longestFileName && isAlnum(name[0]) && isAlnum(name[n-1]) {
			x.report(intel.FileName, name, visit) // already in normal form
			return
		}
	}
	x.emit(intel.FileName, name, visit)
}

// pathMark stands before each path in the list of a Defender event
// ("file:_C:\x.exe; containerfile:_C:\y.zip").
var pathMark = []byte("file:_")

func (x *Extractor) paths(value []byte, visit Visit) {
	at := bytes.Index(value, pathMark)
	if at < 0 {
		x.path(value, visit)
		return
	}
	for at >= 0 {
		value = value[at+len(pathMark):]
		path, _, _ := bytes.Cut(value, []byte(";"))
		path, _, _ = bytes.Cut(path, []byte("->")) // what lies within an archive
		x.path(path, visit)
		at = bytes.Index(value, pathMark)
	}
}

// program reports a command line and the program it starts.
func (x *Extractor) program(value []byte, visit Visit) {
	x.emit(intel.CommandLine, value, visit)
	value = trim(value)
	if len(value) > 1 && value[0] == '"' {
		value, _, _ = bytes.Cut(value[1:], []byte(`"`))
	} else if end := programEnd(value); end > 0 {
		value = value[:end]
	}
	if bytes.ContainsAny(value, `\/`) {
		x.path(value, visit)
	}
}

// object reports a registry key, a mutex or a path: what the system's object
// manager names. That it is a mutex another field says.
func (x *Extractor) object(rec *intel.Record, r *rule, value []byte, visit Visit) {
	value = trim(value)
	switch {
	case isHive(value):
		x.emit(intel.RegistryKey, value, visit)
	case len(r.others) > 0 && isKernelName(value):
		if kind, ok := rec.First(r.others[0]); ok && string(kind.Value) == "Mutant" {
			x.emit(intel.Mutex, value, visit)
		}
	default:
		x.path(value, visit)
	}
}

// isKernelName reports whether a name is that of an object which processes
// share by name, such as a mutex.
func isKernelName(value []byte) bool {
	return hasPrefixFold(value, `\basenamedobjects\`) || hasPrefixFold(value, `\sessions\`)
}

// programEnd returns where the name of a program without quotes ends: after
// its extension, since folders may hold blanks, else at the first blank.
func programEnd(value []byte) int {
	for at := range value {
		if value[at] == '.' && at+4 <= len(value) && (at+4 == len(value) || isSpace(value[at+4])) && isLetter(value[at+1]) {
			return at + 4
		}
	}
	return bytes.IndexByte(value, ' ')
}

// request puts a URL together from its host and what follows.
func (x *Extractor) request(rec *intel.Record, r *rule, value []byte, visit Visit) {
	value = trim(value)
	if len(value) == 0 || value[0] != '/' || bytes.HasPrefix(value, []byte("//")) {
		x.emitAll(intel.URL, value, visit)
		return
	}
	for _, name := range r.others {
		host, ok := rec.First(name)
		if !ok || len(host.Value) < 2 {
			continue
		}
		x.text = x.text[:0]
		if r.reading == readWebRequest {
			x.text = append(x.text, "http:"...)
		}
		x.text = append(x.text, "//"...)
		x.text = append(x.text, host.Value...)
		x.text = append(x.text, value...)
		x.query(rec, r.query)
		x.emitAll(intel.URL, x.text, visit)
		return
	}
}

// query appends the query of a request whose log keeps it apart.
func (x *Extractor) query(rec *intel.Record, name intel.Name) {
	if name == intel.Unnamed {
		return
	}
	query, ok := rec.First(name)
	if !ok || len(query.Value) < 2 {
		return
	}
	if query.Value[0] != '?' {
		x.text = append(x.text, '?')
	}
	x.text = append(x.text, query.Value...)
}
