//go:build !unix

package archive

// syncFolder does nothing here: files are synced themselves, and folders cannot be.
func syncFolder(string) error { return nil }
