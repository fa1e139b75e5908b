package crash

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// KillsVariable says how often a test kills; without it 5 times.
const KillsVariable = "TOCSIN_KILLS"

const defaultKills = 5

// Kills returns how often a test is to kill.
func Kills(tb testing.TB) int {
	tb.Helper()
	text := os.Getenv(KillsVariable)
	if text == "" {
		return defaultKills
	}
	kills, err := strconv.Atoi(text)
	if err != nil || kills < 1 {
		tb.Fatalf("%s=%s: say how often, as in 100", KillsVariable, text)
	}
	return kills
}

// Again returns the command that runs this test program again with something
// in its environment, by which its TestMain knows what it is to do.
func Again(tb testing.TB, variable, value string) *exec.Cmd {
	tb.Helper()
	program, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), variable+"="+value)
	return cmd
}

// Kill runs this test program again (see Again), hands every line that it says
// to said, and kills it once it has said so many. What it had written by then
// is still heard; a line that the kill cut is not. A process that ends by
// itself, or complains, fails the test.
func Kill(tb testing.TB, variable, value string, lines int, said func(line string)) {
	tb.Helper()
	cmd := Again(tb, variable, value)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // when said ends the test
	for in := bufio.NewReader(out); ; lines-- {
		if lines == 0 {
			_ = cmd.Process.Kill() // it may have ended, which is told below
		}
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		said(strings.TrimSuffix(line, "\n"))
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() || complaint.Len() > 0 {
		tb.Fatalf("the process was not killed: %v\n%s", err, complaint.String())
	}
}
