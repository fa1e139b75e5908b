package drill

import (
	"fmt"
	"time"
)

// The programs of an office.
var (
	outlook = program{`C:\Program Files\Microsoft Office\Office16\OUTLOOK.EXE`, "Microsoft Outlook", microsoft}
	word    = program{`C:\Program Files\Microsoft Office\Office16\WINWORD.EXE`, "Microsoft Word", microsoft}
	excel   = program{`C:\Program Files\Microsoft Office\Office16\EXCEL.EXE`, "Microsoft Excel", microsoft}
	printer = program{`C:\Windows\splwow64.exe`, "Print driver host for applications", microsoft}
	reader  = program{`C:\Program Files (x86)\Adobe\Acrobat Reader DC\Reader\AcroRd32.exe`, "Adobe Acrobat Reader DC", "Adobe Systems Incorporated"}
	chrome  = program{`C:\Program Files (x86)\Google\Chrome\Application\chrome.exe`, "Google Chrome", "Google Inc."}
	updater = program{`C:\Program Files (x86)\Google\Update\GoogleUpdate.exe`, "Google Installer", "Google Inc."}
	freight = program{`C:\Program Files\Norwind\Freight\freight.exe`, "Freight desk", "Norwind"}
	indexer = program{`C:\Windows\System32\SearchProtocolHost.exe`, "Microsoft Windows Search Protocol Host", microsoft}
	schtask = program{`C:\Windows\System32\schtasks.exe`, "Task Scheduler Configuration Tool", microsoft}
)

// workday is a day at one workstation: arriving, some twenty things done, lunch,
// going home; and what the machine does by itself meanwhile.
func (b *book) workday(m *machine) {
	b.maintenance(m)
	begin := b.within(clock(6, 30), 100*time.Minute)
	end := b.within(clock(15, 40), 100*time.Minute)
	session, shell := b.arrive(begin, m)
	acts := []func(time.Time, *machine, process){b.document, b.document, b.browse, b.browse, b.browse, b.mail, b.mail, b.shipment, b.pdf, b.print}
	for range 15 + b.dice.IntN(6) {
		pick(b, acts)(b.within(begin.Add(2*time.Minute), end.Sub(begin)-10*time.Minute), m, shell)
	}
	b.lunch(m)
	b.logoff(end, m, m.user.account, m.user.sid, session, atKeyboard)
	b.end(end, m, shell)
}

// arrive logs the user on; one in five mistypes the password first.
func (b *book) arrive(at time.Time, m *machine) (session string, shell process) {
	who := m.user
	if b.dice.IntN(5) == 0 {
		b.refused(at.Add(-20*time.Second), m, who.account, "127.0.0.1", atKeyboard)
	}
	b.ticket(at, who.account, m.address, "")
	b.ticket(at.Add(40*time.Millisecond), who.account, m.address, m.account())
	b.ticket(at.Add(90*time.Millisecond), who.account, m.address, b.company.files.account())
	session = b.logon(at.Add(100*time.Millisecond), m, who.account, who.sid, atKeyboard, "127.0.0.1")
	initial := b.start(at.Add(time.Second), m, userinit, userinit.image, running(svchost, systemUser), who.full())
	shell = b.start(at.Add(2*time.Second), m, explorer, explorer.image, initial, who.full())
	script := b.start(at.Add(3*time.Second), m, cmd, `C:\Windows\system32\cmd.exe /c \\norwind.example\netlogon\drives.cmd`, initial, who.full())
	b.start(at.Add(4*time.Second), m, program{`C:\Windows\System32\net.exe`, "Net Command", microsoft}, `net use S: \\FS01\shared /persistent:no`, script, who.full())
	b.set(at.Add(6*time.Second), m, shell, `HKU\`+who.sid+`\Software\Microsoft\Windows\CurrentVersion\Explorer\MountPoints2\##FS01#shared\_LabelFromReg`, "Shared")
	b.visit(at.Add(5*time.Second), m, "")
	b.resolve(at.Add(5*time.Second), m, shell, "fs01.norwind.example", b.company.files.address)
	return session, shell
}

// visit is a visit to the file server: a session, the share, perhaps a file.
func (b *book) visit(at time.Time, m *machine, file string) {
	fs := b.company.files
	b.seen(at, flow{m.address, fs.address, 445, "tcp", "gssapi,smb,krb", "SF", 3200 + 13*len(file), 5400})
	session := b.logon(at, fs, m.user.account, m.user.sid, overNetwork, m.address)
	b.share(at.Add(20*time.Millisecond), fs, m.user.account, m.address, "shared", "", "0x1")
	if file != "" {
		b.share(at.Add(30*time.Millisecond), fs, m.user.account, m.address, "shared", file, toRead)
		b.seenFile(at.Add(31*time.Millisecond), m.address, "SMB::FILE_OPEN", `\\FS01\shared`, file, "-", 24000+b.dice.IntN(90000))
	}
	b.logoff(at.Add(9*time.Minute), fs, m.user.account, m.user.sid, session, overNetwork)
}

// document opens a document from the share and saves it.
func (b *book) document(at time.Time, m *machine, shell process) {
	office, name := word, fmt.Sprintf(`%s\%s-%d.docx`, m.user.team, pick(b, []string{"offer", "minutes", "contract", "letter"}), 100+b.dice.IntN(400))
	if b.dice.IntN(2) == 0 {
		office, name = excel, fmt.Sprintf(`%s\%s-%d.xlsx`, m.user.team, pick(b, []string{"tariff", "stock", "costs", "tour"}), 100+b.dice.IntN(400))
	}
	p := b.start(at, m, office, fmt.Sprintf(`"%s" /n "S:\%s"`, office.image, name), shell, m.user.full())
	b.load(at.Add(300*time.Millisecond), m, p, `C:\Program Files\Common Files\Microsoft Shared\Office16\MSO.DLL`)
	b.visit(at.Add(400*time.Millisecond), m, name)
	b.create(at.Add(time.Second), m, p, `C:\Users\`+m.user.account+`\AppData\Roaming\Microsoft\Office\Recent\`+base(name)+`.LNK`)
	saved := b.within(at.Add(2*time.Minute), 20*time.Minute)
	b.share(saved, b.company.files, m.user.account, m.address, "shared", name, toWrite)
	b.end(saved.Add(30*time.Second), m, p)
}

// browse looks at some pages through the proxy.
func (b *book) browse(at time.Time, m *machine, shell process) {
	p := b.start(at, m, chrome, `"`+chrome.image+`"`, shell, m.user.full())
	b.start(at.Add(200*time.Millisecond), m, chrome, `"`+chrome.image+`" --type=renderer --lang=en-GB`, p, m.user.full())
	b.resolve(at.Add(300*time.Millisecond), m, p, "proxy01.norwind.example", b.company.proxy.address)
	b.connect(at.Add(310*time.Millisecond), m, p, b.company.proxy.address, proxyPort)
	site := pick(b, sites)
	for i := range 2 + b.dice.IntN(4) {
		b.proxied(at.Add(time.Duration(i)*1700*time.Millisecond), m, "GET", "http://"+site.host+pick(b, site.pages), 200, browser)
	}
	b.end(b.within(at.Add(time.Minute), 15*time.Minute), m, p)
}

// mail reads and answers mail.
func (b *book) mail(at time.Time, m *machine, shell process) {
	p := b.start(at, m, outlook, `"`+outlook.image+`"`, shell, m.user.full())
	b.resolve(at.Add(time.Second), m, p, "mail.norwind.example", "192.0.2.25")
	b.connect(at.Add(1100*time.Millisecond), m, p, b.company.proxy.address, proxyPort)
	b.proxied(at.Add(1200*time.Millisecond), m, "CONNECT", "mail.norwind.example:443", 200, "Microsoft Office/16.0 (Windows NT 6.1; Microsoft Outlook 16.0.4266; Pro)")
	b.set(at.Add(3*time.Second), m, p, `HKU\`+m.user.sid+`\Software\Microsoft\Office\16.0\Outlook\Logging\BootFailureCount`, "DWORD (0x00000000)")
}

// shipment works in the company's own program.
func (b *book) shipment(at time.Time, m *machine, shell process) {
	p := b.start(at, m, freight, `"`+freight.image+`" /desk `+m.user.team, shell, m.user.full())
	b.connect(at.Add(800*time.Millisecond), m, p, b.company.web.address, 443)
	b.seen(at.Add(800*time.Millisecond), flow{m.address, b.company.web.address, 443, "tcp", "ssl", "SF", 2100, 18000 + b.dice.IntN(40000)})
	b.create(at.Add(4*time.Second), m, p, `C:\Users\`+m.user.account+`\AppData\Local\Norwind\Freight\cache.db`)
	b.end(b.within(at.Add(5*time.Minute), 40*time.Minute), m, p)
}

// pdf reads a bill of lading that came by mail.
func (b *book) pdf(at time.Time, m *machine, _ process) {
	file := fmt.Sprintf(`C:\Users\%s\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\7Q2K9D1F\lading-%d.pdf`, m.user.account, 2000+b.dice.IntN(900))
	mail := running(outlook, m.user.full())
	b.create(at, m, mail, file)
	p := b.start(at.Add(time.Second), m, reader, `"`+reader.image+`" "`+file+`"`, mail, m.user.full())
	b.end(b.within(at.Add(time.Minute), 8*time.Minute), m, p)
}

// print prints a document.
func (b *book) print(at time.Time, m *machine, _ process) {
	p := b.start(at, m, printer, printer.image+` 12288`, running(word, m.user.full()), m.user.full())
	b.seen(at.Add(time.Second), flow{m.address, "10.20.3.40", 9100, "tcp", "-", "SF", 60000 + b.dice.IntN(200000), 300})
	b.end(at.Add(2*time.Minute), m, p)
}

// lunch locks the machine and unlocks it.
func (b *book) lunch(m *machine) {
	away := b.within(clock(11, 30), time.Hour)
	back := away.Add(30 * time.Minute)
	b.record(away, m, securityLog, 4800, "TargetUserSid", m.user.sid, "TargetUserName", m.user.account, "TargetDomainName", domain, "SessionId", "1")
	b.record(back, m, securityLog, 4801, "TargetUserSid", m.user.sid, "TargetUserName", m.user.account, "TargetDomainName", domain, "SessionId", "1")
	b.logon(back, m, m.user.account, m.user.sid, unlocking, "127.0.0.1")
}

// maintenance is what the machine does by itself: updates, scheduled tasks,
// indexing, virus definitions, the inventory script.
func (b *book) maintenance(m *machine) {
	system := running(svchost, systemUser)
	at := b.within(clock(6, 0), 25*time.Minute)
	for _, service := range []string{"Windows Update", "Background Intelligent Transfer Service", "Windows Modules Installer"} {
		b.state(at, m, service, "running")
		b.state(at.Add(14*time.Minute), m, service, "stopped")
	}
	b.start(at.Add(time.Second), m, svchost, svchost.image+" -k netsvcs", running(services, systemUser), systemUser)
	b.record(at.Add(5*time.Minute), m, defenderLog, 2000,
		"Product Name", "Windows Defender", "Product Version", "4.10.209.0", "Current Signature Version", "1.243.83.0", "Previous Signature Version", "1.241.912.0")
	for _, hour := range []int{8, 11, 14} {
		b.update(b.within(clock(hour, 0), 50*time.Minute), m)
		b.start(b.within(clock(hour, 0), 50*time.Minute), m, indexer, `"`+indexer.image+`" Global\UsGthrFltPipeMssGthrPipe1_ Global\UsGthrCtrlFltPipeMssGthrPipe1 1`, system, systemUser)
	}
	b.inventory(b.within(clock(9, 0), 2*time.Hour), m)
	if m.number%8 == 0 {
		b.newUpdater(b.within(clock(10, 0), time.Hour), m)
	}
}

// update looks for a new browser.
func (b *book) update(at time.Time, m *machine) {
	task := b.start(at, m, taskeng, "taskeng.exe {6E2B9C51-51C2-4A3C-9B6A-2D0C1F7A8E10} S-1-5-18:NT AUTHORITY\\System:Service:", running(svchost, systemUser), systemUser)
	p := b.start(at.Add(time.Second), m, updater, `"`+updater.image+`" /ua /installsource scheduler`, task, systemUser)
	b.connect(at.Add(2*time.Second), m, p, b.company.proxy.address, proxyPort)
	b.proxied(at.Add(2*time.Second), m, "POST", "http://update.browser.example/service/update2", 200, "Google Update/1.3.33.5;winhttp")
}

// inventory is the script that the administrators run on every machine.
func (b *book) inventory(at time.Time, m *machine) {
	const path = `\\norwind.example\netlogon\inventory.ps1`
	p := b.start(at, m, powershell, `powershell.exe -NoProfile -ExecutionPolicy RemoteSigned -File `+path, running(taskeng, systemUser), systemUser)
	b.script(at.Add(time.Second), m, path, `Get-WmiObject Win32_OperatingSystem | Select-Object Caption, Version, LastBootUpTime | Export-Csv -Path \\FS01\inventory$\$env:COMPUTERNAME.csv`)
	b.share(at.Add(2*time.Second), b.company.files, m.account(), m.address, "inventory$", m.name+".csv", toWrite)
	b.end(at.Add(4*time.Second), m, p)
}

// newUpdater is an update of the updater: a service, a task, a Run key as
// software brings them.
func (b *book) newUpdater(at time.Time, m *machine) {
	p := b.start(at, m, updater, `"`+updater.image+`" /update /sessionid "{b6a1}"`, running(services, systemUser), systemUser)
	b.installed(at.Add(2*time.Second), m, "Google Update Service (gupdate)", `"`+updater.image+`" /svc`)
	b.start(at.Add(3*time.Second), m, schtask, `schtasks /create /tn GoogleUpdateTaskMachineUA /sc hourly /ru SYSTEM /tr "\"`+updater.image+`\" /ua"`, p, systemUser)
	b.record(at.Add(4*time.Second), m, securityLog, 4698,
		"SubjectUserName", m.account(), "SubjectDomainName", domain, "SubjectLogonId", "0x3e7", "TaskName", `\GoogleUpdateTaskMachineUA`,
		"TaskContent", `<Task><Actions><Exec><Command>`+updater.image+`</Command><Arguments>/ua</Arguments></Exec></Actions></Task>`)
	b.set(at.Add(5*time.Second), m, p, `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\NorwindTray`, `"C:\Program Files\Norwind\Freight\tray.exe"`)
}
