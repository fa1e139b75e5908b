//go:build race

package stix_test

// racing is whether the race detector, which makes everything slower, is on.
const racing = true
