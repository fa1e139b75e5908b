package observable

import "tocsin/intel"

// kinds is a set of kinds of observable, a bit each.
type kinds uint64

func setOf(list ...intel.ObservableKind) (set kinds) {
	for _, kind := range list {
		set |= 1 << kind
	}
	return set
}

func (s kinds) has(kind intel.ObservableKind) bool { return s>>kind&1 != 0 }

// Only limits what the extractor reports to the kinds that wanted names. A set
// of addresses, domains and hashes needs no paths and no command lines, which
// are most of what an extractor costs.
func (x *Extractor) Only(wanted func(intel.ObservableKind) bool) {
	x.wanted = 0
	for _, kind := range intel.ObservableKinds() {
		if wanted(kind) {
			x.wanted |= setOf(kind)
		}
	}
	x.needed = x.wanted
	for kind, named := range derived {
		if named&x.wanted != 0 {
			x.needed |= setOf(kind)
		}
	}
	for i := range x.rules {
		x.rules[i].idle = given(x.rules[i].reading)&x.needed == 0
	}
}

// derived are the kinds that an observable of another names (Extractor.derive).
var derived = map[intel.ObservableKind]kinds{
	intel.URL:          setOf(intel.IPAddress, intel.Domain),
	intel.EmailAddress: setOf(intel.Domain),
	intel.FilePath:     setOf(intel.FileName),
}

// given returns the kinds that a reading gives (Extractor.read).
func given(r reading) kinds {
	hashes := setOf(intel.MD5, intel.SHA1, intel.SHA256, intel.SHA512)
	files := setOf(intel.FilePath, intel.FileName)
	switch r {
	case readText:
		return 0
	case readIPPort:
		return setOf(intel.IPAddress)
	case readHost, readHosts:
		return setOf(intel.IPAddress, intel.Domain)
	case readHash:
		return hashes
	case readHashes:
		return hashes | setOf(intel.ImpHash)
	case readPath, readPaths:
		return files
	case readProgram:
		return files | setOf(intel.CommandLine)
	case readObject:
		return files | setOf(intel.RegistryKey, intel.Mutex)
	case readRoute:
		return files | setOf(intel.IPAddress)
	case readName:
		return setOf(intel.FileName)
	case readRequest, readWebRequest:
		return setOf(intel.URL)
	}
	return setOf(intel.ObservableKind(r))
}
