// Package archive keeps the events themselves, compressed by columns, for as
// long as they are wanted, and goes through them again.
//
// Words: a segment is a Parquet file of some ten thousand events, which other
// programs can read as well; its partition is the log source and the hour that
// they share. A row group is the part of it that is read or skipped at once. Its
// index says what a segment holds: times, hosts, sources, classes, and for each
// column which texts can stand in it. The manifest lists the segments, and up to
// which entry of the journal their events are in them.
//
// A segment is listed or it is not: after a crash what is not listed is removed,
// and the journal's entries from the cursor on are put again, so that every
// event is there once. Everything read from disk is compared with its checksum
// first; a damaged segment is told of, and the rest is read on.
//
// What is not done here: what rules there are and what they ask (a scan takes
// functions for that), and when to compact and what to keep (the node says so).
package archive
