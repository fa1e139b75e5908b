package drill

import (
	"fmt"
	"strings"
	"time"
)

const backupAccount, backupSID = "svc-backup", sidPrefix + "-1050"

// controllers is what the domain controllers do all day: tickets for machines.
func (b *book) controllers() {
	for _, m := range b.company.everyone() {
		for hour := 0; hour < 24; hour += 4 {
			at := b.within(clock(hour, 0), 4*time.Hour)
			b.ticket(at, m.account(), m.address, "")
			b.ticket(at.Add(50*time.Millisecond), m.account(), m.address, b.company.dc1.account())
			b.logon(at.Add(60*time.Millisecond), b.company.dc1, m.account(), sidPrefix+fmt.Sprintf("-%d", 2000+m.number), overNetwork, m.address)
			b.seen(at, flow{m.address, b.company.dc1.address, 389, "tcp", "ldap_tcp", "SF", 900, 4200})
			b.seen(at.Add(time.Second), flow{m.address, b.company.dc2.address, 123, "udp", "ntp", "SF", 48, 48})
		}
	}
	for hour := range 24 {
		at := b.within(clock(hour, 0), time.Hour)
		b.start(at, b.company.dc1, program{image: `C:\Windows\System32\wbem\WmiPrvSE.exe`}, `C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding`, running(svchost, systemUser), systemUser)
		b.seen(at, flow{b.company.dc2.address, b.company.dc1.address, 135, "tcp", "dce_rpc", "SF", 600, 400})
		b.seen(at.Add(time.Second), flow{b.company.dc2.address, b.company.dc1.address, 49155, "tcp", "dce_rpc", "SF", 5200, 18000})
	}
}

// fileServer is what the file server does by itself.
func (b *book) fileServer() {
	fs := b.company.files
	for hour := 0; hour < 24; hour += 2 {
		at := b.within(clock(hour, 0), 2*time.Hour)
		b.start(at, fs, program{image: `C:\Windows\System32\vssadmin.exe`}, `vssadmin list shadows /for=D:`, running(taskeng, systemUser), systemUser)
		b.state(at.Add(time.Second), fs, "Volume Shadow Copy", "running")
		b.state(at.Add(3*time.Minute), fs, "Volume Shadow Copy", "stopped")
	}
}

// backups is the night's work: every server's shares copied, the catalogue kept.
func (b *book) backups() {
	m := b.company.backup
	at := clock(1, 0)
	shell := b.start(at, m, powershell, `powershell.exe -NoProfile -ExecutionPolicy RemoteSigned -File D:\Jobs\nightly.ps1`, running(taskeng, systemUser), domain+`\`+backupAccount)
	b.script(at.Add(time.Second), m, `D:\Jobs\nightly.ps1`, `foreach ($s in 'FS01','DC01','DC02') { robocopy "\\$s\backup$" "D:\Vault\$s" /MIR /R:1 /W:1 /LOG+:D:\Jobs\nightly.log }`)
	b.start(at.Add(2*time.Second), m, program{image: `C:\Windows\System32\wbadmin.exe`}, `wbadmin start backup -backupTarget:E: -include:C: -quiet`, shell, domain+`\`+backupAccount)
	for i, s := range []*machine{b.company.files, b.company.dc1, b.company.dc2} {
		began := at.Add(time.Duration(i*25) * time.Minute)
		b.start(began, m, program{image: `C:\Windows\System32\Robocopy.exe`}, fmt.Sprintf(`robocopy \\%s\backup$ D:\Vault\%s /MIR /R:1 /W:1 /LOG+:D:\Jobs\nightly.log`, s.name, s.name), shell, domain+`\`+backupAccount)
		b.ticket(began, backupAccount, m.address, s.account())
		session := b.logon(began, s, backupAccount, backupSID, overNetwork, m.address)
		b.seen(began, flow{m.address, s.address, 445, "tcp", "gssapi,smb,krb", "SF", 900000, 48000000})
		for n := range 60 {
			file := fmt.Sprintf(`%s\%s-%d.docx`, pick(b, teams), pick(b, []string{"offer", "contract", "letter"}), 100+b.dice.IntN(400))
			when := began.Add(time.Duration(n) * 20 * time.Second)
			b.share(when, s, backupAccount, m.address, "backup$", file, toRead)
			b.row(zeekSMBFiles, when, b.uid(), m.address, b.port(), s.address, 445,
				"-", "SMB::FILE_OPEN", `\\`+s.name+`\backup$`, file, 30000+b.dice.IntN(90000), "-", epoch(when.Add(-40*time.Hour)))
		}
		b.logoff(began.Add(22*time.Minute), s, backupAccount, backupSID, session, overNetwork)
	}
	b.start(clock(2, 30), m, program{image: `C:\Windows\System32\wbadmin.exe`}, `wbadmin get versions`, shell, domain+`\`+backupAccount)
}

// administrators is the two administrators' work: looking things up, a new
// account, a service looked after, a machine helped over the network.
func (b *book) administrators() {
	desk := b.company.workstations[0]
	who := desk.user.full()
	shell := running(explorer, who)
	at := b.within(clock(9, 10), 20*time.Minute)
	console := b.start(at, desk, powershell, `"`+powershell.image+`" -NoExit -ExecutionPolicy RemoteSigned`, shell, who)
	for i, text := range []string{
		`Import-Module ActiveDirectory`,
		`Get-ADUser -Filter { Enabled -eq $true } -Properties PasswordLastSet | Sort-Object PasswordLastSet | Select-Object -First 20 Name, PasswordLastSet`,
		`Get-EventLog -LogName System -EntryType Error -Newest 50 -ComputerName FS01`,
		`Get-Service -ComputerName BKP01 | Where-Object { $_.Status -ne 'Running' }`,
		`Get-HotFix -Id KB4012212 -ComputerName (Get-Content D:\Lists\pilot.txt)`,
	} {
		b.script(at.Add(time.Duration(i*4+1)*time.Minute), desk, "", text)
	}
	for i, command := range []string{`ipconfig /all`, `ping -n 2 FS01`, `nslookup dc02.norwind.example`} {
		name, _, _ := cutSpace(command)
		b.start(at.Add(time.Duration(i)*7*time.Minute), desk, program{`C:\Windows\System32\` + name + `.exe`, name, microsoft}, command, console, who)
	}
	b.chores(who)
	b.newcomer(b.within(clock(10, 0), 30*time.Minute))
	b.start(b.within(clock(13, 0), time.Hour), b.company.files, program{image: `C:\Windows\System32\sc.exe`}, `sc query LanmanServer`, running(cmd, who), who)
	remote := b.within(clock(14, 0), time.Hour)
	b.logon(remote, b.company.files, desk.user.account, desk.user.sid, overNetwork, desk.address)
	b.seen(remote, flow{desk.address, b.company.files.address, 3389, "tcp", "ssl,rdp", "SF", 240000, 4800000})
}

// chores are what an administrator does on servers in the course of a day. Much
// of it is done with the tools that attackers use too; rules must tell the
// difference.
var chores = []string{
	`net view \\FS01`, `net user k.adams /domain`, `net localgroup Administrators`,
	`reg export HKLM\SOFTWARE\Norwind D:\Admin\norwind.reg`, `reg query HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters`,
	`wevtutil qe System /c:20 /rd:true /f:text`, `vssadmin list shadowstorage`, `bcdedit /enum all`, `wbadmin get versions`,
	`icacls D:\Shares\shared\sales /grant NORWIND\GG-Sales:(OI)(CI)M /T`, `attrib -r D:\Shares\shared\sales\*.xlsx`,
	`schtasks /query /tn Nightly /v /fo list`, `taskkill /f /im freight.exe`, `sc query LanmanServer`, `net stop Spooler`, `net start Spooler`,
	`certutil -store My`, `netsh advfirewall show allprofiles`, `ntdsutil roles`, `nltest /dclist:norwind.example`,
	`"C:\Program Files\7-Zip\7z.exe" a D:\Admin\logs-0512.zip D:\Jobs\nightly.log`,
	`powershell.exe -NoProfile -Command "Get-MpComputerStatus | Select-Object AntivirusSignatureLastUpdated"`,
}

func (b *book) chores(who string) {
	for i, command := range chores {
		at := b.within(clock(8+i%9, 0), time.Hour)
		m := b.company.servers()[i%4]
		image := `C:\Windows\System32\`
		name, _, _ := cutSpace(command)
		switch {
		case strings.HasPrefix(command, `"`):
			image, _, _ = strings.Cut(command[1:], `"`)
		case strings.HasSuffix(name, ".exe"):
			image = powershell.image
		default:
			image += name + ".exe"
		}
		b.start(at, m, program{image: image}, command, running(cmd, who), who)
	}
}

// newcomer is an account made for someone who begins on Monday.
func (b *book) newcomer(at time.Time) {
	by := b.company.workstations[0].user
	b.record(at, b.company.dc1, securityLog, 4720,
		"TargetUserName", "k.adams", "TargetDomainName", domain, "TargetSid", sidPrefix+"-1180",
		"SubjectUserName", by.account, "SubjectUserSid", by.sid, "SubjectDomainName", domain, "SamAccountName", "k.adams")
	b.record(at.Add(9*time.Second), b.company.dc1, securityLog, 4728,
		"MemberName", "CN=Kim Adams,OU=Dispatch,DC=norwind,DC=example", "MemberSid", sidPrefix+"-1180", "TargetUserName", "GG-Dispatch",
		"TargetDomainName", domain, "SubjectUserName", by.account, "SubjectUserSid", by.sid, "SubjectDomainName", domain)
}
