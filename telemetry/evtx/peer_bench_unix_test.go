//go:build unix

package evtx_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/internal/testdata"
	"tocsin/telemetry/evtx"
)

// BenchmarkAgainstEVTXDump reads one large log, the chunks of the attack
// samples several times over, with evtx_dump on one thread (as a whole process
// that writes to /dev/null) and with a Reader and a Decoder. It reports the CPU
// time of both and how many times faster ours is.
func BenchmarkAgainstEVTXDump(b *testing.B) {
	program := testdata.Peer(b, "evtx_dump")
	path := joined(b, 4)
	var ours, theirs time.Duration
	records := 0
	for b.Loop() {
		theirs += dumpTime(b, program, path)
		start := cpuTime(b)
		records += readAll(b, path)
		ours += cpuTime(b) - start
	}
	b.ReportMetric(float64(ours.Nanoseconds())/float64(records), "cpu-ns/record")
	b.ReportMetric(float64(theirs.Nanoseconds())/float64(records), "peer-cpu-ns/record")
	b.ReportMetric(float64(theirs)/float64(ours), "times-faster")
}

// joined writes a log with all chunks of the attack samples, the given number
// of times.
func joined(b *testing.B, times int) string {
	b.Helper()
	var log bytes.Buffer
	for range times {
		for _, path := range sampleFiles(b, "evtx-attack-samples") {
			data, err := os.ReadFile(path)
			if err != nil {
				b.Fatal(err)
			}
			if log.Len() > 0 {
				data = data[4096:]
			}
			log.Write(data)
		}
	}
	path := filepath.Join(b.TempDir(), "joined.evtx")
	if err := os.WriteFile(path, log.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func dumpTime(b *testing.B, program, path string) time.Duration {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), program, "-t", "1", "-o", "jsonl", path)
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func readAll(b *testing.B, path string) (records int) {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := evtx.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	d := evtx.NewDecoder(intel.NewNames(nil))
	var into intel.Record
	var buf []byte
	for {
		chunk, offset, err := r.Next(buf)
		if errors.Is(err, io.EOF) {
			return records
		}
		if err != nil {
			b.Fatal(err)
		}
		buf = chunk
		d.Reset(chunk, offset)
		for {
			if _, ok := d.Next(&into); !ok {
				break
			}
			records++
		}
	}
}
