package drill

import (
	"strconv"
	"time"
)

// The kinds of logon (event 4624, LogonType).
const (
	atKeyboard  = 2
	overNetwork = 3
	unlocking   = 7
)

// logon puts down that an account logged on (Security 4624).
func (b *book) logon(at time.Time, m *machine, account, sid string, kind int, from string) string {
	session := b.session()
	process, pack := "User32", "Negotiate"
	if kind == overNetwork {
		process, pack = "Kerberos", "Kerberos"
	}
	where := domain
	if account == "ANONYMOUS LOGON" {
		process, pack, where = "NtLmSsp", "NTLM", "NT AUTHORITY"
	}
	b.record(at, m, securityLog, 4624,
		"SubjectUserSid", "S-1-5-18", "SubjectUserName", m.account(), "SubjectDomainName", domain, "SubjectLogonId", "0x3e7",
		"TargetUserSid", sid, "TargetUserName", account, "TargetDomainName", where, "TargetLogonId", session,
		"LogonType", strconv.Itoa(kind), "LogonProcessName", process, "AuthenticationPackageName", pack,
		"WorkstationName", m.name, "IpAddress", from, "IpPort", strconv.Itoa(b.port()), "ElevatedToken", "%%1843")
	return session
}

// logoff puts down the end of a session (Security 4634).
func (b *book) logoff(at time.Time, m *machine, account, sid, session string, kind int) {
	b.record(at, m, securityLog, 4634,
		"TargetUserSid", sid, "TargetUserName", account, "TargetDomainName", domain, "TargetLogonId", session, "LogonType", strconv.Itoa(kind))
}

// refused puts down a logon with a wrong password (Security 4625).
func (b *book) refused(at time.Time, m *machine, account, from string, kind int) {
	b.record(at, m, securityLog, 4625,
		"SubjectUserSid", "S-1-5-18", "SubjectUserName", m.account(), "SubjectDomainName", domain, "SubjectLogonId", "0x3e7",
		"TargetUserSid", "S-1-0-0", "TargetUserName", account, "TargetDomainName", domain,
		"Status", "0xc000006d", "SubStatus", "0xc000006a", "FailureReason", "%%2313",
		"LogonType", strconv.Itoa(kind), "LogonProcessName", "User32", "AuthenticationPackageName", "Negotiate",
		"WorkstationName", m.name, "IpAddress", from, "IpPort", "0")
}

// ticket puts down what a domain controller gave an account: a ticket to ask
// with (Security 4768) where service is empty, else one for a service (4769).
func (b *book) ticket(at time.Time, account, from, service string) {
	controller := b.company.dc1
	if b.number()%2 == 0 {
		controller = b.company.dc2
	}
	if service == "" {
		b.record(at, controller, securityLog, 4768,
			"TargetUserName", account, "TargetDomainName", domain, "ServiceName", "krbtgt", "TicketOptions", "0x40810010", "Status", "0x0",
			"TicketEncryptionType", "0x12", "PreAuthType", "2", "IpAddress", "::ffff:"+from, "IpPort", strconv.Itoa(b.port()))
		return
	}
	b.record(at, controller, securityLog, 4769,
		"TargetUserName", account+"@"+"NORWIND.EXAMPLE", "TargetDomainName", "NORWIND.EXAMPLE", "ServiceName", service,
		"TicketOptions", "0x40810000", "TicketEncryptionType", "0x12", "Status", "0x0",
		"IpAddress", "::ffff:"+from, "IpPort", strconv.Itoa(b.port()))
}

// share puts down access to a share (Security 5140), or where file is not empty
// to a file on it (5145). access is the mask of what was asked for.
func (b *book) share(at time.Time, m *machine, account, from, share, file, access string) {
	id, fields := 5140, []string{
		"SubjectUserName", account, "SubjectDomainName", domain, "SubjectLogonId", b.session(), "ObjectType", "File",
		"IpAddress", from, "IpPort", strconv.Itoa(b.port()), "ShareName", `\\*\` + share, "AccessMask", access,
	}
	if file != "" {
		id = 5145
		fields = append(fields, "ShareLocalPath", `\??\D:\Shares\`+share, "RelativeTargetName", file)
	}
	b.record(at, m, securityLog, id, fields...)
}

// The access masks that 5145 shows.
const (
	toRead  = "0x120089"
	toWrite = "0x120196"
)

// installed puts down a new service (System 7045).
func (b *book) installed(at time.Time, m *machine, name, command string) {
	b.record(at, m, serviceLog, 7045,
		"ServiceName", name, "ImagePath", command, "ServiceType", "user mode service", "StartType", "auto start", "AccountName", "LocalSystem")
}

// state puts down that a service started or stopped (System 7036).
func (b *book) state(at time.Time, m *machine, service, state string) {
	b.record(at, m, serviceLog, 7036, "param1", service, "param2", state)
}

// script puts down a PowerShell script block (4104).
func (b *book) script(at time.Time, m *machine, path, text string) {
	b.record(at, m, powershellLog, 4104,
		"MessageNumber", "1", "MessageTotal", "1", "ScriptBlockText", text,
		"ScriptBlockId", "4b1d0000-0000-4000-8000-"+pad(b.number()), "Path", path)
}

func pad(n int) string {
	text := strconv.Itoa(n)
	return "000000000000"[len(text):] + text
}
