//go:build unix

package observable_test

import (
	"bytes"
	"encoding/json"
	"syscall"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/testdata"
	"tocsin/telemetry"
	"tocsin/telemetry/flatjson"
	"tocsin/telemetry/logsource"
)

// events reads the events of a data set into records that stay.
func events(tb testing.TB, set string) (*intel.Names, []*intel.Record) {
	tb.Helper()
	mappings, err := logsource.Load()
	if err != nil {
		tb.Fatal(err)
	}
	names := intel.NewNames(mappings.Rewrite)
	decoder := telemetry.NewDecoder(mappings, names)
	reader := telemetry.Reader{Paths: []string{testdata.Set(tb, set)}}
	var records []*intel.Record
	err = reader.Run(tb.Context(), func(b *telemetry.Block) error {
		defer b.Release()
		_, err := decoder.Decode(b, func(e *telemetry.Event) error {
			rec := &intel.Record{}
			for _, f := range e.Fields {
				rec.Add(f.Name, f.Kind, bytes.Clone(f.Value))
			}
			records = append(records, rec)
			return nil
		})
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return names, records
}

// BenchmarkExtractor is the cost of one event's typed fields, over the events
// of the EVTX attack samples.
func BenchmarkExtractor(b *testing.B) {
	names, records := events(b, "evtx-attack-samples")
	x := observable.NewExtractor(names)
	for _, c := range []struct {
		name   string
		wanted func(intel.ObservableKind) bool
	}{
		{"all kinds", func(intel.ObservableKind) bool { return true }},
		{"of networks and hashes", func(kind intel.ObservableKind) bool { return kind <= intel.SHA256 }},
	} {
		b.Run(c.name, func(b *testing.B) {
			x.Only(c.wanted)
			at, found := 0, 0
			benchmarkCPU(b, func() {
				x.Each(records[at], func(intel.ObservableKind, []byte) { found++ })
				if at++; at == len(records) {
					at = 0
				}
			})
			b.ReportMetric(float64(found)/float64(b.N), "observables/event")
		})
	}
}

// BenchmarkExtractorProcess is the same of one process that Sysmon saw start,
// beside decoding that event from JSON.
func BenchmarkExtractorProcess(b *testing.B) {
	names := intel.NewNames(nil)
	x := observable.NewExtractor(names)
	rec := record(names, sysmonProcess...)
	b.Run("extract", func(b *testing.B) {
		benchmarkCPU(b, func() { x.Each(rec, func(intel.ObservableKind, []byte) {}) })
	})
	event := map[string]string{}
	for i := 0; i < len(sysmonProcess); i += 2 {
		event[sysmonProcess[i]] = sysmonProcess[i+1]
	}
	text, err := json.Marshal(event)
	if err != nil {
		b.Fatal(err)
	}
	decoder := flatjson.NewDecoder(names)
	b.Run("decode", func(b *testing.B) {
		benchmarkCPU(b, func() {
			rec.Reset()
			if _, err := decoder.Decode(text, rec); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// benchmarkCPU reports the processor time of one call of f.
func benchmarkCPU(b *testing.B, f func()) {
	b.Helper()
	b.ReportAllocs()
	start := cpuTime(b)
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64((cpuTime(b)-start).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

var sysmonProcess = []string{
	"EventID", "1", "Channel", "Microsoft-Windows-Sysmon/Operational", "Computer", "ws17.corp.example", "UtcTime", "2026-11-25 01:02:03.456",
	"ProcessGuid", "{00112233-4455-6677-8899-aabbccddeeff}", "ProcessId", "4711", "Image", `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`,
	"FileVersion", "10.0.19041.1", "Description", "Windows PowerShell", "Company", "Microsoft Corporation", "OriginalFileName", "PowerShell.EXE",
	"CommandLine", `"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -ExecutionPolicy Bypass -File C:\ProgramData\Agent\collect.ps1 -Verbose`,
	"CurrentDirectory", `C:\Windows\system32\`, "User", `CORP\alice`, "LogonId", "0x3e7", "IntegrityLevel", "High",
	"Hashes", "SHA1=F43D9BB316E30AE1A3494AC5B0624F6BEA1BF054,MD5=04029E121A0CFA5991749937DD22A1D9,SHA256=9F914D42706FE215501044ACD85A32D58AAEF1419D404FDDFA5D3B48F66CCD9F,IMPHASH=7C955A0ABC747F57CCC4324480737EF7",
	"ParentImage", `C:\Windows\explorer.exe`, "ParentCommandLine", `C:\Windows\Explorer.EXE`, "ParentProcessId", "1234",
}

// BenchmarkFind is the cost of free text: lines of logs and of prose.
func BenchmarkFind(b *testing.B) {
	for name, text := range map[string]string{
		"prose": "The dropper waits for a minute, then writes a second program into the folder of the user and starts it; it fetches hxxp://evil[.]com/a.bin from 192.0.2[.]7 and deletes itself.",
		"log":   `1692161668.553848	Ctk7BQ1YbfnpBAx2i8	192.0.2.4	63829	192.0.2.41	53	udp	dns	0.042360	www.example.com	1	C_INTERNET	1	A	0	NOERROR	F	F	T	T	0	cdn.example.net,192.0.2.9	30.000000`,
		"plain": "Special privileges were assigned to a new logon, which is recorded once for each session that begins with one or more of the privileges that are named below, in the order of their names",
	} {
		b.Run(name, func(b *testing.B) {
			line := []byte(text)
			b.SetBytes(int64(len(line)))
			benchmarkCPU(b, func() { observable.Find(line, func(intel.Observable, int, int) {}) })
		})
	}
}

// cpuTime returns the processor time that this process has used: on a busy
// machine the time on the wall says little.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
