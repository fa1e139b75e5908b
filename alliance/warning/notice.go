package warning

import (
	"fmt"
	"time"

	"tocsin/alliance"
)

// NoticeKind is why people are told.
type NoticeKind string

// The kinds of notice.
const (
	NoticeAlone      NoticeKind = "issued_alone" // by one person: all commanders
	NoticeUnratified NoticeKind = "unratified"   // nobody confirmed it in time
	NoticeExpired    NoticeKind = "expired"
	NoticeArrived    NoticeKind = "arrived" // from above, or a change of it
	NoticeSuspended  NoticeKind = "suspended"
	NoticeAddresses  NoticeKind = "addresses" // of ours, on somebody's list
)

// Notice is something that people must be told at once.
type Notice struct {
	// Key is the same for the same notice and no other's.
	Key     string          `json:"key"`
	Kind    NoticeKind      `json:"kind"`
	Warning string          `json:"warning"` // its ID
	Number  string          `json:"number"`
	Colour  alliance.Colour `json:"colour"`
	// To are roles: whoever has them when it is sent is told.
	To      []string `json:"to"`
	Subject string   `json:"subject"`
	Text    string   `json:"text"`
}

// The roles that are told, as package people names them.
const (
	commanders  = "commander"
	dutyOfficer = "duty-officer"
)

// notice is what the author's people are told of a warning.
func (r *Record) notice(kind NoticeKind, at time.Time) Notice {
	n := Notice{
		Key: fmt.Sprintf("warning/%s/%s/%d", r.ID, kind, at.UnixMicro()), Kind: kind, Warning: r.ID, Number: r.Number, Colour: r.Colour,
		To: []string{commanders, dutyOfficer},
	}
	switch kind {
	case NoticeAlone:
		n.To = []string{commanders}
		n.Subject = fmt.Sprintf("[%s] %s warning issued by one person: to be ratified", r.Number, r.Colour)
	case NoticeUnratified:
		n.Subject = fmt.Sprintf("[%s] %s warning NOT RATIFIED", r.Number, r.Colour)
		n.Text = fmt.Sprintf("Warning %s (%s) was issued by one person alone, and nobody ratified it until %s.\n\n%s\n\nIt stays in force and is shown as not ratified, here and at its recipients."+
			"\nWhat to do: another commander ratifies it (tocsin warn ratify %s), issues a revision that two people approved, lifts or recalls it.\n",
			r.Number, r.Colour, shown(r.RatifyBy), r.Title, r.Number)
	case NoticeExpired:
		n.Subject = fmt.Sprintf("[%s] warning has expired", r.Number)
		n.Text = fmt.Sprintf("The time of warning %s (%s) ran out at %s: it is over, here and at its recipients.\n\n%s\n", r.Number, r.Colour, shown(r.Expires), r.Title)
	}
	return n
}

func shown(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }
