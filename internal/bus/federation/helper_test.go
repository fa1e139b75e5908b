package federation_test

import (
	"os"
	"path/filepath"
	"testing"
)

// authorityFile writes what is pinned into a file.
func authorityFile(t *testing.T, pin []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pin, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
