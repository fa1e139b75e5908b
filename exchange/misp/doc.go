// Package misp reads the documents of MISP (MISP core format, MISP warninglist
// format: IETF drafts of the project). So far it reads what indicators need:
// events and attributes, alone, in lists and in the answers of a server; and
// warninglists.
//
// Of an attribute it takes the value where it is of a type that names an
// observable and is meant for detection (to_ids). Of a composite type it takes
// what identifies: of "filename|sha256" the hash, of "domain|ip" both, of
// "ip-dst|port" the address with its port. What is said of it is the event's
// unless the attribute says it itself: the marking by a tlp tag, the confidence
// by misp:confidence-level, the label by the first tag of a galaxy, else by the
// event's title.
//
// The package imports no room.
package misp
