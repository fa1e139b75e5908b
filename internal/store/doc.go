// Package store is the node's database: SQLite in the data directory, or
// PostgreSQL at a URL, behind one handle and with one SQL text for both.
//
// Its words: a room is a package that has tables; it hands in its migrations
// as a Room and names its tables in its own sql.go alone. A transaction (Tx) is
// all or nothing and sees the database as if it ran alone, on both engines. A
// file that is kept by the hash of its content is a blob.
//
// On SQLite transactions that come at the same time are committed together, in
// one group with one fsync, and each is answered only once the group is on disk.
// One that fails takes nobody with it: where it has written, the others of its
// group run again. On PostgreSQL they are ordinary transactions, run again when
// two contradict each other. What a transaction does besides SQL must therefore bear
// being done twice; what must follow a commit goes to Tx.Committed.
//
// The subset of SQL that both engines understand alike: $1 placeholders; TEXT,
// BIGINT, BOOLEAN, DOUBLE PRECISION, BYTEA and JSONB columns; ON CONFLICT,
// RETURNING, common table expressions, FILTER, windows. Moments are BIGINT
// microseconds in UTC (At, IntoTime), identifiers TEXT made here (NewID), JSON
// is handed over with JSON and IntoJSON. After a failed statement nothing more
// runs in its transaction: use ON CONFLICT, don't catch.
//
// It knows no room's tables. Its own are those of the text search, the one
// place where the engines have a text each.
package store
