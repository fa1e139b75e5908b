//go:build !unix

package knowledge

// flush does nothing here: set.json itself is synced.
func flush() {}

// syncFolder does nothing here: folders cannot be synced.
func syncFolder(string) error { return nil }
