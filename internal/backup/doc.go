// Package backup keeps what a data directory holds in one file, and brings it
// back from it.
//
// Its words: a part is something that is kept on its own, and knows how to write
// itself as of one moment. A backup is a zstd-compressed tar of the parts' files,
// first with what it is, last with a manifest of their SHA-256 checksums: without
// its end it is none.
//
// A backup is restored beside its place, and put into it only once all of it was
// read and compared. What it does not defend against is somebody who alters a
// backup and its manifest to fit: keep backups where nobody can, or encrypt them.
//
// It does not know what parts there are, nor what is in them.
package backup
