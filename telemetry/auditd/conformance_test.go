package auditd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/internal/testdata"
	"tocsin/telemetry/auditd"
)

// goldenRecord is one record as the samples' own reader understood it.
type goldenRecord struct {
	Timestamp  time.Time         `json:"@timestamp"`
	RecordType string            `json:"record_type"`
	Sequence   uint64            `json:"sequence"`
	Data       map[string]string `json:"data"`
}

// TestConformanceAuditd reads every line of the logs that have a golden file
// and compares type, time, serial and fields. The golden files hold an
// interpretation, the decoder what is written; explained says for each field
// how the one follows from the other.
func TestConformanceAuditd(t *testing.T) {
	t.Parallel()
	dir := testdata.Set(t, "auditd-samples")
	goldens, err := filepath.Glob(filepath.Join(dir, "*", "testdata", "*.log.golden"))
	if err != nil || len(goldens) == 0 {
		t.Fatalf("no golden files in %s: %v", dir, err)
	}
	passed, total := 0, 0
	for _, path := range goldens {
		want := readGolden(t, path)
		lines := readLines(t, strings.TrimSuffix(path, ".golden"))
		if len(lines) != len(want) {
			t.Fatalf("%s: %d lines, %d expected records", path, len(lines), len(want))
		}
		for i, line := range lines {
			total++
			if differences := compare(t, line, want[i]); len(differences) > 0 {
				t.Errorf("%s:%d: %s", filepath.Base(path), i+1, strings.Join(differences, "; "))
				continue
			}
			passed++
		}
	}
	t.Logf("passed %d/%d records", passed, total)
}

// TestConformanceAuditdJoin joins the logs whose records were shuffled or lost:
// every record comes out once, and no event in two parts.
func TestConformanceAuditdJoin(t *testing.T) {
	t.Parallel()
	dir := testdata.Set(t, "auditd-samples")
	logs, err := filepath.Glob(filepath.Join(dir, "testdata", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs in %s: %v", dir, err)
	}
	passed, total := 0, 0
	for _, path := range logs {
		want := map[string]int{} // records by time and serial
		got := map[string]int{}
		joiner := auditd.NewJoiner(func(e auditd.Event) {
			stamp, _ := auditd.ParseStamp(e.Text)
			key := string(stamp.Time) + ":" + string(stamp.Serial)
			if got[key] > 0 {
				t.Errorf("%s: event %s comes twice", filepath.Base(path), key)
			}
			got[key] += 1 + bytes.Count(e.Text, []byte("\n"))
		})
		for _, line := range readLines(t, path) {
			stamp, err := auditd.ParseStamp(line)
			if err != nil {
				t.Fatal(err)
			}
			want[string(stamp.Time)+":"+string(stamp.Serial)]++
			if err := joiner.Add(line, 0, 0); err != nil {
				t.Fatal(err)
			}
		}
		joiner.Flush()
		for key, records := range want {
			total++
			if got[key] == records {
				passed++
			} else {
				t.Errorf("%s: event %s has %d records, want %d", filepath.Base(path), key, got[key], records)
			}
		}
	}
	t.Logf("passed %d/%d events", passed, total)
}

func readGolden(t *testing.T, path string) []*goldenRecord {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var records []*goldenRecord
	if err := json.Unmarshal(content, &records); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return records
}

func readLines(t *testing.T, path string) [][]byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for line := range bytes.Lines(content) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

func compare(t *testing.T, line []byte, want *goldenRecord) (differences []string) {
	t.Helper()
	names := intel.NewNames(nil)
	var rec intel.Record
	err := auditd.NewDecoder(names).Decode(line, &rec)
	if want == nil { // a line that has neither time nor serial
		if !errors.Is(err, auditd.ErrNotAudit) {
			differences = append(differences, fmt.Sprintf("error %v, want a refusal", err))
		}
		return differences
	}
	if err != nil {
		return []string{err.Error()}
	}
	got := map[string][]string{}
	for _, f := range rec.Fields {
		got[names.Text(f.Name)] = append(got[names.Text(f.Name)], string(f.Value))
	}
	differ := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	if typ := strings.ToLower(got["type"][0]); typ != want.RecordType {
		differ("type %q, want %q", typ, want.RecordType)
	}
	if when, ok := auditd.Time([]byte(got["timestamp"][0])); !ok || !when.Equal(want.Timestamp) {
		differ("time %v, want %v", when, want.Timestamp)
	}
	if serial := got["serial"][0]; serial != strconv.FormatUint(want.Sequence, 10) {
		differ("serial %s, want %d", serial, want.Sequence)
	}
	for name, value := range want.Data {
		if !slices.Contains(got[name], value) && !explained(got, name, value) {
			differ("%s is %q, want %q", name, got[name], value)
		}
	}
	for name, values := range got {
		if _, ok := want.Data[name]; !ok && !ours(name, values, want) {
			differ("%s is %q, which nobody expects", name, values)
		}
	}
	return differences
}

// explained reports whether an expected value is an interpretation of what the
// log says and the decoder gives.
func explained(got map[string][]string, name, value string) bool {
	is := func(field, text string) bool { return slices.Contains(got[field], text) }
	switch {
	case name == "result": // "success" of the kernel and "res" of programs, in words
		success := is("success", "yes") || is("res", "success") || is("res", "1")
		failure := is("success", "no") || is("res", "failed") || is("res", "0")
		return value == "success" && success || value == "fail" && failure
	case name == "arch": // the name of the number
		return is("arch", map[string]string{"x86_64": "c000003e", "i386": "40000003"}[value])
	case value == "unset": // the largest number stands for no user and no session
		return is(name, "4294967295")
	case name == "exit": // the error of a negative number
		return len(got["exit"]) == 1 && strings.HasPrefix(got["exit"][0], "-") && strings.HasPrefix(value, "E")
	case strings.HasPrefix(name, "subj_"), strings.HasPrefix(name, "obj_"): // the parts of an SELinux context
		field, _, _ := strings.Cut(name, "_")
		return len(got[field]) > 0 && strings.Contains(got[field][0], value)
	case name == "addr", name == "path":
		return is("laddr", value)
	case name == "old_auid": // the decoder names both as newer kernels do
		return is("old-auid", value)
	case name == "new_auid":
		return is("auid", value)
	case name == "sig": // the name of the number
		return is("sig", map[string]string{"SIGSYS": "31", "SIGSEGV": "11", "SIGABRT": "6"}[value])
	case name == "port":
		return is("lport", value)
	case name == "family":
		return is("saddr_fam", map[string]string{"ipv4": "inet", "ipv6": "inet6", "unix": "local", "0": "unspec", "netlink": "netlink"}[value])
	}
	return false
}

// ours reports whether a field that was not expected is one that the decoder
// adds, or one that the interpretation leaves out or replaces.
func ours(name string, values []string, want *goldenRecord) bool {
	switch name {
	case "type", "timestamp", "serial", "SYSCALL", "cmdline": // added
		return true
	case "success", "res":
		return want.Data["result"] != ""
	case "key": // which rules matched; the golden files leave it out
		return true
	case "old-auid":
		return want.Data["old_auid"] != ""
	case "auid":
		return want.Data["new_auid"] != "" || isNothing(values)
	case "subj", "obj":
		return want.Data[name+"_user"] != "" || isNothing(values)
	case "saddr", "saddr_fam", "laddr", "lport":
		return want.Data["family"] != ""
	}
	return isNothing(values)
}

// isNothing tells the words that audit has for "nothing".
func isNothing(values []string) bool {
	for _, value := range values {
		if value != "?" && value != "(null)" && value != "" {
			return false
		}
	}
	return true
}
