// Package testdata finds what conformance tests need and the repository does
// not hold: data sets packed as tar.zst archives, and other people's programs
// to compare with. Only tests import it.
//
// Where something is absent the test skips and says how to get it, so that
// "go test ./..." works in a bare checkout. With TOCSIN_REQUIRE_PEERS=1, as in
// continuous integration, absence is a failure: a test that silently never
// runs proves nothing.
package testdata
