//go:build !race

package stix_test

// racing is whether the race detector is on.
const racing = false
