package syslog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/syslog"
)

func decode(t *testing.T, line string) string {
	t.Helper()
	names := intel.NewNames(nil)
	var rec intel.Record
	if err := syslog.NewDecoder(names).Decode([]byte(line), &rec); err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, f := range rec.Fields {
		parts = append(parts, names.Text(f.Name)+"="+string(f.Value))
	}
	return strings.Join(parts, " | ")
}

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, line, want string }{
		{
			"RFC 5424 with structured data",
			`<165>1 2025-03-01T12:00:00.003Z web1.example.net shop 4711 ORDER7 [origin@32473 ip="192.0.2.1" ip="192.0.2.2"][meta note="say \"hi\" \] \\ \n"] ` + "\xef\xbb\xbf" + `order placed`,
			`facility=20 | severity=5 | timestamp=2025-03-01T12:00:00.003Z | hostname=web1.example.net | appname=shop | procid=4711 | msgid=ORDER7 | ` +
				`sd.origin@32473.ip=192.0.2.1 | sd.origin@32473.ip=192.0.2.2 | sd.meta.note=say "hi" ] \ \n | message=order placed`,
		},
		{"RFC 5424 with nothing", "<0>1 - - - - - -", "facility=0 | severity=0"},
		{"RFC 5424, an element without parameters", "<14>1 - h a - - [x] text", "facility=1 | severity=6 | hostname=h | appname=a | message=text"},
		{"RFC 5424, damaged structured data stays text", `<14>1 - h a - - [x y="z] text`, `facility=1 | severity=6 | hostname=h | appname=a | message=[x y="z] text`},
		{"RFC 5424, no structured data at all", `<14>1 - h a 1 - text of it`, `facility=1 | severity=6 | hostname=h | appname=a | procid=1 | message=text of it`},
		{
			"RFC 3164",
			"<86>Mar  1 09:08:07 gate sshd[921]: Accepted publickey for ada from 192.0.2.9 port 50022 ssh2",
			"facility=10 | severity=6 | timestamp=Mar  1 09:08:07 | hostname=gate | appname=sshd | procid=921 | message=Accepted publickey for ada from 192.0.2.9 port 50022 ssh2",
		},
		{"a file's line", "Mar 11 09:08:07 gate kernel: [ 1.5] eth0: up", "timestamp=Mar 11 09:08:07 | hostname=gate | appname=kernel | message=[ 1.5] eth0: up"},
		{
			"rsyslog's precise file", "2025-03-01T09:08:07.123456+01:00 gate CRON[77]: (root) CMD (true)",
			"timestamp=2025-03-01T09:08:07.123456+01:00 | hostname=gate | appname=CRON | procid=77 | message=(root) CMD (true)",
		},
		{"rsyslog forwarding", "<13>2025-03-01T09:08:07+01:00 gate su: x", "facility=1 | severity=5 | timestamp=2025-03-01T09:08:07+01:00 | hostname=gate | appname=su | message=x"},
		{"no host", "<13>Mar  1 09:08:07 su[3]: x: y", "facility=1 | severity=5 | timestamp=Mar  1 09:08:07 | appname=su | procid=3 | message=x: y"},
		{"no tag", "Mar  1 09:08:07 gate last message repeated 2 times", "timestamp=Mar  1 09:08:07 | hostname=gate | message=last message repeated 2 times"},
		{"neither time nor host", "<13>hello there: you", "facility=1 | severity=5 | message=hello there: you"},
		{"neither time nor host but a tag", "<13>app[5]: hello", "facility=1 | severity=5 | appname=app | procid=5 | message=hello"},
		{
			"macOS", "Mar  1 09:08:07 mac com.apple.xpc.launchd[1] (com.example.job[733]): exited: 1",
			"timestamp=Mar  1 09:08:07 | hostname=mac | appname=com.apple.xpc.launchd | procid=1 | message=exited: 1",
		},
		{
			"Cisco IOS", "<189>29: edge1: *Mar  1 18:46:11.027 UTC: %SYS-5-CONFIG_I: Configured from console",
			"facility=23 | severity=5 | timestamp=Mar  1 18:46:11.027 | hostname=edge1 | appname=%SYS-5-CONFIG_I | message=Configured from console",
		},
		{
			"Cisco IOS without host", "<189>29: Mar  1 18:46:11: %SYS-5-RESTART: up",
			"facility=23 | severity=5 | timestamp=Mar  1 18:46:11 | appname=%SYS-5-RESTART | message=up",
		},
		{
			"Cisco ASA", "<166>Mar 01 2025 12:00:00: %ASA-6-302013: Built outbound",
			"facility=20 | severity=6 | timestamp=Mar 01 2025 12:00:00 | appname=%ASA-6-302013 | message=Built outbound",
		},
		{
			"Cisco ASA with a device ID", "<166>Mar 01 2025 12:00:00 fw1 : %ASA-6-302013: Built",
			"facility=20 | severity=6 | timestamp=Mar 01 2025 12:00:00 | hostname=fw1 | appname=%ASA-6-302013 | message=Built",
		},
		{
			"Cisco NX-OS", "<189>: 2025 Mar  1 12:00:00 UTC: %ETHPORT-5-IF_UP: up",
			"facility=23 | severity=5 | timestamp=2025 Mar  1 12:00:00 | appname=%ETHPORT-5-IF_UP | message=up",
		},
		{
			"Check Point", `<134>1 2025-03-01 12:00:00 mds CheckPoint 137 - [action:"Accept"]`,
			`facility=16 | severity=6 | timestamp=2025-03-01 12:00:00 | hostname=mds | message=CheckPoint 137 - [action:"Accept"]`,
		},
		{"a message in JSON", `Mar  1 09:08:07 gate app: {"a":1}`, `timestamp=Mar  1 09:08:07 | hostname=gate | appname=app | message={"a":1}`},
		{"line end and NUL", "<13>Mar  1 09:08:07 gate su: x\x00\r\n", "facility=1 | severity=5 | timestamp=Mar  1 09:08:07 | hostname=gate | appname=su | message=x"},
		{"brackets that are no process ID", "Mar  1 09:08:07 gate app[a b]: x", "timestamp=Mar  1 09:08:07 | hostname=gate | message=app[a b]: x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, decode(t, test.line)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestOtherLinesAreRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "hello", "<>x", "<192>x", "<1234>x", "<a>x", "<13", "\tat Main.java:5", "Mar 1", "Mar  1 9:08:07 gate x: y", "Foo  1 09:08:07 gate x: y", "type=SYSCALL msg=audit(1.0:1):",
	} {
		var m syslog.Message
		if err := m.Parse([]byte(line)); !errors.Is(err, syslog.ErrNotSyslog) {
			t.Errorf("%q: error %v", line, err)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CET", 3600)
	reference := time.Date(2025, 3, 1, 12, 0, 0, 0, berlin)
	tests := []struct{ stamp, want string }{
		{"2025-02-03T04:05:06.123456789Z", "2025-02-03T04:05:06.123456789Z"},
		{"2025-02-03T04:05:06.5-05:30", "2025-02-03T09:35:06.5Z"},
		{"2025-02-03T04:05:06+0100", "2025-02-03T03:05:06Z"},
		{"2025-02-03 04:05:06", "2025-02-03T03:05:06Z"},
		{"Feb  3 04:05:06", "2025-02-03T03:05:06Z"},
		{"Feb 03 04:05:06,25", "2025-02-03T03:05:06.25Z"},
		{"Mar  2 11:00:00", "2025-03-02T10:00:00Z"},
		{"Mar  2 13:00:00", "2024-03-02T12:00:00Z"},
		{"Dec 31 23:59:60", "2024-12-31T23:00:00Z"},
		{"Feb 29 00:00:00", "2024-02-28T23:00:00Z"},
		{"Feb 30 00:00:00", ""},
		{"Feb 03 2019 04:05:06", "2019-02-03T03:05:06Z"},
		{"2019 Feb  3 04:05:06", "2019-02-03T03:05:06Z"},
		{"2025-13-03T04:05:06Z", ""},
		{"2025-02-03T24:05:06Z", ""},
		{"yesterday at noon", ""},
		{"", ""},
	}
	for _, test := range tests {
		got, ok := syslog.Time([]byte(test.stamp), reference)
		text := ""
		if ok {
			text = got.UTC().Format(time.RFC3339Nano)
		}
		if text != test.want {
			t.Errorf("%q is %q, want %q", test.stamp, text, test.want)
		}
	}
}

func TestNewYearBelongsToTheYearItBegins(t *testing.T) {
	t.Parallel()
	got, _ := syslog.Time([]byte("Jan  1 00:30:00"), time.Date(2024, 12, 31, 23, 0, 0, 0, time.UTC))
	if got.Year() != 2025 {
		t.Errorf("half an hour into the year, received before midnight, is of %d", got.Year())
	}
}

func TestLooks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, head string
		want       bool
	}{
		{"RFC 5424", "<14>1 2025-03-01T12:00:00Z h a - - - x\n", true},
		{"a file", "Mar  1 09:08:07 gate sshd[921]: x\nMar  1 09:08:08 gate last message repeated 2 times\n", true},
		{"a file of rsyslog", "2025-03-01T09:08:07.123456+01:00 gate CRON[77]: x\n", true},
		{"with continuation lines", "Mar  1 09:08:07 gate a: x\nMar  1 09:08:07 gate a: x\nMar  1 09:08:07 gate a: x\n\tmore\n", true},
		{"one line without an end", "<13>Mar  1 09:08:07 gate su: x", true},
		{"a program's log", "2025-03-01 09:08:07 INFO main: started\n2025-03-01 09:08:07 INFO main: done\n", false},
		{"a program's log with a T", "2025-03-01T09:08:07Z INFO started\n", false},
		{"mostly other lines", "Mar  1 09:08:07 gate a: x\nfoo\nbar\n", false},
		{"CEF after a priority", "<134>Mar  1 09:08:07 gate CEF:0|V|P|1|0|n|3|src=192.0.2.1\n", true},
		{"CEF in a file", "Mar  1 09:08:07 gate CEF:0|V|P|1|0|n|3|src=192.0.2.1\n", true},
		{"CEF in a file of rsyslog", "2025-03-01T09:08:07Z gate CEF:0|V|P|1|0|n|3|src=192.0.2.1\n", true},
		{"RFC 5424 without a name", "<134>1 2025-03-01T09:08:07Z gate - - - - CEF:0|V|P|1|0|n|3|src=192.0.2.1\n", true},
		{"pairs after a priority", "<189>date=2025-03-01 time=09:08:07 devname=\"gate\"\n", true},
		{"XML", "<13a/>\n", false},
		{"audit records", "type=SYSCALL msg=audit(1.0:1): arch=c000003e\n", false},
		{"empty", "", false},
	}
	for _, test := range tests {
		if got := syslog.Looks([]byte(test.head)); got != test.want {
			t.Errorf("%s: Looks is %v", test.name, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, line := range []string{
		`<165>1 2025-03-01T12:00:00.003Z h a 1 m [a b="c\]"][d] text`, "<13>Mar  1 09:08:07 gate su[1]: x", "<189>29: *Mar  1 18:46:11.027 UTC: %A-5-B: c",
		"Mar  1 2025 09:08:07 gate a[1] (b[2]): x", "2025-03-01T09:08:07.1+01:00 g c[7]: x", "<189>: 2025 Mar  1 12:00:00 UTC: %E: up", "<1>1 - - - - - [x y=\"\\",
	} {
		f.Add(line)
	}
	reference := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	decoder := syslog.NewDecoder(intel.NewNames(nil))
	f.Fuzz(func(t *testing.T, line string) {
		var m syslog.Message
		var rec intel.Record
		syslog.Looks([]byte(line))
		err := m.Parse([]byte(line))
		if got := decoder.Decode([]byte(line), &rec); !errors.Is(got, err) {
			t.Fatalf("Parse says %v, Decode %v", err, got)
		}
		if err != nil {
			return
		}
		if len(m.Text) > len(line) || !strings.HasSuffix(strings.TrimRight(line, "\r\n\x00"), string(m.Text)) {
			t.Errorf("text %q is not the line's end", m.Text)
		}
		if when, ok := syslog.Time(m.Timestamp, reference); ok && len(m.Timestamp) <= len("Mar  1 12:00:00") && when.After(reference.Add(24*time.Hour)) {
			t.Errorf("%q is %v", m.Timestamp, when)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	lines := map[string]string{
		"rfc3164": "<86>Mar  1 09:08:07 gate sshd[921]: Accepted publickey for ada from 192.0.2.9 port 50022 ssh2: RSA SHA256:0123456789",
		"rfc5424": `<165>1 2025-03-01T12:00:00.003Z web1.example.net shop 4711 ORDER7 [origin@32473 ip="192.0.2.1" swVersion="1.2\"3"] order placed by a customer`,
	}
	for name, text := range lines {
		b.Run(name, func(b *testing.B) {
			line := []byte(text)
			decoder := syslog.NewDecoder(intel.NewNames(nil))
			var rec intel.Record
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				rec.Reset()
				if err := decoder.Decode(line, &rec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
