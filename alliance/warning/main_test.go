package warning_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain keeps the lives that rapid draws to what is done in seconds, each being
// some fifty transactions, unless a number is asked for.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		if err := flag.Set("rapid.checks", "25"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
