package observable

import "tocsin/intel"

// Only has an extractor report nothing but the kinds that wanted names. Most of
// the cost of the others is saved: fields that cannot give a wanted kind are not
// read.
func (x *Extractor) Only(wanted func(intel.ObservableKind) bool) {
	for _, kind := range intel.ObservableKinds() {
		x.unwanted[kind] = !wanted(kind)
	}
	for i := range x.rules {
		x.rules[i].idle = !x.wants(x.rules[i].reading.gives()...)
	}
}

func (x *Extractor) wants(kinds ...intel.ObservableKind) bool {
	for _, kind := range kinds {
		if !x.unwanted[kind] {
			return true
		}
	}
	return false
}

// What readings of several kinds give.
var (
	hashKinds = []intel.ObservableKind{intel.MD5, intel.SHA1, intel.SHA256, intel.SHA512, intel.ImpHash}
	hostKinds = []intel.ObservableKind{intel.IPAddress, intel.Domain}
	urlKinds  = []intel.ObservableKind{intel.URL, intel.IPAddress, intel.Domain}
	pathKinds = []intel.ObservableKind{intel.FilePath, intel.FileName}
)

// gives returns every kind that a reading may report.
func (r reading) gives() []intel.ObservableKind {
	switch r {
	case readText:
		return nil
	case readIPPort:
		return hostKinds[:1]
	case readHost, readHosts:
		return hostKinds
	case readHash, readHashes:
		return hashKinds
	case readPath, readPaths:
		return pathKinds
	case readName:
		return pathKinds[1:]
	case readProgram:
		return append([]intel.ObservableKind{intel.CommandLine}, pathKinds...)
	case readObject:
		return append([]intel.ObservableKind{intel.RegistryKey}, pathKinds...)
	case readRoute:
		return append([]intel.ObservableKind{intel.IPAddress}, pathKinds...)
	case readRequest, readWebRequest, reading(intel.URL):
		return urlKinds
	case reading(intel.EmailAddress):
		return []intel.ObservableKind{intel.EmailAddress, intel.Domain}
	case reading(intel.FilePath):
		return pathKinds
	}
	return []intel.ObservableKind{intel.ObservableKind(r)}
}
