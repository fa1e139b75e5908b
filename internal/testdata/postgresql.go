package testdata

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// postgresqlVariable names the folder of PostgreSQL's programs.
const postgresqlVariable = "TOCSIN_POSTGRESQL"

// PostgreSQL returns the folder of PostgreSQL's programs (initdb, postgres): the
// one that TOCSIN_POSTGRESQL names, else the newest that Debian's packages
// installed. The test skips (or fails, see RequireVariable) when there is none.
func PostgreSQL(tb testing.TB) string {
	tb.Helper()
	if dir := os.Getenv(postgresqlVariable); dir != "" {
		if !isProgram(filepath.Join(dir, "postgres")) {
			tb.Fatalf("%s=%s does not hold PostgreSQL's programs", postgresqlVariable, dir)
		}
		return dir
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		absent(tb, "PostgreSQL is absent: run \"make peers\", or set %s to the folder of its programs", postgresqlVariable)
		return ""
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(major(a), major(b)) }))
}

// major returns the version that stands in /usr/lib/postgresql/15/bin/postgres.
func major(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}
