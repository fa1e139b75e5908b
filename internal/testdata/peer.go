package testdata

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// peersDir is where "make peers" installs, from the repository root.
const peersDir = "bin/peers"

// Peer returns the path of someone else's program that a test compares with.
// It is looked for in this order: the environment variable TOCSIN_ and the
// name in capitals (TOCSIN_EVTX_DUMP for "evtx_dump"); where "make peers"
// installs; then PATH. Candidates are further names it goes by, tried after
// the name itself. The test skips (or fails, see RequireVariable) when there
// is none.
func Peer(tb testing.TB, name string, candidates ...string) string {
	tb.Helper()
	variable := "TOCSIN_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
	if path := os.Getenv(variable); path != "" {
		if !isProgram(path) {
			tb.Fatalf("%s=%s is not a program that can be run", variable, path)
		}
		return path
	}
	peers := filepath.Join(Root(tb), filepath.FromSlash(peersDir))
	for _, candidate := range append([]string{name}, candidates...) {
		for _, dir := range [...]string{"bin", "venv/bin"} {
			if path := filepath.Join(peers, filepath.FromSlash(dir), candidate); isProgram(path) {
				return path
			}
		}
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	absent(tb, "peer %s is absent: run \"make peers\", or set %s to its path", name, variable)
	return ""
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// Python returns a Python interpreter that can import the module (as Peer
// finds it: TOCSIN_PYTHON, the environment of "make peers", PATH). The test
// skips (or fails) when there is none.
func Python(tb testing.TB, module string) string {
	tb.Helper()
	python := Peer(tb, "python", "python3")
	if out, err := exec.Command(python, "-c", "import "+module).CombinedOutput(); err != nil {
		absent(tb, "%s cannot import %s: %v\n%s\nrun \"make peers\", or set TOCSIN_PYTHON to an interpreter that can", python, module, err, out)
	}
	return python
}
