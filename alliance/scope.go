package alliance

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/intel"
)

// Scope is whom something is meant for. A node is meant when it is named in
// Members, or when it fits every one of the other lists that is not empty. A scope
// that says nothing means everyone; one with Members alone means those alone.
type Scope struct {
	Kinds   []Kind   `json:"kinds,omitempty"`
	Sectors []string `json:"sectors,omitempty"` // with all below them: "health" means "health.hospital" too
	Regions []string `json:"regions,omitempty"` // with all within them: "CN" means "CN-31" too
	Members []NodeID `json:"members,omitempty"`
}

// To is the scope of a message to certain nodes.
func To(nodes ...NodeID) Scope { return Scope{Members: nodes} }

// Everyone reports whether nobody is left out.
func (s Scope) Everyone() bool { return !s.described() && len(s.Members) == 0 }

func (s Scope) described() bool { return len(s.Kinds) > 0 || len(s.Sectors) > 0 || len(s.Regions) > 0 }

// Means reports whether a node is meant.
func (s Scope) Means(c *Card) bool {
	if slices.Contains(s.Members, c.Node) || s.Everyone() {
		return true
	}
	return s.described() && (len(s.Kinds) == 0 || slices.Contains(s.Kinds, c.Kind)) &&
		fits(s.Sectors, c.Sectors, ".") && fits(s.Regions, c.Regions, "-")
}

// fits reports whether one of the codes is, or is below, one of those wanted.
func fits(wanted, codes []string, below string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(w string) bool {
		return slices.ContainsFunc(codes, func(c string) bool { return c == w || strings.HasPrefix(c, w+below) })
	})
}

// May decides whether something with a marking and a scope, made by author, may be
// given to a node; carry is set when that node is to pass it on only. It is the
// one place where this is decided. The reason says why not.
//
// TLP 2.0 (FIRST, August 2022), for nodes: CLEAR may go to anyone, GREEN to
// anyone in the alliance, AMBER to those who are meant and to the associations
// they are reached through, AMBER+STRICT to nobody outside the author's own
// organisation, RED to those who are named, and through nobody. What nobody marked
// is treated as AMBER.
func May(marking intel.Marking, scope Scope, author NodeID, to *Card, carry bool) (ok bool, reason string) {
	if to.Node == author {
		return true, ""
	}
	switch marking {
	case intel.TLPClear, intel.TLPGreen, intel.TLPAmber, intel.Unmarked:
		if carry || scope.Means(to) {
			return true, ""
		}
		return false, "it is not meant for this member"
	case intel.TLPRed:
		if carry {
			return false, "TLP:RED goes through nobody"
		}
		if slices.Contains(scope.Members, to.Node) {
			return true, ""
		}
		return false, "TLP:RED goes to those who are named only"
	case intel.TLPAmberStrict:
		return false, "TLP:AMBER+STRICT never leaves the organisation"
	default:
		return false, fmt.Sprintf("unknown marking %s", marking)
	}
}

// Label is what decides with alliance.May who may have something: its marking and
// whom it is meant for.
type Label struct {
	Marking intel.Marking
	Scope   Scope
}
