package output_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"

	"tocsin/detect"
	"tocsin/detect/sigma"
	"tocsin/detect/sigma/correlate"
	"tocsin/intel"
	"tocsin/internal/output"
	"tocsin/node"
	"tocsin/telemetry"
)

var update = flag.Bool("update", false, "rewrite the golden files from what is printed")

// golden compares what was printed with a file under testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", name, diff)
	}
}

func outbreak() time.Time { return time.Date(2017, 5, 12, 7, 24, 1, 250_000_000, time.UTC) }

// day is what a watch found in an outbreak: enough of every kind to see how it
// is shown, hostile texts included.
func day() []*detect.Finding {
	killSwitch := &sigma.Rule{
		ID: "2f1d3a52-0001-4a6e-9d1c-7c1f4e1a0001", Title: "Kill-switch domain of WannaCry looked up", Author: "Tocsin", License: "Apache-2.0",
		Level: intel.Critical, Tags: []string{"attack.command-and-control", "attack.t1071.004"}, Status: "stable",
		Description:    "The worm asks for a domain before it spreads.\nWhere the answer fails, it goes on.",
		FalsePositives: []string{"Analysts who look the domain up"}, References: []string{"https://example.org/wannacry", "javascript:alert(1)"},
	}
	shadow := &sigma.Rule{
		ID: "2f1d3a52-0002-4a6e-9d1c-7c1f4e1a0002", Title: "Shadow copies deleted with vssadmin or wmic", Author: "Tocsin, Ines Weber", License: "Apache-2.0",
		Level: intel.High, Tags: []string{"attack.impact", "attack.t1490", "attack.t1486"},
	}
	service := &sigma.Rule{
		ID:    "2f1d3a52-0003-4a6e-9d1c-7c1f4e1a0003",
		Title: "Service installed from a folder that users may write to, with a name no vendor is known to use", Level: intel.High,
		Tags: []string{"attack.persistence", "attack.privilege-escalation", "attack.t1543.003"},
	}
	chinese := &sigma.Rule{ID: "2f1d3a52-0004-4a6e-9d1c-7c1f4e1a0004", Title: "计划任务从临时目录启动可执行文件", Level: intel.Medium, Tags: []string{"attack.t1053.005", "attack.execution"}}
	odd := &sigma.Rule{ID: "2f1d3a52-0005-4a6e-9d1c-7c1f4e1a0005", Title: "Odd\x1b[2J title\r\n<script>alert(1)</script>", Level: intel.Low, Tags: []string{"attack.t9999", "attack.stealth"}}
	logon := &sigma.Rule{ID: "2f1d3a52-0006-4a6e-9d1c-7c1f4e1a0006", Title: "Administrator logged on", Level: intel.Informational}
	scan := &sigma.Correlation{
		ID: "2f1d3a52-0007-4a6e-9d1c-7c1f4e1a0007", Title: "One host speaks SMB to more than fifty others", Level: intel.Critical, Author: "Tocsin",
		Tags: []string{"attack.lateral-movement", "attack.t1210", "attack.discovery", "attack.t1046"}, Kind: sigma.ValueCount, GroupBy: []string{"id.orig_h"},
	}

	var findings []*detect.Finding
	at := func(minutes float64) time.Time { return outbreak().Add(time.Duration(minutes * float64(time.Minute))) }
	for i := range 1288 {
		f := &detect.Finding{
			Rule: killSwitch, Count: 1, Time: at(float64(i) / 9.5), Source: "day/dns.log", Record: uint64(i + 1), Offset: int64(i * 120),
			Host: fmt.Sprintf("CC-ENG-%04d", 417+i%11), LogSource: intel.LogSource{Product: "zeek", Service: "dns"},
			Fields: []detect.Value{{Name: "query", Value: "www.iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea.com"}},
		}
		f.Event = append([]detect.Value{{Name: "uid", Value: fmt.Sprintf("C%06x", i)}, {Name: "qtype_name", Value: "A"}}, f.Fields...)
		findings = append(findings, f)
	}
	windows := intel.LogSource{Product: "windows", Category: "process_creation", Service: "sysmon"}
	for i := range 14 {
		findings = append(findings, &detect.Finding{
			Rule: shadow, Count: 1, Time: at(12 + 9*float64(i)), Source: "day/winlogbeat.json", Record: uint64(9000 + i), Host: fmt.Sprintf("CC-ENG-%04d", 417+i),
			Channel: "Microsoft-Windows-Sysmon/Operational", Provider: "Microsoft-Windows-Sysmon", EventID: "1", LogSource: windows,
			Fields: []detect.Value{
				{Name: "Image", Value: `C:\Windows\System32\cmd.exe`},
				{Name: "CommandLine", Value: `cmd.exe /c vssadmin delete shadows /all /quiet & wmic shadowcopy delete & bcdedit /set {default} bootstatuspolicy ignoreallfailures & wbadmin delete catalog -quiet`},
				{Name: "CommandLine", Value: `cmd.exe /c vssadmin delete shadows /all /quiet & wmic shadowcopy delete & bcdedit /set {default} bootstatuspolicy ignoreallfailures & wbadmin delete catalog -quiet`},
			},
			Event: []detect.Value{
				{Name: "Channel", Value: "Microsoft-Windows-Sysmon/Operational"},
				{Name: "EventID", Value: "1"},
				{Name: "Image", Value: `C:\Windows\System32\cmd.exe`},
				{Name: "CommandLine", Value: `cmd.exe /c vssadmin delete shadows /all /quiet & wmic shadowcopy delete & bcdedit /set {default} bootstatuspolicy ignoreallfailures & wbadmin delete catalog -quiet`},
				{Name: "ParentImage", Value: `C:\Intel\abcde123\tasksche.exe`},
				{Name: "User", Value: `NT AUTHORITY\SYSTEM`},
			},
		})
	}
	findings = append(findings,
		&detect.Finding{
			Rule: service, Count: 1, Time: at(3), Source: "day/winlogbeat.json", Record: 17, Host: "生产线-控制器-07.example.com.cn",
			Channel: "System", Provider: "Service Control Manager", EventID: "7045", LogSource: intel.LogSource{Product: "windows", Service: "system"},
			Fields: []detect.Value{{Name: "ImagePath", Value: `C:\ProgramData\qzt\tasksche.exe`}, {Name: "ServiceName", Value: "mssecsvc2.0"}},
		},
		&detect.Finding{
			Correlation: scan, Count: 61, Time: at(1.5), Source: "day/conn.log", Record: 4012, Host: "zeek-1",
			GroupBy: []detect.Value{{Name: "id.orig_h", Value: "10.20.4.17"}},
		},
		&detect.Finding{Rule: chinese, Count: 1, Time: at(44), Source: "day/计划任务.json", Record: 3, Host: "财务-03", Fields: []detect.Value{{Name: "", Value: "=cmd|' /C calc'!A0"}}},
		&detect.Finding{Rule: odd, Count: 1, Source: "evil\x1b]0;owned\x07.log", Record: 1, Host: "a\u202eb\xff<b>", Fields: []detect.Value{{Name: "x", Value: "1\n2"}, {Name: "x", Value: "3"}}},
		&detect.Finding{Rule: logon, Count: 1, Time: at(-1440 * 3), Source: "day/winlogbeat.json", Record: 2, Host: "DC-01", EventID: "4624", Channel: "Security"},
	)
	return findings
}

func overview() *output.Overview {
	o := output.NewOverview()
	for _, f := range day() {
		o.Add(f)
	}
	return o
}

func summary() *node.Summary {
	return &node.Summary{
		Sources: []node.SourceSummary{
			{Name: "day/dns.log", Format: telemetry.ZeekTSV, Events: 12000, Bytes: 1_400_000},
			{Name: "day/winlogbeat.json", Format: telemetry.JSON, Events: 9800, Bytes: 14_200_000, Skipped: []node.Skip{{Reason: "line is not JSON: unexpected end", Count: 3, First: 88120}}},
			{Name: "day/System.evtx", Format: telemetry.EVTX, Events: 310, Bytes: 1_100_000, Skipped: []node.Skip{{Reason: "chunk checksum wrong", Count: 12, First: 4096}}},
			{Name: "day/notes.docx"},
		},
		Events: 22110, Bytes: 16_700_000, Findings: 1307, WithoutTime: 2, Unclassified: 31, Rules: 84, NotSeen: 22,
		NoTelemetry: []string{"product=windows service=microsoft-servicebus-client (1 rule)"}, Elapsed: 340 * time.Millisecond,
		LeftOut: []string{"Many logons: no rule is called logon"}, Correlations: correlate.Stats{Timeless: 1, Ungrouped: 12, Evicted: 3},
	}
}

func TestTableReadsAtEveryWidth(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		terminal output.Terminal
	}{
		{"table-40.txt", output.Terminal{Width: 40}},
		{"table-80.txt", output.Terminal{Width: 80}},
		{"table-80-colour.txt", output.Terminal{Width: 80, Colour: true}},
		{"table-160.txt", output.Terminal{Width: 160}},
		{"table-160-colour.txt", output.Terminal{Width: 160, Colour: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := output.WriteTable(&b, overview(), test.terminal); err != nil {
				t.Fatal(err)
			}
			b.WriteByte('\n')
			if err := output.WriteSummary(&b, overview(), summary(), []string{"3 rules are switched off."}, test.terminal); err != nil {
				t.Fatal(err)
			}
			golden(t, test.name, b.Bytes())
		})
	}
}

// No line is wider than the terminal, whatever names and times are.
func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	t.Parallel()
	rule := &sigma.Rule{
		Title: strings.Repeat("很长的标题 and words ", 12), Level: intel.High,
		Tags: []string{"attack.t1003.002", "attack.t1003.004", "attack.t1003.005", "attack.t1003.006"},
	}
	o := output.NewOverview()
	for i := range 3 {
		o.Add(&detect.Finding{
			Rule: rule, Time: outbreak().AddDate(i, 0, 0), Host: fmt.Sprintf("%d-主机主机主机主机.example.com", i),
			Fields: []detect.Value{{Name: "CommandLine", Value: strings.Repeat("长", 400)}},
		})
	}
	for width := 40; width <= 220; width += 7 {
		var b bytes.Buffer
		if err := output.WriteTable(&b, o, output.Terminal{Width: width}); err != nil {
			t.Fatal(err)
		}
		if err := output.WriteSummary(&b, o, summary(), nil, output.Terminal{Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if got := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); got > width {
				t.Fatalf("%d columns at width %d: %s", got, width, line)
			}
		}
	}
}
