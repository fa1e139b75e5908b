package testdata

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The environment that conformance tests read.
const (
	// DataVariable names the folder of the data sets; a relative path counts
	// from the repository root.
	DataVariable = "TOCSIN_TESTDATA"
	// RequireVariable, set to 1, turns every skip for something absent into a
	// failure.
	RequireVariable = "TOCSIN_REQUIRE_PEERS"
	// defaultData is where the sets lie beside a checkout, from its root.
	defaultData = "../shared/data"
)

// moduleLine begins the product's go.mod; modules inside the repository
// (bench, tools) have longer paths.
const moduleLine = "module tocsin\n"

// Root returns the repository's root: the nearest folder, from the test's
// upwards, that holds the product's go.mod.
func Root(tb testing.TB) string {
	tb.Helper()
	start, err := os.Getwd()
	if err != nil {
		tb.Fatalf("find the repository root: %v", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), moduleLine) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			tb.Fatalf("find the repository root: neither %s nor a folder above it holds the product's go.mod", start)
		}
	}
}

// Dir returns the folder of the data sets, which need not exist.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv(DataVariable)
	if dir == "" {
		dir = defaultData
	}
	if filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	return filepath.Join(Root(tb), filepath.FromSlash(dir))
}

// absent skips the test, or fails it where peers are required.
func absent(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv(RequireVariable) == "1" {
		tb.Fatalf(format, args...)
	}
	tb.Skipf(format, args...)
}
