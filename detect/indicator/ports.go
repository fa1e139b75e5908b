package indicator

import (
	"bytes"
	_ "embed" // the table of fields
	"net/netip"
	"strconv"
	"strings"

	"tocsin/intel"
	"tocsin/intel/observable"
)

//go:embed ports.tsv
var portsText string

// ports knows which field holds the port of which address.
type ports struct{ pairs []portPair }

type portPair struct{ address, port intel.Name }

func newPorts(names *intel.Names) *ports {
	p := &ports{}
	for line := range strings.Lines(portsText) {
		address, port, found := strings.Cut(strings.TrimSpace(line), "\t")
		if found && !strings.HasPrefix(line, "#") {
			p.pairs = append(p.pairs, portPair{names.Intern(address), names.Intern(port)})
		}
	}
	return p
}

// hold reports whether a record has an address, in normal form, together with a
// port: in two fields that belong together, or in one text as "address:port".
// It is asked only for records that have the address.
func (p *ports) hold(rec *intel.Record, address []byte, port uint16) bool {
	number := strconv.Itoa(int(port))
	for _, pair := range p.pairs {
		if p.paired(rec, pair, address, number) {
			return true
		}
	}
	joined := string(address) + ":" + number
	if addr, err := netip.ParseAddr(string(address)); err == nil && addr.Is6() {
		joined = "[" + string(address) + "]:" + number
	}
	for i := range rec.Fields {
		if holdsNumber(rec.Fields[i].Value, joined) {
			return true
		}
	}
	return false
}

func (p *ports) paired(rec *intel.Record, pair portPair, address []byte, number string) bool {
	for i := range rec.Fields {
		if rec.Fields[i].Name != pair.port || string(bytes.TrimSpace(rec.Fields[i].Value)) != number {
			continue
		}
		for j := range rec.Fields {
			if rec.Fields[j].Name != pair.address {
				continue
			}
			if seen, ok := observable.Append(nil, intel.IPAddress, rec.Fields[j].Value); ok && bytes.Equal(seen, address) {
				return true
			}
		}
	}
	return false
}

// holdsNumber reports whether text holds what ends in a number, and not as the
// beginning of a longer number or the end of a longer address.
func holdsNumber(text []byte, joined string) bool {
	for {
		at := bytes.Index(text, []byte(joined))
		if at < 0 {
			return false
		}
		end := at + len(joined)
		before := at > 0 && isAddressByte(text[at-1])
		after := end < len(text) && text[end] >= '0' && text[end] <= '9'
		if !before && !after {
			return true
		}
		text = text[end:]
	}
}

func isAddressByte(c byte) bool { return c >= '0' && c <= '9' || c == '.' }
