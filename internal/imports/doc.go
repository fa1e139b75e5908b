// Package imports holds the repository to the import tables of
// docs/architecture.md: which package may import which of ours, and which may
// use a foreign library. It reads tables and sources itself, because a test
// that asked the go command would be answered from the test cache after a
// violation. Only its own test uses it.
package imports
