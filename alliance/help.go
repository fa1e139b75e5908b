package alliance

import (
	"fmt"
	"strings"
	"time"
)

// Help is the body of an envelope of kind HelpKind: its author, or a member of its
// author's who is not named, asks for experts.
type Help struct {
	Title     string   `json:"title"`
	Text      string   `json:"text,omitempty"`
	Skills    []string `json:"skills"`              // in words, as forensics, ics
	Languages []string `json:"languages,omitempty"` // BCP 47, that are spoken there
	Region    string   `json:"region,omitempty"`    // where they are needed, ISO 3166
	// Until is when no more offers are wanted.
	Until time.Time `json:"until"`
	// Anonymous and For are as in Shared.
	Anonymous bool   `json:"anonymous,omitempty"`
	For       *Scope `json:"for,omitempty"`
}

// Offer is the body of an envelope of kind OfferKind: help that was asked for. What
// was asked is what the envelope is about.
type Offer struct {
	Skills    []string  `json:"skills,omitempty"`
	Languages []string  `json:"languages,omitempty"`
	People    int       `json:"people"`
	From      time.Time `json:"from,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	Contact   string    `json:"contact"`
	Text      string    `json:"text,omitempty"`
	// By is who offers, where a hub passes an offer on to a member that it did not
	// name.
	By *Offerer `json:"by,omitempty"`
}

// Offerer is who offers help.
type Offerer struct {
	Node NodeID `json:"node"`
	Name string `json:"name"`
}

// Decision is the body of an envelope of kind DecisionKind: what becomes of the
// offer that the envelope is about.
type Decision struct {
	Accepted bool   `json:"accepted"`
	Text     string `json:"text,omitempty"`    // what is told with it
	Contact  string `json:"contact,omitempty"` // whom those who come are to reach
}

// The kinds of envelope of mutual aid.
const (
	HelpKind      = "help"            // Help
	HelpOverKind  = "help_over"       // Ended
	OfferKind     = "help_offer"      // Offer
	OfferOverKind = "help_offer_over" // Ended
	DecisionKind  = "help_decision"   // Decision
)

const (
	maxSkills = 50
	maxPeople = 10_000
)

func field(list string, at int) string { return fmt.Sprintf("%s/%d", list, at) }

func (c *check) words(name string, all []string) {
	if !c.count(name, len(all), maxSkills) {
		return
	}
	for i, w := range all {
		c.line(field(name, i), w, maxWord)
	}
	unique(c, name, all)
}

func (c *check) languages(name string, all []string) {
	if !c.count(name, len(all), maxSkills) {
		return
	}
	for i, l := range all {
		c.language(field(name, i), l)
	}
}

// Check reports what of a request for help will not do. The error is
// fault.Invalid.
func (h *Help) Check() error {
	k := newCheck("request for help")
	k.line("/title", h.Title, maxLine)
	k.text("/text", h.Text, maxProse, "\n\t")
	k.want(len(h.Skills) > 0, "/skills", "say what they have to be able to do")
	k.words("/skills", h.Skills)
	k.languages("/languages", h.Languages)
	if h.Region != "" {
		k.region("/region", h.Region)
	}
	k.moment("/until", h.Until)
	k.want(h.For == nil || h.Anonymous, "/for", "only who wants not to be named asks a hub to ask")
	if h.For != nil {
		k.within("/for", h.For.Check())
	}
	return k.err()
}

// Check reports what of an offer will not do. The error is fault.Invalid.
func (o *Offer) Check() error {
	k := newCheck("offer")
	k.words("/skills", o.Skills)
	k.languages("/languages", o.Languages)
	k.want(o.People >= 1 && o.People <= maxPeople, "/people", "say how many people, from 1 to %d", maxPeople)
	k.want(o.From.IsZero() || o.Until.IsZero() || o.Until.After(o.From), "/until", "it ends before it begins")
	k.want(o.Until.Year() <= 9999 && o.From.Year() <= 9999, "/until", "there is no such year")
	k.line("/contact", o.Contact, maxLine)
	k.text("/text", o.Text, maxProse, "\n\t")
	if o.By != nil {
		k.want(o.By.Node.Valid(), "/by/node", "it is no node")
		k.line("/by/name", o.By.Name, maxLine)
	}
	return k.err()
}

// Check reports what of a decision will not do. The error is fault.Invalid.
func (d *Decision) Check() error {
	k := newCheck("decision")
	k.text("/text", d.Text, maxNote, "\n\t")
	k.text("/contact", d.Contact, maxLine, "")
	k.want(d.Accepted || strings.TrimSpace(d.Contact) == "", "/contact", "who is declined needs nobody to reach")
	return k.err()
}
