package drill

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// program is a program file and what its version data says.
type program struct{ image, description, company string }

// process is a running program.
type process struct {
	program
	command string
	user    string // as Windows shows it
	guid    string
	id      int
}

const systemUser = `NT AUTHORITY\SYSTEM`

const microsoft = "Microsoft Corporation"

// The programs of an ordinary Windows.
var (
	services   = program{`C:\Windows\System32\services.exe`, "Services and Controller app", microsoft}
	lsass      = program{`C:\Windows\System32\lsass.exe`, "Local Security Authority Process", microsoft}
	svchost    = program{`C:\Windows\System32\svchost.exe`, "Host Process for Windows Services", microsoft}
	userinit   = program{`C:\Windows\System32\userinit.exe`, "Userinit Logon Application", microsoft}
	explorer   = program{`C:\Windows\explorer.exe`, "Windows Explorer", microsoft}
	cmd        = program{`C:\Windows\System32\cmd.exe`, "Windows Command Processor", microsoft}
	powershell = program{`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, "Windows PowerShell", microsoft}
	taskeng    = program{`C:\Windows\System32\taskeng.exe`, "Task Scheduler Engine", microsoft}
)

// running is a process that was there before anything in the log.
func running(p program, user string) process {
	return process{program: p, command: p.image, user: user, id: 500 + len(p.image), guid: "{5a1c0000-0000-5915-0000-001000000000}"}
}

// start puts down that a process was started, as the machine's logs show it:
// Sysmon 1 on workstations, Security 4688 on servers.
func (b *book) start(at time.Time, m *machine, p program, command string, parent process, user string) process {
	n := b.number()
	child := process{
		program: p, command: command, user: user, id: 1000 + 4*(n%4000),
		guid: fmt.Sprintf("{5a1c%04x-%04x-5915-0000-0010%08x}", m.number, n>>16, n),
	}
	if m.sysmon {
		b.sysmonProcess(at, m, child, parent)
	} else {
		b.auditedProcess(at, m, child, parent)
	}
	return child
}

func (b *book) sysmonProcess(at time.Time, m *machine, p, parent process) {
	b.record(at, m, sysmonLog, 1,
		"UtcTime", utc(at), "ProcessGuid", p.guid, "ProcessId", strconv.Itoa(p.id),
		"Image", p.image, "Description", p.description, "Company", p.company, "OriginalFileName", base(p.image),
		"CommandLine", p.command, "CurrentDirectory", directory(p), "User", p.user, "IntegrityLevel", integrity(p.user),
		"Hashes", hashes(p.image),
		"ParentProcessGuid", parent.guid, "ParentProcessId", strconv.Itoa(parent.id),
		"ParentImage", parent.image, "ParentCommandLine", parent.command, "ParentUser", parent.user)
}

func (b *book) auditedProcess(at time.Time, m *machine, p, parent process) {
	where, who, ok := strings.Cut(p.user, `\`)
	if !ok {
		where, who = domain, p.user
	}
	b.record(at, m, securityLog, 4688,
		"SubjectUserName", who, "SubjectDomainName", where, "SubjectLogonId", "0x3e7",
		"NewProcessId", fmt.Sprintf("0x%x", p.id), "NewProcessName", p.image, "CommandLine", p.command,
		"TokenElevationType", "%%1936", "ProcessId", fmt.Sprintf("0x%x", parent.id), "ParentProcessName", parent.image,
		"MandatoryLabel", "S-1-16-16384")
}

// end puts down that a process ended.
func (b *book) end(at time.Time, m *machine, p process) {
	b.record(at, m, sysmonLog, 5, "UtcTime", utc(at), "ProcessGuid", p.guid, "ProcessId", strconv.Itoa(p.id), "Image", p.image, "User", p.user)
}

func integrity(user string) string {
	if user == systemUser {
		return "System"
	}
	return "Medium"
}

func directory(p process) string {
	if p.user == systemUser {
		return `C:\Windows\system32\`
	}
	return `C:\Users\` + short(p.user) + `\`
}

// short is the account without its domain.
func short(user string) string { return user[strings.LastIndexByte(user, '\\')+1:] }

// base is the file name of a Windows path.
func base(path string) string { return path[strings.LastIndexByte(path, '\\')+1:] }

func utc(at time.Time) string { return at.Format("2006-01-02 15:04:05.000") }

// hashes of a program: the published ones of the worm's files, for every other
// program a number of its own.
func hashes(image string) string {
	if sum, ok := wormHashes[base(image)]; ok {
		return "SHA256=" + strings.ToUpper(sum)
	}
	return fmt.Sprintf("SHA256=%X", sha256.Sum256([]byte(image)))
}
