package alliance

import (
	"fmt"
	"maps"
	"net/mail"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// How many of each a card may name. The largest carriers announce some ten thousand
// networks.
const (
	maxNames     = 40
	maxSectors   = 100
	maxRegions   = 300 // a country's parts, or all countries
	maxContacts  = 50
	maxNetworks  = 20_000
	maxASNs      = 2_000
	maxDomains   = 20_000
	maxMembers   = 20_000 // named in a scope
	shortest4    = 8      // no organisation has more than a /8
	shortest6    = 16
	maxMailBytes = 254 // RFC 5321 section 4.5.3.1.3, without brackets
)

// Check reports what of a card will not do. Which sectors there are, and whether
// networks and domains are really the organisation's, is for its hub to judge. The
// error is fault.Invalid, with a Problem for each that is wrong. It reads the
// database of time zones.
func (c *Card) Check() error {
	k := newCheck("card")
	k.want(c.Node.Valid(), "/node", "it is no node")
	k.want(c.Revision >= 1, "/revision", "it counts from 1")
	k.moment("/issued", c.Issued)
	c.checkNames(k)
	k.want(slices.Contains(Kinds(), c.Kind), "/kind", "%.40q is none of %v", c.Kind, Kinds())
	checkCodes(k, c.Sectors, c.Regions)
	k.want(zoneExists(c.TimeZone), "/time_zone", "%.60q is no time zone, as Europe/Vienna", c.TimeZone)
	if k.count("/contacts", len(c.Contacts), maxContacts) {
		k.want(len(c.Contacts) > 0, "/contacts", "nobody can be reached: one contact at least is wanted")
		for i := range c.Contacts {
			c.Contacts[i].check(k, fmt.Sprintf("/contacts/%d", i))
		}
	}
	c.checkNetworks(k)
	return k.err()
}

func (c *Card) checkNames(k *check) {
	k.want(len(c.Names) > 0, "/names", "a name in one language at least is wanted")
	if !k.count("/names", len(c.Names), maxNames) {
		return
	}
	for _, tag := range slices.Sorted(maps.Keys(c.Names)) {
		k.language("/names/"+tag, tag)
		k.line("/names/"+tag, c.Names[tag], maxLine)
	}
}

// checkCodes checks sectors and regions, of a card or a scope.
func checkCodes(k *check, sectors, regions []string) {
	if k.count("/sectors", len(sectors), maxSectors) {
		for i, s := range sectors {
			k.sector(fmt.Sprintf("/sectors/%d", i), s)
		}
		unique(k, "/sectors", sectors)
	}
	if k.count("/regions", len(regions), maxRegions) {
		for i, r := range regions {
			k.region(fmt.Sprintf("/regions/%d", i), r)
		}
		unique(k, "/regions", regions)
	}
}

func zoneExists(name string) bool {
	if name == "" || name == "Local" || len(name) > maxWord {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

func (c *Contact) check(k *check, field string) {
	k.line(field+"/role", c.Role, maxWord)
	k.text(field+"/name", c.Name, maxLine, "")
	k.want(c.Mail != "" || c.Phone != "", field, "neither mail nor phone")
	if c.Mail != "" {
		a, err := mail.ParseAddress(c.Mail)
		k.want(len(c.Mail) <= maxMailBytes && err == nil && a.Address == c.Mail, field+"/mail", "one mail address alone is wanted")
	}
	if c.Phone != "" {
		const most, least = 40, 2 // an emergency number has three digits, some exchanges two
		digits := 0
		strange := strings.ContainsFunc(c.Phone, func(r rune) bool {
			if r >= '0' && r <= '9' {
				digits++
				return false
			}
			return !strings.ContainsRune("+ ()-/.,;*#x", r)
		})
		k.want(len(c.Phone) <= most && digits >= least && !strange, field+"/phone", "%.50q is no telephone number, as +43 1 234567", c.Phone)
	}
}

func (c *Card) checkNetworks(k *check) {
	if k.count("/networks", len(c.Networks), maxNetworks) {
		for i, n := range c.Networks {
			checkNetwork(k, fmt.Sprintf("/networks/%d", i), n)
		}
		unique(k, "/networks", c.Networks)
	}
	if k.count("/asns", len(c.ASNs), maxASNs) {
		k.want(!slices.Contains(c.ASNs, 0), "/asns", "0 is no autonomous system")
		unique(k, "/asns", c.ASNs)
	}
	if k.count("/domains", len(c.Domains), maxDomains) {
		for i, d := range c.Domains {
			checkDomain(k, fmt.Sprintf("/domains/%d", i), d)
		}
		unique(k, "/domains", c.Domains)
	}
}

// checkNetwork checks that a range of addresses can be one organisation's, and no
// other's: what is private is everybody's.
func checkNetwork(k *check, field string, n netip.Prefix) {
	a := n.Addr()
	least := shortest4
	if a.Is6() {
		least = shortest6
	}
	switch {
	case !n.IsValid() || n != n.Masked() || a.Is4In6():
		k.wrong(field, "%s is no network, as 198.51.100.0/24", n)
	case n.Bits() < least:
		k.wrong(field, "%s is more than one organisation can have", n)
	case a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified():
		k.wrong(field, "%s is nobody's own: addresses that others can see are wanted", n)
	}
}

// checkDomain checks that a domain can be one organisation's.
func checkDomain(k *check, field, domain string) {
	o, err := observable.Parse(intel.Domain, domain)
	switch {
	case err != nil:
		k.wrong(field, "%s", err)
	case o.Value != domain:
		k.wrong(field, "its normal form is %q", o.Value)
	case observable.Registered(domain) == "":
		k.wrong(field, "%q is where others register their domains", domain)
	}
}

// Check reports what of a scope will not do. The error is fault.Invalid.
func (s *Scope) Check() error {
	k := newCheck("scope")
	for i, kind := range s.Kinds {
		k.want(slices.Contains(Kinds(), kind), fmt.Sprintf("/kinds/%d", i), "%.40q is none of %v", kind, Kinds())
		if k.full() {
			break
		}
	}
	unique(k, "/kinds", s.Kinds)
	checkCodes(k, s.Sectors, s.Regions)
	if k.count("/members", len(s.Members), maxMembers) {
		for i, m := range s.Members {
			k.want(m.Valid(), fmt.Sprintf("/members/%d", i), "it is no node")
		}
		unique(k, "/members", s.Members)
	}
	return k.err()
}
