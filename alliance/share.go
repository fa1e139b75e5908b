package alliance

import (
	"slices"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// What is shared.
type What string

// The kinds of what is shared.
const (
	SharedIndicators What = "indicator" // to be looked for
	SharedSighting   What = "sighting"  // seen, and when
	SharedNote       What = "note"      // said
)

// Shared is the body of an envelope of kind ShareKind: something that its author, or
// a member of its author's who is not named, lets others know. Whom it is for and
// under which marking stands in the header.
type Shared struct {
	What  What   `json:"what"`
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
	// Until is how long it counts; zero leaves that to who withdraws it.
	Until      time.Time   `json:"until,omitzero"`
	Indicators []Indicator `json:"indicators,omitempty"`
	Seen       []Seen      `json:"seen,omitempty"`
	// Anonymous is set where somebody else than the author of the envelope shares
	// it. For is whom it is meant for, in a request to a hub to share it so.
	Anonymous bool   `json:"anonymous,omitempty"`
	For       *Scope `json:"for,omitempty"`
}

// Seen is an observable that was seen, how often and when.
type Seen struct {
	Kind  intel.ObservableKind `json:"kind"`
	Value string               `json:"value"` // in normal form
	Sightings
}

// Ended is the body of an envelope of kind ShareOverKind, HelpOverKind or
// OfferOverKind: what About names is taken back by who said it. Reason is told.
type Ended struct {
	Reason string `json:"reason,omitempty"`
}

// The kinds of envelope of what is shared.
const (
	ShareKind     = "share"      // Shared
	ShareOverKind = "share_over" // Ended
)

const (
	maxShared = 100_000 // indicators: what is more is a feed, not somebody's word
	maxSeen   = 10_000
)

// Check reports what of something shared will not do. The error is fault.Invalid.
func (s *Shared) Check() error {
	k := newCheck("shared")
	k.want(slices.Contains([]What{SharedIndicators, SharedSighting, SharedNote}, s.What), "/what", "%.40q is none of indicator, sighting, note", s.What)
	k.line("/title", s.Title, maxLine)
	k.text("/text", s.Text, maxProse, "\n\t")
	k.want(s.Until.IsZero() || s.Until.Year() <= 9999, "/until", "there is no such year")
	k.want((s.What == SharedIndicators) == (len(s.Indicators) > 0), "/indicators", "they are there where indicators are shared, and only there")
	k.want((s.What == SharedSighting) == (len(s.Seen) > 0), "/seen", "what was seen is there where a sighting is shared, and only there")
	k.want(s.What != SharedNote || strings.TrimSpace(s.Text) != "", "/text", "the note is empty")
	k.want(s.For == nil || s.Anonymous, "/for", "only who wants not to be named asks a hub to share")
	if s.For != nil {
		k.within("/for", s.For.Check())
	}
	if k.count("/indicators", len(s.Indicators), maxShared) {
		(&Warning{Indicators: s.Indicators}).checkIndicators(k)
	}
	if k.count("/seen", len(s.Seen), maxSeen) {
		for i := range s.Seen {
			s.Seen[i].check(k, field("/seen", i))
			if k.full() {
				break
			}
		}
	}
	return k.err()
}

func (s *Seen) check(k *check, field string) {
	o, err := observable.Parse(s.Kind, s.Value)
	switch {
	case err != nil:
		k.wrong(field+"/value", "%s", err)
	case o.Value != s.Value:
		k.wrong(field+"/value", "its normal form is %.100q", o.Value)
	}
	k.want(s.Events > 0, field+"/events", "it was seen no time")
	checkSightings(k, field, &s.Sightings)
}

// Check reports what of the end of something will not do. The error is
// fault.Invalid.
func (e *Ended) Check() error {
	k := newCheck("end")
	k.text("/reason", e.Reason, maxNote, "\n\t")
	return k.err()
}
