package auditd_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/auditd"
)

func decode(t *testing.T, event string) string {
	t.Helper()
	names := intel.NewNames(nil)
	var rec intel.Record
	if err := auditd.NewDecoder(names).Decode([]byte(event), &rec); err != nil {
		t.Fatal(err)
	}
	return render(names, &rec)
}

func render(names *intel.Names, rec *intel.Record) string {
	var parts []string
	for _, f := range rec.Fields {
		name := names.Text(f.Name)
		if name != "timestamp" && name != "serial" {
			parts = append(parts, name+"="+string(f.Value))
		}
	}
	return strings.Join(parts, "|")
}

const at = " msg=audit(1700000000.123:42): "

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, event, want string }{
		{
			"a system call, its name from the table",
			"type=SYSCALL" + at + `arch=c000003e syscall=59 success=yes exit=0 a0=10 a1=7ff uid=0 comm="sh" exe="/bin/sh" key=(null)`,
			"type=SYSCALL|arch=c000003e|syscall=59|success=yes|exit=0|a0=10|a1=7ff|uid=0|comm=sh|exe=/bin/sh|key=(null)|SYSCALL=execve|syscall=execve",
		},
		{"on ARM", "type=SYSCALL" + at + "arch=c00000b7 syscall=221", "type=SYSCALL|arch=c00000b7|syscall=221|SYSCALL=execve|syscall=execve"},
		{"32 bits", "type=SYSCALL" + at + "arch=40000003 syscall=11", "type=SYSCALL|arch=40000003|syscall=11|SYSCALL=execve|syscall=execve"},
		{"a number nobody knows", "type=SYSCALL" + at + "arch=c000003e syscall=9999", "type=SYSCALL|arch=c000003e|syscall=9999"},
		{
			"enriched",
			"node=gate type=SYSCALL" + at + "arch=c000003e syscall=42 auid=1000 key=\"net\"\x1dARCH=x86_64 SYSCALL=connect AUID=\"ada\"",
			"node=gate|type=SYSCALL|arch=c000003e|syscall=42|auid=1000|key=net|ARCH=x86_64|SYSCALL=connect|AUID=ada|syscall=connect",
		},
		{
			"hexadecimal only where the rules say so",
			"type=SYSCALL" + at + "a0=2F62 comm=6120622E7368 exe=2F746D702F6120622E7368 key=6F6E650174776F tty=pts0 ino=4142",
			"type=SYSCALL|a0=2F62|comm=a b.sh|exe=/tmp/a b.sh|key=one|key=two|tty=pts0|ino=4142",
		},
		{
			"arguments", "type=EXECVE" + at + `argc=3 a0="dd" a1=69663D2061 a2="bs=1"`,
			"type=EXECVE|argc=3|a0=dd|a1=if= a|a2=bs=1|cmdline=dd if= a bs=1",
		},
		{
			"an argument in pieces over two records",
			"type=EXECVE" + at + `argc=3 a0="sh" a1_len=9 a1[0]="abc" a1[1]="def"` + "\ntype=EXECVE" + at + `a1[2]=206768 a2="z"`,
			"type=EXECVE|argc=3|a0=sh|a1_len=9|type=EXECVE|a1=abcdef gh|a2=z|cmdline=sh abcdef gh z",
		},
		{"a process title", "type=PROCTITLE" + at + "proctitle=64640069663D2F6465762F7A65726F00", "type=PROCTITLE|proctitle=dd if=/dev/zero"},
		{"a process title without unusual characters", "type=PROCTITLE" + at + `proctitle="(sd-pam)"`, "type=PROCTITLE|proctitle=(sd-pam)"},
		{
			"an event", "type=SYSCALL" + at + "uid=0\ntype=CWD" + at + ` cwd="/root"` + "\ntype=PATH" + at + `item=0 name="/etc/a" nametype=NORMAL` + "\ntype=PATH" + at + `item=1 name=2F6120 nametype=CREATE`,
			"type=SYSCALL|uid=0|type=CWD|cwd=/root|type=PATH|item=0|name=/etc/a|nametype=NORMAL|type=PATH|item=1|name=/a |nametype=CREATE",
		},
		{
			"IPv4 address", "type=SOCKADDR" + at + "saddr=02000050C00002010000000000000000",
			"type=SOCKADDR|saddr=02000050C00002010000000000000000|saddr_fam=inet|laddr=192.0.2.1|lport=80",
		},
		{
			"IPv6 address, enriched", "type=SOCKADDR" + at + "saddr=0A0001BB0000000020010DB800000000000000000000000100000000\x1dSADDR={ saddr_fam=inet6 laddr=2001:db8::1 lport=443 }",
			"type=SOCKADDR|saddr=0A0001BB0000000020010DB800000000000000000000000100000000|saddr_fam=inet6|laddr=2001:db8::1|lport=443|SADDR={ saddr_fam=inet6 laddr=2001:db8::1 lport=443 }",
		},
		{"local address", "type=SOCKADDR" + at + "saddr=01002F72756E2F78000000", "type=SOCKADDR|saddr=01002F72756E2F78000000|saddr_fam=local|path=/run/x"},
		{"abstract local address", "type=SOCKADDR" + at + "saddr=01000061", "type=SOCKADDR|saddr=01000061|saddr_fam=local|path=\x00a"},
		{
			"a record of user space",
			"type=USER_AUTH" + at + `pid=9 uid=0 msg='op=PAM:authentication acct="o'neil" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.5 terminal=ssh res=failed'` + "\x1dUID=\"root\"",
			"type=USER_AUTH|pid=9|uid=0|op=PAM:authentication|acct=o'neil|exe=/usr/sbin/sshd|hostname=?|addr=192.0.2.5|terminal=ssh|res=failed|UID=root",
		},
		{
			"an older record of user space",
			"type=USER_START" + at + `user pid=5 msg='PAM: session open acct=root : exe="/usr/sbin/crond" (hostname=?, addr=?, terminal=cron res=success)'`,
			"type=USER_START|pid=5|acct=root|exe=/usr/sbin/crond|hostname=?|addr=?|terminal=cron|res=success",
		},
		{
			"a sentence", "type=ADD_USER" + at + `msg='op=adding user to group id=7 res=success'`,
			"type=ADD_USER|op=adding user to group|id=7|res=success",
		},
		{"a command", "type=USER_CMD" + at + `msg='cwd="/" cmd=6C73202D6C terminal=pts/0 res=success'`, "type=USER_CMD|cwd=/|cmd=ls -l|terminal=pts/0|res=success"},
		{
			"SELinux", "type=AVC" + at + `avc:  denied  { read write } for  pid=3 comm="x" tclass=dir`,
			"type=AVC|seresult=denied|seperms=read|seperms=write|pid=3|comm=x|tclass=dir",
		},
		{"the kernel's own line", `[   12.345678] audit: type=1400 audit(1700000000.123:42): apparmor="DENIED" operation="open"`, "type=AVC|apparmor=DENIED|operation=open"},
		{"the dispatcher's", "audispd: node=n type=CWD" + at + `cwd="/"`, "node=n|type=CWD|cwd=/"},
		{"a message without a colon", "type=DAEMON_CONFIG msg=audit(1700000000.123:42) config changed, auid=0 res=success", "type=DAEMON_CONFIG|auid=0|res=success"},
		{"a text that has no fields", "type=KERNEL" + at + `msg='initialized'`, "type=KERNEL|msg=initialized"},
		{"an older kernel's login", "type=LOGIN" + at + "login pid=5 uid=0 old auid=7 new auid=0", "type=LOGIN|pid=5|uid=0|old-auid=7|auid=0"},
		{"a quote that nobody opened", "type=SYSCALL" + at + `key=6578016162"`, "type=SYSCALL|key=ex|key=ab"},
		{"cut off", "type=PATH" + at + `item=0 name="/etc/pas`, "type=PATH|item=0|name=/etc/pas"},
		{"an unknown type", "type=UNKNOWN[1999]" + at + "a=b", "type=UNKNOWN[1999]|a=b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, decode(t, test.event)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestEventIsStampedOnce(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	var rec intel.Record
	event := "node=n type=CWD" + at + "cwd=\"/\"\nnode=n type=EOE" + at
	if err := auditd.NewDecoder(names).Decode([]byte(event), &rec); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, f := range rec.Fields {
		count[names.Text(f.Name)]++
	}
	want := map[string]int{"node": 1, "timestamp": 1, "serial": 1, "type": 2, "cwd": 1}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOtherLinesAreRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "hello", "type=SYSCALL", "type=SYSCALL msg=audit(", "type=SYSCALL msg=audit(1.0)", "type=SYSCALL msg=audit(a:b):", "msg=auditor(1:2)",
	} {
		var rec intel.Record
		if err := auditd.NewDecoder(intel.NewNames(nil)).Decode([]byte(line), &rec); !errors.Is(err, auditd.ErrNotAudit) {
			t.Errorf("%q: error %v", line, err)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for stamp, want := range map[string]string{
		"1700000000.123": "2023-11-14T22:13:20.123Z", "0.5": "1970-01-01T00:00:00.5Z", "7": "1970-01-01T00:00:07Z",
		"9999999999999.0": "", "": "", ".5": "", "x.1": "",
	} {
		got, ok := auditd.Time([]byte(stamp))
		text := ""
		if ok {
			text = got.Format(time.RFC3339Nano)
		}
		if text != want {
			t.Errorf("%q is %q, want %q", stamp, text, want)
		}
	}
}

func TestLooks(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]bool{
		"type=CWD" + at + "cwd=\"/\"\n":                           true,
		"node=a type=CWD" + at:                                    true,
		"----\ntime->Tue Nov 14 22:13:20 2023\ntype=CWD" + at:     true,
		"audit: type=1400 audit(1700000000.123:42): apparmor=x\n": true,
		"type=\"traffic\" subtype=\"forward\"\n":                  false,
		"":                                                        false,
		"msg=audit(1:2): no type\n":                               false,
		"x\ntype=CWD" + at + "cwd=/\n":                            false,
	} {
		if got := auditd.Looks([]byte(head)); got != want {
			t.Errorf("Looks(%q) = %v", head, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("type=SYSCALL" + at + "arch=c000003e syscall=59 a0=1 key=6101\x1dSYSCALL=execve")
	f.Add("type=EXECVE" + at + "a0=\"x\" a1[0]=41 a1[1]=\"b\"\ntype=SOCKADDR" + at + "saddr=02000050C0000201")
	f.Add("type=USER_CMD" + at + "msg='op=a b c=d msg='e=f' cmd=6C73'")
	f.Add("type=AVC" + at + "avc: denied { read } for pid=1 msg='msg='msg='a=b")
	f.Add("type=SOCKADDR" + at + "saddr=0100")
	decoder := auditd.NewDecoder(intel.NewNames(nil))
	f.Fuzz(func(t *testing.T, event string) {
		auditd.Looks([]byte(event))
		var first, second intel.Record
		err := decoder.Decode([]byte(event), &first)
		if err != nil && len(first.Fields) > 0 {
			t.Error("fields beside an error")
		}
		// What the decoder remembers of the first must not change the second.
		_ = decoder.Decode([]byte(event), &second)
		if diff := cmp.Diff(first.Fields, second.Fields); diff != "" {
			t.Errorf("the second time differs\n%s", diff)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	event := []byte("type=SYSCALL" + at + `arch=c000003e syscall=59 success=yes exit=0 a0=558e25052c70 a1=558e251641a0 a2=558e25160800 a3=1b6 items=2 ppid=29002 pid=2168 auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=104 comm="dd" exe="/bin/dd" key=(null)` +
		"\ntype=EXECVE" + at + `argc=4 a0="dd" a1="if=/dev/zero" a2="bs=1" a3="count=1"` +
		"\ntype=CWD" + at + `cwd="/home/ada"` +
		"\ntype=PATH" + at + `item=0 name="/bin/dd" inode=20 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0` +
		"\ntype=PROCTITLE" + at + "proctitle=64640069663D2F6465762F7A65726F0062733D3100636F756E743D31")
	decoder := auditd.NewDecoder(intel.NewNames(nil))
	var rec intel.Record
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		rec.Reset()
		if err := decoder.Decode(event, &rec); err != nil {
			b.Fatal(err)
		}
	}
}
