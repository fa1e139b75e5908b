package logsource_test

import (
	"testing"

	"tocsin/intel"
	"tocsin/telemetry/flatjson"
	"tocsin/telemetry/logsource"
)

const sysmonEvent = `{"Event":{"#attributes":{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"},"System":{` +
	`"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon","Guid":"5770385F-C22A-43E0-BF4C-06F5698FFBD9"}},"EventID":1,"Version":5,` +
	`"Level":4,"Task":1,"Opcode":0,"Keywords":"0x8000000000000000","TimeCreated":{"#attributes":{"SystemTime":"2024-03-01T10:11:12.123456Z"}},` +
	`"EventRecordID":4711,"Correlation":null,"Execution":{"#attributes":{"ProcessID":3012,"ThreadID":4108}},` +
	`"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"WS01.corp.example","Security":{"#attributes":{"UserID":"S-1-5-18"}}},` +
	`"EventData":{"RuleName":"-","UtcTime":"2024-03-01 10:11:12.120","ProcessGuid":"{A}","ProcessId":640,"Image":"C:\\Windows\\System32\\cmd.exe",` +
	`"FileVersion":"10.0","Description":"Windows Command Processor","Product":"Windows","Company":"Microsoft Corporation",` +
	`"OriginalFileName":"Cmd.Exe","CommandLine":"cmd /c whoami","CurrentDirectory":"C:\\","User":"CORP\\anna","LogonGuid":"{B}",` +
	`"LogonId":"0x3e7","TerminalSessionId":1,"IntegrityLevel":"High","Hashes":"SHA256=00","ParentProcessGuid":"{C}","ParentProcessId":1,` +
	`"ParentImage":"C:\\Windows\\explorer.exe","ParentCommandLine":"explorer.exe","ParentUser":"CORP\\anna"}}}`

const securityEvent = `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing"}},"EventID":4624,` +
	`"TimeCreated":{"#attributes":{"SystemTime":"2024-03-01T10:11:13.5Z"}},"Channel":"Security","Computer":"WS01.corp.example"},` +
	`"EventData":{"SubjectUserSid":"S-1-5-18","TargetUserName":"anna","LogonType":3,"IpAddress":"192.0.2.7"}}}`

// BenchmarkResolve resolves two kinds of Windows event in turn.
func BenchmarkResolve(b *testing.B) {
	m := load(b)
	names := intel.NewNames(m.Rewrite)
	var records [2]intel.Record
	for i, text := range [...]string{sysmonEvent, securityEvent} {
		if _, err := flatjson.NewDecoder(names).Decode([]byte(text), &records[i]); err != nil {
			b.Fatal(err)
		}
	}
	r := logsource.NewResolver(m, names)
	hint := logsource.Hint{Format: "json", FileName: "events.jsonl"}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.Resolve(&records[i&1], hint)
		i++
	}
}

// BenchmarkResolveSame resolves one kind of Windows event over and over.
func BenchmarkResolveSame(b *testing.B) {
	m := load(b)
	names := intel.NewNames(m.Rewrite)
	var record intel.Record
	if _, err := flatjson.NewDecoder(names).Decode([]byte(sysmonEvent), &record); err != nil {
		b.Fatal(err)
	}
	r := logsource.NewResolver(m, names)
	hint := logsource.Hint{Format: "json", FileName: "events.jsonl"}
	b.ReportAllocs()
	for b.Loop() {
		r.Resolve(&record, hint)
	}
}

// BenchmarkResolveMessage resolves a system log's line, whose words say whether
// an application of some kind wrote it.
func BenchmarkResolveMessage(b *testing.B) {
	m := load(b)
	names := intel.NewNames(m.Rewrite)
	var record intel.Record
	text := `{"facility":3,"severity":6,"timestamp":"Mar  1 10:11:12","hostname":"web01","appname":"systemd","procid":"1",` +
		`"message":"Started Session 4711 of user anna; the system has been running for twelve days without a restart."}`
	if _, err := flatjson.NewDecoder(names).Decode([]byte(text), &record); err != nil {
		b.Fatal(err)
	}
	r := logsource.NewResolver(m, names)
	r.Reference = reference
	hint := logsource.Hint{Format: "syslog", FileName: "/var/log/syslog"}
	b.ReportAllocs()
	for b.Loop() {
		r.Resolve(&record, hint)
	}
}
