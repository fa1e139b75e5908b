package telemetry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

// grown are logs that Tail must read the same however often it is stopped.
func grown() map[string]string {
	audit := func(serial int, types ...string) string {
		var b strings.Builder
		for _, typ := range types {
			fmt.Fprintf(&b, "type=%s msg=audit(1494590400.%03d:%d): item=%d\n", typ, serial, serial, serial)
		}
		return b.String()
	}
	return map[string]string{
		"lines of JSON": "\xef\xbb\xbf" + object(1) + object(2) + "{broken\n" + object(3) + object(4)[:5],
		"an array":      "[" + strings.ReplaceAll(object(1)+object(2)+object(3), "}\n", "\n},\n") + object(4) + "]",
		"syslog":        strings.Repeat("<34>Oct 11 22:14:15 mymachine su: 'su root' failed\n", 5),
		"CSV":           "time,host,message\n2026-01-01,a,\"two\nlines\"\n2026-01-02,b,x\n2026-01-03,c,y\n",
		"Zeek": "#separator \\x09\n#fields\tts\tuid\n#types\ttime\tstring\n1.0\tC1\n2.0\tC2\n#close\t2026\n" +
			"#separator \\x09\n#fields\tuid\tts\n#types\tstring\ttime\nC3\t3.0\nC4\t4.0\n",
		"W3C": "#Version: 1.0\n#Fields: date time cs-uri-stem\n2026-01-01 10:00:00 /a\n#Fields: cs-uri-stem date time\n/b 2026-01-01 10:00:01\n/c 2026-01-01 10:00:02\n",
		"auditd": audit(1, "SYSCALL") + audit(2, "SYSCALL", "PATH") + audit(1, "PATH") + audit(3, "USER_LOGIN") + audit(2, "PROCTITLE") +
			audit(4, "SYSCALL") + audit(1, "EOE"),
	}
}

// tailed decodes blocks, each event as text with its place.
func tailed(t testing.TB, mappings *logsource.Mappings, blocks []*telemetry.Block) []string {
	t.Helper()
	names := intel.NewNames(nil)
	decoder := telemetry.NewDecoder(mappings, names)
	var list []string
	for _, b := range blocks {
		problems, err := decoder.Decode(b, func(e *telemetry.Event) error {
			var text strings.Builder
			fmt.Fprintf(&text, "%d@%d", e.Number, e.Offset)
			for _, f := range e.Fields {
				fmt.Fprintf(&text, " %s=%s", names.Text(f.Name), f.Value)
			}
			list = append(list, text.String())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			list = append(list, fmt.Sprintf("%s at %d", p.Reason, p.Offset))
		}
	}
	slices.Sort(list) // a block's problems are told after its events
	return list
}

var errStop = errors.New("stopped")

// A log that grows piece by piece, read by a tail that is stopped after every
// piece and goes on from where it was, gives the events of the whole log.
func TestTailGoesOnWhereItWasStopped(t *testing.T) {
	t.Parallel()
	mappings, err := logsource.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, log := range grown() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			want := tailed(t, mappings, tailPieces(t, filepath.Join(dir, "whole"), []string{log}))
			if len(want) < 3 {
				t.Fatalf("only %q", want)
			}
			path := filepath.Join(dir, "pieces")
			check := func(pieces ...string) {
				if diff := cmp.Diff(tailed(t, mappings, tailPieces(t, path, pieces)), want); diff != "" {
					t.Fatalf("in pieces %q: got -, want +\n%s", pieces, diff)
				}
			}
			for cut := 1; cut < len(log); cut += 5 {
				check(log[:cut], log[cut:])
			}
			var pieces []string
			for piece := range slices.Chunk([]byte(log), 7) {
				pieces = append(pieces, string(piece))
			}
			check(pieces...)
		})
	}
}

// tailPieces writes a file piece by piece and tails it, stopping after each.
func tailPieces(t *testing.T, path string, pieces []string) []*telemetry.Block {
	t.Helper()
	writer, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	var blocks []*telemetry.Block
	var from telemetry.Place
	for i, piece := range pieces {
		if _, err := writer.WriteString(piece); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		tail := telemetry.Tail{Name: "log", File: file, From: from, Idle: func(int64) (bool, error) {
			if i < len(pieces)-1 {
				return false, errStop
			}
			return true, nil
		}}
		err = tail.Run(t.Context(), func(b *telemetry.Block) error {
			if from, err = travel(b.After()); err != nil {
				return err
			}
			if len(b.Data) > 0 || len(b.Problems) > 0 {
				blocks = append(blocks, b)
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return blocks
}

// travel is a place written down and read again.
func travel(p telemetry.Place) (telemetry.Place, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return p, err
	}
	var back telemetry.Place
	return back, json.Unmarshal(text, &back)
}

func TestTailSaysWhatItDoesNotFollow(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]error{
		string(gzipped(t, []byte("x"))) + "\n": telemetry.ErrNotFollowed,
		"what is this\n":                       telemetry.ErrUnknownFormat,
		"":                                     nil,
	} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		tail := telemetry.Tail{Name: "x", File: file, Idle: func(int64) (bool, error) { return true, nil }}
		if err := tail.Run(t.Context(), func(*telemetry.Block) error { return nil }); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", content, err, want)
		}
		_ = file.Close()
	}
}
