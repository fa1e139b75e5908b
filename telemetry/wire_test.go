package telemetry_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

// sources are one of each format that is cut in its own way.
var sources = map[string]string{
	"lines.json":  `{"EventID":1,"Channel":"Security"}` + "\n" + `{"EventID":2}` + "\n",
	"array.json":  `[{"EventID":1},` + "\n" + `{"EventID":2}]`,
	"conn.log":    "#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\n#types\ttime\taddr\n1494573840.1\t10.0.0.1\n#fields\tts\tid.resp_h\n#types\ttime\taddr\n1494573841.1\t10.0.0.2\n",
	"iis.log":     "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time c-ip cs-uri-stem\n2017-05-12 07:24:00 10.0.0.1 /a\n",
	"table.csv":   "time,host,EventID\n2017-05-12T07:24:00Z,pc,1\n2017-05-12T07:24:01Z,pc,2\n",
	"audit.log":   "type=SYSCALL msg=audit(1494573840.123:42): arch=c000003e syscall=59 success=yes exe=\"/bin/ls\"\ntype=EXECVE msg=audit(1494573840.123:42): argc=1 a0=\"ls\"\ntype=EOE msg=audit(1494573840.123:42): \n",
	"messages":    "May 12 07:24:00 pc sshd[1]: Failed password for root from 10.0.0.1 port 22 ssh2\n",
	"access.log":  `10.0.0.1 - - [12/May/2017:07:24:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/7"` + "\n",
	"events.xml":  `<Events><Event xmlns="x"><System><EventID>1</EventID></System></Event></Events>`,
	"unknown.bin": "\x00\x01\x02",
}

// Whatever a block is of, it is decoded on the other side of a wire as here.
func TestBlockIsDecodedTheSameAfterTheWire(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range sources {
		write(t, filepath.Join(dir, name), []byte(text))
	}
	mappings, err := logsource.Load()
	if err != nil {
		t.Fatal(err)
	}
	here, there := newLister(mappings), newLister(mappings)
	blocks := 0
	reader := &telemetry.Reader{Paths: []string{dir}}
	if err := reader.Run(t.Context(), func(b *telemetry.Block) error {
		wire, err := b.AppendBinary(nil)
		if err != nil {
			return err
		}
		read, err := telemetry.ReadBlock(wire)
		if err != nil {
			return fmt.Errorf("%s: %w", b.Source.Name, err)
		}
		here.decode(t, b)
		there.decode(t, read)
		blocks++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(there.list, here.list); diff != "" {
		t.Errorf("after the wire -, before +:\n%s", diff)
	}
	if len(here.list) < len(sources) || blocks < len(sources) {
		t.Errorf("%d blocks, %d events and problems of %d sources", blocks, len(here.list), len(sources))
	}
}

// lister lists what a decoder makes of blocks.
type lister struct {
	names   *intel.Names
	decoder *telemetry.Decoder
	list    []string
}

func newLister(mappings *logsource.Mappings) *lister {
	names := intel.NewNames(mappings.Rewrite)
	return &lister{names: names, decoder: telemetry.NewDecoder(mappings, names)}
}

func (l *lister) decode(t *testing.T, b *telemetry.Block) {
	t.Helper()
	problems, err := l.decoder.Decode(b, func(e *telemetry.Event) error {
		var text strings.Builder
		fmt.Fprintf(&text, "%s %d %d %s %s %+v:", e.Source.Name, e.Number, e.Offset, e.Time, e.Host, e.Class.Categories)
		for _, f := range e.Fields {
			fmt.Fprintf(&text, " %s=%s", l.names.Text(f.Name), f.Value)
		}
		l.list = append(l.list, text.String())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		l.list = append(l.list, fmt.Sprintf("%s: %+v", b.Source.Name, p))
	}
}

func TestReadBlockRefusesAnotherVersion(t *testing.T) {
	t.Parallel()
	for _, wire := range [][]byte{nil, {0}, {2, 0, 0}} {
		if _, err := telemetry.ReadBlock(wire); !errors.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", wire, err)
		}
	}
}

// What arrives may be anything: it is a block that can be decoded, or refused.
func FuzzReadBlock(f *testing.F) {
	dir := f.TempDir()
	for name, text := range sources {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	reader := &telemetry.Reader{Paths: []string{dir}}
	if err := reader.Run(f.Context(), func(b *telemetry.Block) error {
		wire, err := b.AppendBinary(nil)
		f.Add(wire)
		return err
	}); err != nil {
		f.Fatal(err)
	}
	mappings, err := logsource.Load()
	if err != nil {
		f.Fatal(err)
	}
	names := intel.NewNames(mappings.Rewrite)
	decoder := telemetry.NewDecoder(mappings, names)
	f.Fuzz(func(t *testing.T, wire []byte) {
		b, err := telemetry.ReadBlock(wire)
		if err != nil {
			return
		}
		if _, err := decoder.Decode(b, func(*telemetry.Event) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}
