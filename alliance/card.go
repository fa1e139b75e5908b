package alliance

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Kind is what sort of organisation a node belongs to.
type Kind string

// The kinds of organisation.
const (
	Authority   Kind = "authority"
	Association Kind = "association"
	Enterprise  Kind = "enterprise"
	Support     Kind = "support" // a team that helps several members, by mandate
)

// Kinds returns the kinds there are.
func Kinds() []Kind { return []Kind{Authority, Association, Enterprise, Support} }

// Card is what a node says of itself. It is signed (envelope.Passport); what of it
// others rely on, networks and domains, its hub confirms.
type Card struct {
	Node NodeID `json:"node"`
	// Revision grows by one with every change.
	Revision int       `json:"revision"`
	Issued   time.Time `json:"issued"`
	// Names are the organisation's by language (BCP 47).
	Names    map[string]string `json:"names"`
	Kind     Kind              `json:"kind"`
	Sectors  []string          `json:"sectors"` // codes of plan/organisation's taxonomy
	Regions  []string          `json:"regions"` // ISO 3166-1 or 3166-2 codes
	TimeZone string            `json:"time_zone"`
	Contacts []Contact         `json:"contacts"`

	Networks []netip.Prefix `json:"networks,omitempty"`
	ASNs     []uint32       `json:"asns,omitempty"`
	Domains  []string       `json:"domains,omitempty"`
}

// Name is the organisation's name in a language, else in the first language that it
// has one in; without any it is the node's ID.
func (c *Card) Name(language string) string {
	if name := c.Names[language]; name != "" {
		return name
	}
	for _, l := range slices.Sorted(maps.Keys(c.Names)) {
		return c.Names[l]
	}
	return string(c.Node)
}

// Contact is where an organisation can be reached, in the order in which to try.
type Contact struct {
	Role  string `json:"role"` // duty, security, press …
	Name  string `json:"name,omitempty"`
	Mail  string `json:"mail,omitempty"`
	Phone string `json:"phone,omitempty"`
}
