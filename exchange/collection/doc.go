// Package collection keeps what is shared with others by collections, as TAXII 2.1
// knows them: versions of STIX objects in the order in which they were added.
//
// Its words: a collection is a list of objects under a name; a viewer is who asks,
// with what he may see (the strictest marking) and where he may write; his view
// (exchange/taxii.View) shows nothing that a marking forbids him, not even that it is
// there. The last version of an object is the last that the viewer may see.
//
// An object counts as marked with the strictest marking of TLP in it, also where only
// a part of it is. Objects are kept as they came in. The package does not decide who
// may see what, and does not validate objects.
package collection
