// Package storetest runs tests of rooms that have tables on both databases:
// SQLite in a temporary file, and a PostgreSQL server that the test binary
// starts for itself from the installed programs and that is gone when the
// binary ends, however it ends. Only tests import it.
//
// Where PostgreSQL is not installed its part of a test skips and says so; with
// TOCSIN_REQUIRE_PEERS=1 it fails.
package storetest
