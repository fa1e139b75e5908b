package drill

import (
	"fmt"
	"time"
)

// system32 is a program of Windows by its file name.
func system32(name string) program {
	return program{`C:\Windows\System32\` + name, name, microsoft}
}

// payload is the encrypter at work on one machine.
type payload struct {
	b       *book
	m       *machine
	folder  string // where it lives
	service string // the name of its own service
	main    process
}

// encrypt is the payload: it installs itself, opens all files to itself,
// encrypts, destroys what could restore, and asks for money.
func (b *book) encrypt(at time.Time, m *machine, worm process) {
	name := b.folder()
	p := &payload{b: b, m: m, folder: `C:\ProgramData\` + name, service: name}
	p.install(at, worm)
	p.prepare(at.Add(5 * time.Second))
	p.files(at.Add(12 * time.Second))
	p.shares(at.Add(70 * time.Second))
	p.destroy(at.Add(100 * time.Second))
	p.demand(at.Add(110 * time.Second))
	if m.number%4 == 1 {
		p.noticed(at.Add(6 * time.Minute))
	}
}

func (p *payload) install(at time.Time, worm process) {
	b, m := p.b, p.m
	b.create(at, m, worm, wormEncrypter.image)
	first := b.start(at.Add(300*time.Millisecond), m, wormEncrypter, wormEncrypter.image+" /i", worm, systemUser)
	copied := program{p.folder + `\tasksche.exe`, wormEncrypter.description, microsoft}
	b.create(at.Add(time.Second), m, first, copied.image)
	b.installed(at.Add(2*time.Second), m, p.service, `cmd.exe /c "`+copied.image+`"`)
	shell := b.start(at.Add(2*time.Second), m, cmd, `cmd.exe /c "`+copied.image+`"`, running(services, systemUser), systemUser)
	p.main = b.start(at.Add(2500*time.Millisecond), m, copied, copied.image, shell, systemUser)
	for _, file := range []string{"b.wnry", "c.wnry", "r.wnry", "s.wnry", "t.wnry", "u.wnry", `msg\m_english.wnry`, `msg\m_german.wnry`, "taskdl.exe", "taskse.exe", "00000000.pky", "00000000.eky"} {
		b.create(at.Add(3*time.Second), m, p.main, p.folder+`\`+file)
	}
}

// run starts a program of Windows from the payload.
func (p *payload) run(at time.Time, name, command string) {
	p.b.start(at, p.m, system32(name), command, p.main, systemUser)
}

func (p *payload) prepare(at time.Time) {
	p.run(at, "attrib.exe", "attrib +h .")
	p.run(at.Add(100*time.Millisecond), "icacls.exe", "icacls . /grant Everyone:F /T /C /Q")
	p.b.set(at.Add(time.Second), p.m, p.main, `HKLM\SOFTWARE\WanaCrypt0r\wd`, p.folder)
	shell := p.b.start(at.Add(2*time.Second), p.m, cmd, `cmd.exe /c reg add HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run /v "`+p.service+`" /t REG_SZ /d "\"`+p.folder+`\tasksche.exe\"" /f`, p.main, systemUser)
	reg := p.b.start(at.Add(2100*time.Millisecond), p.m, system32("reg.exe"), `reg add HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run /v "`+p.service+`" /t REG_SZ /d "\"`+p.folder+`\tasksche.exe\"" /f`, shell, systemUser)
	p.b.set(at.Add(2200*time.Millisecond), p.m, reg, `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\`+p.service, `"`+p.folder+`\tasksche.exe"`)
	for _, victim := range []string{"Microsoft.Exchange.*", "MSExchange*", "sqlserver.exe", "sqlwriter.exe", "mysqld.exe"} {
		p.run(at.Add(4*time.Second), "taskkill.exe", "taskkill.exe /f /im "+victim)
	}
}

// files encrypts the user's own: each is written anew under a second name,
// which then becomes the last.
func (p *payload) files(at time.Time) {
	home := `C:\Users\` + p.m.user.account
	for n := range 34 {
		file := fmt.Sprintf(`%s\%s\%s-%d.%s`, home, pick(p.b, []string{"Documents", "Desktop", "Pictures"}),
			pick(p.b, []string{"offer", "minutes", "tariff", "photo", "letter"}), 100+n, pick(p.b, []string{"docx", "xlsx", "pdf", "jpg"}))
		when := at.Add(time.Duration(n) * 1500 * time.Millisecond)
		p.b.create(when, p.m, p.main, file+".WNCRYT")
		p.b.create(when.Add(400*time.Millisecond), p.m, p.main, file+".WNCRY")
	}
	for _, folder := range []string{"Desktop", "Documents", "Pictures"} {
		p.b.create(at.Add(20*time.Second), p.m, p.main, home+`\`+folder+`\@Please_Read_Me@.txt`)
		p.b.create(at.Add(21*time.Second), p.m, p.main, home+`\`+folder+`\@WanaDecryptor@.exe`)
	}
	for n := range 3 {
		tool := program{p.folder + `\taskdl.exe`, "SQL Client Configuration Utility EXE", microsoft}
		p.b.start(at.Add(time.Duration(15+30*n)*time.Second), p.m, tool, "taskdl.exe", p.main, systemUser)
	}
}

// shares encrypts what the user may write on the file server.
func (p *payload) shares(at time.Time) {
	fs, who := p.b.company.files, p.m.user
	p.b.logon(at, fs, who.account, who.sid, overNetwork, p.m.address)
	for n := range 12 {
		file := fmt.Sprintf(`%s\%s-%d.docx`, who.team, pick(p.b, []string{"offer", "contract", "letter"}), 100+p.b.dice.IntN(400))
		when := at.Add(time.Duration(n) * 2 * time.Second)
		p.b.share(when, fs, who.account, p.m.address, "shared", file+".WNCRY", toWrite)
		p.b.seenFile(when, p.m.address, "SMB::FILE_RENAME", `\\FS01\shared`, file+".WNCRY", file+".WNCRYT", 30000+p.b.dice.IntN(90000))
	}
	p.b.seenFile(at.Add(30*time.Second), p.m.address, "SMB::FILE_OPEN", `\\FS01\shared`, who.team+`\@Please_Read_Me@.txt`, "-", 933)
}

// destroy removes what could bring the files back.
func (p *payload) destroy(at time.Time) {
	shell := p.b.start(at, p.m, cmd, `cmd.exe /c vssadmin delete shadows /all /quiet & wmic shadowcopy delete & bcdedit /set {default} bootstatuspolicy ignoreallfailures & bcdedit /set {default} recoveryenabled no & wbadmin delete catalog -quiet`, p.main, systemUser)
	for i, command := range []string{
		"vssadmin delete shadows /all /quiet", "wmic shadowcopy delete",
		"bcdedit /set {default} bootstatuspolicy ignoreallfailures", "bcdedit /set {default} recoveryenabled no", "wbadmin delete catalog -quiet",
	} {
		name, _, _ := cutSpace(command)
		p.b.start(at.Add(time.Duration(i+1)*500*time.Millisecond), p.m, system32(name+".exe"), command, shell, systemUser)
	}
}

// demand shows the ransom note, and reaches for the network that hides it.
func (p *payload) demand(at time.Time) {
	b, m := p.b, p.m
	note := program{`C:\Users\` + m.user.account + `\Desktop\@WanaDecryptor@.exe`, "Load PerfMon Counters", microsoft}
	for n := range 3 {
		when := at.Add(time.Duration(n) * 4 * time.Minute)
		show := b.start(when, m, program{p.folder + `\taskse.exe`, "waitfor - wait/send a signal over a network", microsoft}, `taskse.exe "`+note.image+`"`, p.main, systemUser)
		b.start(when.Add(time.Second), m, note, `"`+note.image+`"`, show, m.user.full())
	}
	asking := b.start(at.Add(3*time.Second), m, note, "@WanaDecryptor@.exe co", p.main, systemUser)
	tor := program{p.folder + `\TaskData\Tor\taskhsvc.exe`, "", ""}
	b.create(at.Add(4*time.Second), m, asking, tor.image)
	hidden := b.start(at.Add(5*time.Second), m, tor, `TaskData\Tor\taskhsvc.exe`, asking, systemUser)
	for n := range 3 {
		relay := fmt.Sprintf("198.51.100.%d", 200+b.dice.IntN(50))
		b.connect(at.Add(time.Duration(6+n)*time.Second), m, hidden, relay, 9001)
		b.crossed(at.Add(time.Duration(6+n)*time.Second), "deny", m.address, relay, 9001, "default", 0)
	}
	b.set(at.Add(8*time.Second), m, p.main, `HKU\`+m.user.sid+`\Control Panel\Desktop\Wallpaper`, `C:\Users\`+m.user.account+`\Desktop\@WanaDecryptor@.bmp`)
}

// noticed is a virus scanner that got its definitions too late.
func (p *payload) noticed(at time.Time) {
	p.b.record(at, p.m, defenderLog, 1116,
		"Product Name", "Windows Defender", "Threat ID", "2147720905", "Threat Name", "Ransom:Win32/WannaCrypt", "Severity Name", "Severe", "Category Name", "Ransomware",
		"Path", "file:_"+p.folder+`\tasksche.exe`, "Process Name", p.folder+`\tasksche.exe`, "Detection User", systemUser, "Action Name", "Not Applicable")
}
