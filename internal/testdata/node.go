package testdata

import (
	"os"
	"path/filepath"
	"testing"
)

// Node returns a Node.js interpreter (as Peer finds it) and the folder of the
// modules that "make peers" installs, which holds the one named. The test skips
// (or fails) when there is none.
func Node(tb testing.TB, module string) (program, modules string) {
	tb.Helper()
	program = Peer(tb, "node")
	modules = filepath.Join(Root(tb), filepath.FromSlash(peersDir), "node", "node_modules")
	if _, err := os.Stat(filepath.Join(modules, filepath.FromSlash(module))); err != nil {
		absent(tb, "peer %s is absent: run \"make peers\"", module)
	}
	return program, modules
}
