package report_test

import (
	"flag"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	// A check opens a case and writes a dozen exports of it; more checks can be
	// asked for on the command line.
	if err := flag.Set("rapid.checks", "15"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
