package member

import (
	"time"

	"tocsin/alliance"
)

// Role is where a neighbour stands.
type Role string

// The roles of a neighbour in a link.
const (
	Up   Role = "up"   // a hub of ours
	Down Role = "down" // a member of ours
)

// State is how a link stands.
type State string

// The states of a link. Only an active one carries anything.
const (
	Pending   State = "pending"   // asked for, and not decided
	Active    State = "active"    //
	Refused   State = "refused"   // not admitted
	Suspended State = "suspended" // for now; it can be resumed
	Expelled  State = "expelled"  // by the hub
	Left      State = "left"      // by the member
)

// States returns the states of a link.
func States() []State { return []State{Pending, Active, Refused, Suspended, Expelled, Left} }

// Listing is whether a hub may name a member to its own hubs.
type Listing string

// The listings.
const (
	Listed    Listing = "listed"
	Anonymous Listing = "anonymous" // counted, where enough are, and never named
)

// Member is a node that this one has a link with, or an organisation without one.
type Member struct {
	Node    alliance.NodeID `json:"node"`
	Card    alliance.Card   `json:"card"`
	Role    Role            `json:"role"`
	State   State           `json:"state"`
	Kind    alliance.Kind   `json:"kind"` // in this link
	Listing Listing         `json:"listing"`
	// NoNode is set where there is no Tocsin: it is reached by mail, in Language,
	// and its ID and card were made here.
	NoNode   bool   `json:"no_node,omitempty"`
	Language string `json:"language,omitempty"` // BCP 47
	// Unlisted is how many members it has that it does not name: no number below
	// LeastUnlisted is told.
	Unlisted int       `json:"unlisted,omitempty"`
	Reason   string    `json:"reason,omitempty"` // of the state
	Since    time.Time `json:"since"`            // it is in this state
	// Address is where a hub is asked, for one above.
	Address string `json:"address,omitempty"`
	// Was is the state before, where one asks that was here once.
	Was State `json:"was,omitempty"`
	// Request is the ID of what it asks to join by, while that is not decided.
	Request string `json:"request,omitempty"`
	// Version grows with every change of the link.
	Version int64 `json:"version"`
}

// LeastUnlisted is the smallest number of unlisted members that is told: fewer
// could be guessed.
const LeastUnlisted = 5

// Known is a node that is no neighbour, and through whom it is reached.
type Known struct {
	Node    alliance.NodeID `json:"node"`
	Card    alliance.Card   `json:"card"`
	Through alliance.NodeID `json:"through"` // a neighbour
	Above   bool            `json:"above"`   // it is above that hub; else below that member
}
