package stix

import (
	"crypto/sha1" //nolint:gosec // what UUIDs of version 5 are made with (RFC 9562 §5.5)
	"maps"
)

// namespace is the namespace of the ids of observables (§2.9).
var namespace = [16]byte{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}

// hashPreference is which one of several hashes contributes to an id (§6.1, §6.7).
var hashPreference = []string{"MD5", "SHA-1", "SHA-256", "SHA-512"}

// ObservableID returns the id that the standard makes of an observable's
// contributing properties (§3.4): the same wherever it is made. It is empty for
// what is no observable that the standard defines, or has none of these properties:
// such an object gets a random id.
func (o Object) ObservableID() string {
	kind := o.Type()
	class := model().types[kind]
	if class == nil || class.family != observableFamily {
		return ""
	}
	contributing := Object{}
	for _, name := range class.id {
		value, present := o[name]
		if name == "hashes" {
			value, present = o.contributingHash()
		}
		if present {
			contributing[name] = value
		}
	}
	if len(contributing) == 0 {
		return ""
	}
	text, err := contributing.JSON()
	if err != nil {
		return ""
	}
	return kind + "--" + nameUUID(namespace, text)
}

// contributingHash returns the one hash that contributes; any where none of those
// preferred is there, the first by its name.
func (o Object) contributingHash() (any, bool) {
	hashes := o.Inner("hashes")
	for _, name := range hashPreference {
		if hash, ok := hashes[name]; ok {
			return map[string]any{name: hash}, true
		}
	}
	least := ""
	for name := range hashes {
		if least == "" || name < least {
			least = name
		}
	}
	if least == "" {
		return nil, false
	}
	return map[string]any{least: hashes[least]}, true
}

// nameUUID returns the UUID of version 5 of a name.
func nameUUID(space [16]byte, name []byte) string {
	h := sha1.New() //nolint:gosec // see the import
	h.Write(space[:])
	h.Write(name)
	var b [16]byte
	copy(b[:], h.Sum(nil))
	return formatUUID(b, 5)
}

// ID returns an id of a type that is made of what a caller names, the same whenever
// it is asked for the same: for objects that are exported more than once.
func ID(kind, space, name string) string {
	return kind + "--" + formatUUID(shaUUID(space, name), 4)
}

// shaUUID mixes a caller's words; the result carries version 4, since the standard
// keeps version 5 for observables (§2.9).
func shaUUID(space, name string) (b [16]byte) {
	sum := sha1.Sum([]byte(space + "\x00" + name)) //nolint:gosec // see the import
	copy(b[:], sum[:])
	return b
}

// Observable returns an observable with the id that is made of it.
func Observable(kind string, properties Object) Object {
	o := Object{"type": kind, "spec_version": "2.1"}
	maps.Copy(o, properties)
	id := o.ObservableID()
	if id == "" {
		id = kind + "--" + randomUUID()
	}
	o["id"] = id
	return o
}

// NamedID returns an id of an observable that a caller's name makes rather than its
// properties, which STIX allows (§3.4): for two that are equal by their properties
// and are yet to be told apart.
func NamedID(kind, name string) string {
	return kind + "--" + nameUUID(namespace, []byte(name))
}
