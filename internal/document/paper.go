package document

import (
	"time"
)

// Language is what a paper is written in: it chooses the words that this
// package adds, how lines are broken and which font goes first.
type Language string

// The languages there are words for.
const (
	English Language = "en"
	Chinese Language = "zh-CN"
)

// Marking is a label of the Traffic Light Protocol 2.0; empty is unmarked.
type Marking string

// The labels of TLP 2.0, as FIRST spells them.
const (
	TLPRed         Marking = "TLP:RED"
	TLPAmberStrict Marking = "TLP:AMBER+STRICT"
	TLPAmber       Marking = "TLP:AMBER"
	TLPGreen       Marking = "TLP:GREEN"
	TLPClear       Marking = "TLP:CLEAR"
)

// Paper is one document, as it is stored, compared and rendered. Check says
// whether it can be.
type Paper struct {
	Title     string   `json:"title"`
	Reference string   `json:"reference,omitempty"` // what the issuer calls it by
	Version   int      `json:"version,omitempty"`   // from 1; 0 is shown as nothing
	Status    string   `json:"status,omitempty"`    // "Draft", in the paper's language
	Language  Language `json:"language"`
	Marking   Marking  `json:"marking,omitempty"`
	Issuer    Party    `json:"issuer"`
	Recipient Party    `json:"recipient,omitzero"`
	Written   Moment   `json:"written"`
	// Sections are numbered in order, appendices lettered apart from them.
	Sections []Section `json:"sections"`
}

// Party is who issues or receives a paper.
type Party struct {
	Name  string   `json:"name"`
	Lines []string `json:"lines,omitempty"` // address, telephone, mail
}

// IsZero says that there is nobody.
func (p Party) IsZero() bool { return p.Name == "" && len(p.Lines) == 0 }

// Section is a titled part of a paper.
type Section struct {
	Title    string `json:"title"`
	Appendix bool   `json:"appendix,omitempty"` // begins on a page of its own
	Blocks   Blocks `json:"blocks"`
}

// Moment is a time as it is to be shown: with the offset that At has, and with
// the name of the zone where there is one.
type Moment struct {
	At   time.Time `json:"at"`
	Zone string    `json:"zone,omitempty"` // "Asia/Shanghai"
}

// At returns t to be shown in its own location. A location without a name that
// others would understand leaves the offset to speak.
func At(t time.Time) Moment {
	zone := t.Location().String()
	if zone == "Local" {
		zone = ""
	}
	return Moment{At: t.Round(0), Zone: zone}
}

// IsZero says that the time is not known.
func (m Moment) IsZero() bool { return m.At.IsZero() && m.Zone == "" }

// String shows the moment to the second, the same in every language:
// "2026-11-25 13:05:00 +08:00 Asia/Shanghai".
func (m Moment) String() string {
	if m.IsZero() {
		return ""
	}
	text := m.At.Format("2006-01-02 15:04:05 -07:00")
	if m.Zone != "" && m.Zone != "UTC" {
		return text + " " + m.Zone
	}
	if m.Zone == "UTC" {
		return m.At.Format("2006-01-02 15:04:05 ") + "UTC"
	}
	return text
}
