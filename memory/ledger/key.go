package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"

	"tocsin/intel"
)

// The spaces of keys: the first byte of each. They are stored, and so never
// changed or used again.
const (
	spaceMeta       = 0x01 // what the ledger knows of itself
	spaceName       = 0x02 // names of hosts, sources and log sources
	spaceSource     = 0x03 // what is counted by source
	spaceHold       = 0x04 // what cases hold
	spaceRecord     = 0x05 // what was erased, pseudonymised, pruned, imported
	spacePresence   = 0x08 // hours in which a source spoke for a host
	spaceObservable = 0x10 // the observables
)

// The forms an observable's key may have: the third byte, after the space and
// the kind.
const (
	formOrdered   = 0x01 // in an order of the kind's own, so that questions are ranges
	formText      = 0x02 // the value as it is
	formHash      = 0x03 // a hash of the value
	formPseudonym = 0x04 // a keyed hash of the value (erase.go)
)

const (
	// textLimit is how long a value may be to stand in its key as it is.
	// Longer ones are hashed: a key of 16 bytes is then less than half of it.
	textLimit = 40
	// hashBytes is how much of the SHA-256 of a long value is its key: 128
	// bits. Among 100 million values two share a key with a probability of
	// 2⁻⁷⁵, and to find a value that is taken for a given other one takes 2¹²⁸
	// attempts, so an answer is exact for every purpose; the hex digests of
	// files, addresses, domains and URLs up to urlPathLimit are not hashed and
	// exact without that argument.
	hashBytes = 16
	// keyHead is the length of space, kind and form.
	keyHead = 3
	// keyLimit is longer than any key.
	keyLimit = 1 << 11
)

// digestBytes are the lengths of the kinds that are digests in hexadecimal.
func digestBytes(kind intel.ObservableKind) []int {
	switch kind {
	case intel.MD5, intel.ImpHash, intel.JA3:
		return []int{16}
	case intel.SHA1:
		return []int{20}
	case intel.SHA256:
		return []int{32}
	case intel.SHA512:
		return []int{64}
	case intel.Certificate:
		return []int{20, 32}
	default:
		return nil
	}
}

// appendKey appends the key of an observable. Different observables have
// different keys, except for what formHash says.
func appendKey(b []byte, kind intel.ObservableKind, value []byte) []byte {
	b = append(b, spaceObservable, byte(kind), formOrdered)
	head, ok := b, false
	switch kind {
	case intel.IPAddress:
		b, ok = appendAddress(head, value)
	case intel.Domain:
		b, ok = appendDomain(head, value)
	case intel.URL:
		b, ok = appendURL(head, value)
	case intel.EmailAddress:
		b, ok = appendEmail(head, value)
	default:
		b, ok = appendDigest(head, digestBytes(kind), value)
	}
	if ok {
		return b
	}
	return appendPlain(head, value)
}

// appendPlain turns a head into the key of a value that has no order of its
// own, or not the form that its kind should have.
func appendPlain(head, value []byte) []byte {
	if len(value) <= textLimit {
		head[len(head)-1] = formText
		return append(head, value...)
	}
	head[len(head)-1] = formHash
	sum := sha256.Sum256(value)
	return append(head, sum[:hashBytes]...)
}

// appendAddress writes an address in numeric order, version 4 before 6.
func appendAddress(b, value []byte) ([]byte, bool) {
	addr, err := netip.ParseAddr(string(value))
	if err != nil || addr.Zone() != "" || addr.String() != string(value) {
		return b, false
	}
	return appendAddr(b, addr), true
}

func appendAddr(b []byte, addr netip.Addr) []byte {
	if addr.Is4() {
		ip := addr.As4()
		return append(append(b, 4), ip[:]...)
	}
	ip := addr.As16()
	return append(append(b, 6), ip[:]...)
}

// appendDigest writes a digest's bytes, where it is one in lower case.
func appendDigest(b []byte, lengths []int, value []byte) ([]byte, bool) {
	for _, n := range lengths {
		if len(value) != 2*n || bytes.ContainsAny(value, "ABCDEF") {
			continue
		}
		digest, err := hex.AppendDecode(b, value)
		return digest, err == nil
	}
	return b, false
}

// label ends each label of a reversed domain, so that a domain's key is a
// prefix of those below it, and of no others.
const label = 0

// domainLimit is the longest domain name (RFC 1035 §2.3.4, without the root).
const domainLimit = 253

// appendDomain writes the labels of a domain in reverse: what is below a domain
// stands together.
func appendDomain(b, value []byte) ([]byte, bool) {
	if len(value) == 0 || len(value) > domainLimit || value[0] == '.' || value[len(value)-1] == '.' ||
		bytes.IndexByte(value, label) >= 0 || bytes.Contains(value, []byte("..")) {
		return b, false
	}
	for {
		dot := bytes.LastIndexByte(value, '.')
		b = append(append(b, value[dot+1:]...), label)
		if dot < 0 {
			return b, true
		}
		value = value[:dot]
	}
}

// appendEmail writes domain, then local part.
func appendEmail(b, value []byte) ([]byte, bool) {
	at := bytes.LastIndexByte(value, '@')
	if at <= 0 || len(value) > emailLimit {
		return b, false
	}
	key, ok := appendDomain(b, value[at+1:])
	if !ok {
		return b, false
	}
	return append(append(key, label), value[:at]...), true
}

// emailLimit is the longest address that can be mailed to (RFC 5321 §4.5.3.1).
const emailLimit = 254

// observable returns what a key is of. The value is empty and ok false when
// the key does not tell it (a hash, a pseudonym).
func observable(key []byte) (o intel.Observable, ok bool) {
	if len(key) < keyHead || key[0] != spaceObservable {
		return o, false
	}
	o.Kind = intel.ObservableKind(key[1])
	rest := key[keyHead:]
	switch key[2] {
	case formText:
		o.Value = string(rest)
		return o, true
	case formOrdered:
		o.Value, ok = orderedValue(o.Kind, rest)
		return o, ok
	default:
		return o, false
	}
}

func orderedValue(kind intel.ObservableKind, rest []byte) (string, bool) {
	switch kind {
	case intel.IPAddress:
		if len(rest) < 1 {
			return "", false
		}
		addr, ok := netip.AddrFromSlice(rest[1:])
		return addr.String(), ok
	case intel.Domain:
		return domainValue(rest)
	case intel.URL:
		return urlValue(rest)
	case intel.EmailAddress:
		domain, local, found := bytes.Cut(rest, []byte{label, label})
		value, ok := domainValue(append(slices.Clip(domain), label))
		return string(local) + "@" + value, ok && found
	default:
		return hex.EncodeToString(rest), true
	}
}

// domainValue turns reversed labels around.
func domainValue(reversed []byte) (string, bool) {
	labels := bytes.Split(reversed, []byte{label})
	if len(labels) < 2 || len(labels[len(labels)-1]) > 0 {
		return "", false
	}
	value := make([]byte, 0, len(reversed))
	for i := len(labels) - 2; i >= 0; i-- {
		value = append(value, labels[i]...)
		if i > 0 {
			value = append(value, '.')
		}
	}
	return string(value), true
}
