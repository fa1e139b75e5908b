package drill

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// stamp is the time as rsyslog writes it in its precise format.
func stamp(at time.Time) string { return at.Format("2006-01-02T15:04:05.000000-07:00") }

func cutSpace(text string) (before, after string, found bool) { return strings.Cut(text, " ") }

// linuxJobs is what the web server does by itself.
func (b *book) linuxJobs() {
	for hour := range 24 {
		at := clock(hour, 17).Add(time.Second)
		b.syslog(at, "CRON", 2100+hour, "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)")
		b.executed(at, "root", "root", "/bin/run-parts", "run-parts --report /etc/cron.hourly")
		b.executed(at.Add(time.Second), "root", "root", "/usr/bin/certbot", "/usr/bin/certbot -q renew")
	}
	b.executed(clock(6, 25), "root", "root", "/usr/sbin/logrotate", "/usr/sbin/logrotate /etc/logrotate.conf")
	b.executed(clock(6, 40), "root", "root", "/usr/bin/apt-get", "apt-get -qq -y update")
	b.executed(clock(6, 45), "root", "root", "/bin/tar", "tar -czf /var/backups/site-20170512.tgz /srv/www")
	b.executed(clock(6, 47), "root", "root", "/usr/bin/rsync", "rsync -a /var/backups/ backup@10.20.1.30:/vault/web01/")
	// Strangers try names now and then; nobody gets in.
	for range 40 {
		at := b.within(midnight, 24*time.Hour)
		name, from := pick(b, []string{"admin", "test", "oracle", "pi", "ubnt"}), fmt.Sprintf("203.0.113.%d", 1+b.dice.IntN(250))
		b.syslog(at, "sshd", 3000+b.number()%9000, fmt.Sprintf("Failed password for invalid user %s from %s port %d ssh2", name, from, b.port()))
	}
}

// linuxAdministrator comes three times to look after the server.
func (b *book) linuxAdministrator() {
	desk := b.company.workstations[1]
	for _, hour := range []int{8, 11, 15} {
		at := b.within(clock(hour, 0), 40*time.Minute)
		pid := 3000 + b.number()%9000
		b.seen(at, flow{desk.address, b.company.web.address, 22, "tcp", "ssh", "SF", 8200, 31000})
		b.syslog(at, "sshd", pid, fmt.Sprintf("Accepted publickey for lindgren from %s port %d ssh2: ED25519 SHA256:2f9b7c1de0", desk.address, b.port()))
		b.syslog(at, "sshd", pid, "pam_unix(sshd:session): session opened for user lindgren by (uid=0)")
		for i, command := range []string{"uptime", "tail -n 100 /var/log/nginx/error.log", "df -h", "less /etc/nginx/nginx.conf"} {
			name, _, _ := cutSpace(command)
			b.executed(at.Add(time.Duration(i+1)*time.Minute), "lindgren", "lindgren", "/usr/bin/"+name, command)
		}
		b.syslog(at.Add(6*time.Minute), "sudo", 0, "lindgren : TTY=pts/0 ; PWD=/home/lindgren ; USER=root ; COMMAND=/bin/systemctl reload nginx")
		b.executed(at.Add(6*time.Minute), "lindgren", "root", "/bin/systemctl", "systemctl reload nginx")
		b.syslog(at.Add(9*time.Minute), "sshd", pid, "pam_unix(sshd:session): session closed for user lindgren")
	}
}

func (b *book) syslog(at time.Time, program string, pid int, message string) {
	if pid != 0 {
		program = fmt.Sprintf("%s[%d]", program, pid)
	}
	b.put(webSyslog, at, "%s web01 %s: %s", stamp(at), program, message)
}

var linuxIDs = map[string]int{"root": 0, "lindgren": 1001}

// executed is a program started on the web server, as auditd writes it: five
// records of one event. login is who came in, user who it runs as.
func (b *book) executed(at time.Time, login, user, exe, command string) {
	args := strings.Fields(command)
	mark := fmt.Sprintf("msg=audit(%d.%03d:%d):", at.Unix(), at.Nanosecond()/1e6, 40000+b.number())
	uid, pid := linuxIDs[user], 4000+b.number()%20000
	name := exe[strings.LastIndexByte(exe, '/')+1:]
	auid := "4294967295" // nobody logged in: a job
	if login != "root" {
		auid = strconv.Itoa(linuxIDs[login])
	}
	var arguments strings.Builder
	for i, arg := range args {
		fmt.Fprintf(&arguments, " a%d=%q", i, arg)
	}
	b.put(auditFile, at, "type=SYSCALL %[1]s arch=c000003e syscall=59 success=yes exit=0 a0=55d0c3a1 a1=55d0c3b8 a2=55d0c3d0 a3=8 items=2 ppid=%[2]d pid=%[3]d auid=%[4]s uid=%[5]d gid=%[5]d euid=%[5]d suid=%[5]d fsuid=%[5]d egid=%[5]d sgid=%[5]d fsgid=%[5]d tty=(none) ses=%[4]s comm=%[6]q exe=%[7]q key=\"exec\"\n"+
		"type=EXECVE %[1]s argc=%[8]d%[9]s\n"+
		"type=CWD %[1]s cwd=\"/\"\n"+
		"type=PATH %[1]s item=0 name=%[7]q inode=131077 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL\n"+
		"type=PROCTITLE %[1]s proctitle=%[10]s",
		mark, pid-1, pid, auid, uid, name, exe, len(args), arguments.String(), strings.ToUpper(hex.EncodeToString([]byte(strings.Join(args, "\x00")))))
}
