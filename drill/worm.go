package drill

import (
	"fmt"
	"strings"
	"time"
)

var (
	wormDropper   = program{`C:\Windows\mssecsvc.exe`, "Microsoft® Disk Defragmenter", microsoft}
	wormEncrypter = program{`C:\Windows\tasksche.exe`, "DiskPart", microsoft}
)

// wormHashes are the published SHA-256 sums of the worm's files.
var wormHashes = map[string]string{
	"mssecsvc.exe":        "24d004a104d4d54034dbcffc2a4b19a11f39008a575aa614ea04703480b1022c",
	"tasksche.exe":        "ed01ebfbc9eb5bbea545af4d01bf5f1071661840480439c6e5babe8e080e41aa",
	"@WanaDecryptor@.exe": "b9c5d4339809e0ad9a00d4d3dd26fdf44a32819a54abf846bb9b560d81391c25",
	"taskdl.exe":          "4a468603fdcb7a2eb5770705898cf9ef37aade532a7964642ecd705a74794b79",
	"taskse.exe":          "2ca2d550e603d74dedda03156023135b38da3630cb014e3d00b1263358c5f00d",
}

// infect is one machine's infection: reached over SMB, the domain asked for,
// and if nobody answers a service, the search for others, and the payload.
func (b *book) infect(i infection) {
	m := i.machine
	b.seen(i.at.Add(-9*time.Second), flow{i.from, m.address, 445, "tcp", "smb", "SF", 84200, 3100})
	b.logon(i.at.Add(-8*time.Second), m, "ANONYMOUS LOGON", "S-1-5-7", overNetwork, i.from)
	b.create(i.at.Add(-time.Second), m, running(lsass, systemUser), wormDropper.image)
	worm := b.start(i.at, m, wormDropper, wormDropper.image, running(lsass, systemUser), systemUser)
	if i.at.After(sinkholed) {
		b.resolve(i.at.Add(200*time.Millisecond), m, worm, killSwitch, sinkhole)
		b.connect(i.at.Add(300*time.Millisecond), m, worm, sinkhole, 80)
		b.seen(i.at.Add(300*time.Millisecond), flow{m.address, sinkhole, 80, "tcp", "http", "SF", 180, 260})
		b.crossed(i.at.Add(300*time.Millisecond), "allow", m.address, sinkhole, 80, "legacy-out", 440)
		b.end(i.at.Add(time.Second), m, worm)
		return
	}
	b.resolve(i.at.Add(200*time.Millisecond), m, worm, killSwitch, "")
	service := b.serve(i.at.Add(2*time.Second), m)
	b.scan(i.at.Add(4*time.Second), m, service)
	b.encrypt(i.at.Add(8*time.Second), m, worm)
}

// serve installs the worm as a service.
func (b *book) serve(at time.Time, m *machine) process {
	const command = `C:\Windows\mssecsvc.exe -m security`
	b.set(at, m, running(services, systemUser), `HKLM\System\CurrentControlSet\Services\mssecsvc2.0\ImagePath`, command)
	b.installed(at, m, "mssecsvc2.0", command)
	b.state(at.Add(time.Second), m, "Microsoft Security Center (2.0) Service", "running")
	return b.start(at.Add(time.Second), m, wormDropper, command, running(services, systemUser), systemUser)
}

// scan looks for others: the whole local network, and addresses anywhere.
func (b *book) scan(at time.Time, m *machine, p process) {
	for n := range 110 {
		when := at.Add(time.Duration(n) * 450 * time.Millisecond)
		address, state := fmt.Sprintf("10.20.10.%d", 1+(n*7+m.number)%254), "S0"
		if other := b.company.at(address); other != nil {
			state = "REJ"
		}
		if n < 12 {
			b.connect(when, m, p, address, 445)
		}
		b.seen(when, flow{m.address, address, 445, "tcp", "-", state, 0, 0})
	}
	for n := range 30 {
		when := at.Add(time.Duration(n) * 2 * time.Second)
		b.crossed(when, "deny", m.address, fmt.Sprintf("203.0.113.%d", 1+b.dice.IntN(254)), 445, "no-smb-out", 0)
	}
}

// at returns the machine with that address, nil where nobody has it.
func (c *company) at(address string) *machine {
	for _, m := range c.everyone() {
		if m.address == address {
			return m
		}
	}
	return nil
}

// folder is the hidden folder with a random name in which the payload lives.
func (b *book) folder() string {
	var name strings.Builder
	for range 9 + b.dice.IntN(5) {
		name.WriteByte(byte('a' + b.dice.IntN(26)))
	}
	fmt.Fprintf(&name, "%03d", b.dice.IntN(1000))
	return name.String()
}
