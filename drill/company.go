package drill

import (
	"fmt"
	"slices"
)

// The company: a freight forwarder with one site.
const (
	domain    = "NORWIND"
	dnsDomain = "norwind.example"
	proxyPort = 3128
	// sidPrefix begins the security identifiers of the company's domain.
	sidPrefix = "S-1-5-21-3141592653-2718281828-1414213562"
)

type company struct {
	workstations []*machine
	dc1, dc2     *machine
	files        *machine
	backup       *machine
	web, proxy   *machine
}

// machine is a computer of the company. The fortieth is the Zeek sensor, which
// sees the others and logs nothing of its own.
type machine struct {
	name    string
	address string
	number  int
	user    *person // who works at it; nil for servers
	sysmon  bool    // workstations have Sysmon, servers the audit policy
	patched bool    // against MS17-010
}

// fqdn is the name under which the machine logs.
func (m *machine) fqdn() string { return m.name + "." + dnsDomain }

// account is the machine's own account in the domain.
func (m *machine) account() string { return m.name + "$" }

type person struct {
	account string
	sid     string
	team    string
}

// full is the account as Windows shows it.
func (p *person) full() string { return domain + `\` + p.account }

var accounts = []string{
	"i.okafor", "t.lindgren", // the administrators
	"a.brandt", "b.caruso", "c.dembele", "d.eriksen", "e.fontaine", "f.grimm", "g.hallberg", "h.ishida",
	"j.kowalski", "k.lemaire", "l.moreau", "m.novak", "n.oduya", "o.petrov", "p.quist", "r.santos",
	"s.thorne", "u.virtanen", "v.weber", "w.xu", "y.zimmer", "z.abbas", "a.costa", "b.duarte",
	"c.engel", "d.farkas", "e.gallo", "f.haas", "g.ivanova", "h.jansen", "j.keller",
}

var teams = []string{"dispatch", "customs", "accounts", "sales", "warehouse"}

func newCompany() *company {
	c := &company{
		dc1:    server("DC01", "10.20.1.10", 1),
		dc2:    server("DC02", "10.20.1.11", 2),
		files:  server("FS01", "10.20.1.20", 3),
		backup: server("BKP01", "10.20.1.30", 4),
		web:    server("web01", "10.20.2.10", 5),
		proxy:  server("proxy01", "10.20.2.20", 6),
	}
	for i, account := range accounts {
		team := teams[i%len(teams)]
		if i < 2 {
			team = "it"
		}
		c.workstations = append(c.workstations, &machine{
			name:    fmt.Sprintf("WS-%03d", 101+i),
			address: fmt.Sprintf("10.20.10.%d", 101+i),
			number:  101 + i,
			user:    &person{account: account, sid: fmt.Sprintf("%s-%d", sidPrefix, 1104+i), team: team},
			sysmon:  true,
			// The administrators patched what they sat at, and a pilot group.
			patched: i < 2 || i%3 == 2,
		})
	}
	return c
}

func server(name, address string, number int) *machine {
	return &machine{name: name, address: address, number: number, patched: true}
}

// servers are the Windows servers.
func (c *company) servers() []*machine { return []*machine{c.dc1, c.dc2, c.files, c.backup} }

// everyone is all Windows machines.
func (c *company) everyone() []*machine { return slices.Concat(c.servers(), c.workstations) }
