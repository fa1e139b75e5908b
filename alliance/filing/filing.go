package filing

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// The kinds of envelope that this package makes and takes, beside
// alliance.ReceiptKind.
const (
	ReportKind   = "report"   // Report
	InquiryKind  = "inquiry"  // Word
	ReplyKind    = "reply"    // Word
	GuidanceKind = "guidance" // Word
)

// keepFor is how long a message may be on its way: a node that was off for so long
// has missed more than this.
const keepFor = 90 * 24 * time.Hour

// Report is the body of an envelope of kind ReportKind: a version of a report as its
// recipient gets it.
type Report struct {
	Number    string `json:"number"` // the reporter's
	Version   int64  `json:"version"`
	Incident  string `json:"incident"` // the number of the reporter's case
	Regime    string `json:"regime"`
	Recipient string `json:"recipient"` // as the regime names it
	Clock     string `json:"clock,omitempty"`
	Form      string `json:"form"`
	Title     string `json:"title"`
	Category  string `json:"category,omitempty"`
	Level     string `json:"level,omitempty"`
	// Content is the report for programs, as plan/report exports it for the
	// recipient.
	Content json.RawMessage `json:"content"`
}

const (
	maxShort = 300
	maxText  = 16 << 10
)

func (r *Report) check() error {
	for _, f := range [...]struct {
		name, value string
		must        bool
	}{
		{"number", r.Number, true},
		{"incident", r.Incident, true},
		{"regime", r.Regime, true},
		{"recipient", r.Recipient, true},
		{"clock", r.Clock, false},
		{"form", r.Form, true},
		{"title", r.Title, true},
		{"category", r.Category, false},
		{"level", r.Level, false},
	} {
		if len(f.value) > maxShort || f.must && f.value == "" {
			return fmt.Errorf("report: %s is empty or longer than %d bytes: %w", f.name, maxShort, fault.Invalid)
		}
	}
	if r.Version < 1 || !json.Valid(r.Content) {
		return fmt.Errorf("report %s: no version, or no content: %w", r.Number, fault.Invalid)
	}
	return nil
}

// State is how far a filing is.
type State string

// The states of a filing.
const (
	Sent     State = "sent"     // on its way
	Received State = "received" // the recipient's receipt is here
	Refused  State = "refused"  // the recipient's node did not take it
)

// Filing is a version of a report on its way to a recipient, seen by who sent it.
type Filing struct {
	ID        string          `json:"id"` // of the envelope
	Report    string          `json:"report"`
	Number    string          `json:"number"`
	Version   int64           `json:"version"`
	Incident  string          `json:"incident"`
	Regime    string          `json:"regime"`
	Recipient string          `json:"recipient"`
	Node      alliance.NodeID `json:"node"`
	By        string          `json:"by"`
	At        time.Time       `json:"at"`
	State     State           `json:"state"`
	Received  time.Time       `json:"received,omitzero"`
	Theirs    string          `json:"theirs,omitempty"` // the number that the recipient gave it
	Detail    string          `json:"detail,omitempty"`
	// Receipt is the signed receipt, to be verified by anyone.
	Receipt json.RawMessage `json:"receipt,omitempty"`
}

// Incoming is a report that came in.
type Incoming struct {
	ID       string          `json:"id"` // of the envelope
	Author   alliance.NodeID `json:"author"`
	Number   string          `json:"number"` // ours
	Incident string          `json:"incident,omitempty"`
	Received time.Time       `json:"received"`
	Report   Report          `json:"report"`
}

// Config is what a Desk needs. What follows Export may be nil.
type Config struct {
	DB       *store.DB
	Trail    *audit.Trail
	Identity *envelope.Identity
	Links    Sender
	// Way returns the neighbour by which a node is reached. The error is
	// fault.NotFound where none is known.
	Way func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (alliance.NodeID, error)
	// Export reads the last version of a report as one of its regime's recipients gets
	// it, in a language. The error is fault.Conflict for one that is not signed by all who must.
	Export func(ctx context.Context, report, recipient, language string) (Exported, error)
	// Delivered is told that a recipient has a report, in the transaction that records
	// its receipt: the clock is met in it. An error undoes that, but for
	// fault.Conflict and fault.Invalid, which are noted in the filing.
	Delivered func(ctx context.Context, tx *store.Tx, f *Filing) error
	// Arrived is told of a report that came in, in the transaction that records it, and
	// returns the incident that it belongs to now; empty for none.
	Arrived func(ctx context.Context, tx *store.Tx, in *Incoming) (incident string, err error)
	// Logged enters a receipt in the hub's log, in the same transaction.
	Logged func(ctx context.Context, tx *store.Tx, receipt *envelope.Envelope) error
	// Receipted is told of each receipt that came, in the transaction that records it.
	Receipted func(ctx context.Context, tx *store.Tx, in link.Received) error
	// Heard is told of an inquiry, a reply or guidance that came, in the transaction
	// that records it.
	Heard func(ctx context.Context, tx *store.Tx, w *Heard) error
	// Merged returns an incident and all that were merged into it; nil for the one.
	Merged func(ctx context.Context, tx *store.Tx, incident string) ([]string, error)
	Now    func() time.Time
}

// Sender is what of link.Links is used.
type Sender interface {
	Send(ctx context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error
	Forward(ctx context.Context, tx *store.Tx, in link.Received, to ...alliance.NodeID) error
	On(kind string, h link.Handler)
}

// Exported is a version of a report, ready to leave.
type Exported struct {
	Report
	ID         string // the report's, here
	IncidentID string
	Marking    intel.Marking
}

// Desk sends reports and takes them in. It may be used concurrently.
type Desk struct {
	c   Config
	ids store.IDs
}

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "filing", Files: schema} }

// New returns a desk and has the links hand it what is its own.
func New(c Config) (*Desk, error) {
	if c.DB == nil || c.Trail == nil || c.Identity == nil || c.Links == nil || c.Way == nil || c.Export == nil {
		return nil, fmt.Errorf("filing: DB, Trail, Identity, Links, Way and Export are needed: %w", fault.Invalid)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	d := &Desk{c: c}
	c.Links.On(ReportKind, d.takeReport)
	c.Links.On(alliance.ReceiptKind, d.takeReceipt)
	for _, kind := range []string{InquiryKind, ReplyKind, GuidanceKind} {
		c.Links.On(kind, d.takeWord)
	}
	return d, nil
}

func (d *Desk) now() time.Time { return d.c.Now().UTC().Truncate(time.Microsecond) }

// seal makes an envelope for one node.
func (d *Desk) seal(kind, about string, to alliance.NodeID, marking intel.Marking, body any) (*envelope.Envelope, string, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", kind, err)
	}
	now := d.now()
	id := d.ids.Next(now)
	e, err := d.c.Identity.Seal(envelope.Header{
		ID: id, Kind: kind, Schema: 1, Audience: alliance.To(to), Marking: marking, Issued: now, Expires: now.Add(keepFor), About: about,
	}, text)
	return e, id, err
}

// send hands an envelope to the neighbour by which its addressee is reached.
func (d *Desk) send(ctx context.Context, tx *store.Tx, e *envelope.Envelope, to alliance.NodeID) error {
	way, err := d.c.Way(ctx, tx, to)
	if err != nil {
		return err
	}
	return d.c.Links.Send(ctx, tx, e, way)
}

// passOn forwards what is for another node, and reports whether it was.
func (d *Desk) passOn(ctx context.Context, tx *store.Tx, in *link.Received) (bool, error) {
	for _, to := range in.Header.Audience.Members {
		if to == d.c.Identity.ID() {
			return false, nil
		}
	}
	if len(in.Header.Audience.Members) != 1 {
		return false, &envelope.Refusal{Reason: envelope.WrongAudience, Detail: "a " + in.Header.Kind + " goes to one node"}
	}
	way, err := d.c.Way(ctx, tx, in.Header.Audience.Members[0])
	if err != nil {
		return false, err
	}
	if way == in.From {
		return false, &envelope.Refusal{Reason: envelope.Loop, Detail: "it would go back where it came from"}
	}
	return true, d.c.Links.Forward(ctx, tx, *in, way)
}
