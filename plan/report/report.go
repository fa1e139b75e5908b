package report

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "report", Files: schema} }

// Duties is who knows what incidents oblige to: it keeps levels and clocks.
type Duties interface {
	// Organisation is whom reports come from, and by which rates it compares
	// amounts. It is asked outside of transactions.
	Organisation(ctx context.Context) (*organisation.Organisation, []fact.Rate, error)
	// Standings says how an incident stands under each regime that binds, in the
	// order of their names.
	Standings(ctx context.Context, tx *store.Tx, incident string) ([]Standing, error)
	// Outcomes calls do for every regime and clock with how many of those that
	// started from since until before until ended how. Do does not ask the
	// database.
	Outcomes(ctx context.Context, tx *store.Tx, since, until time.Time, do func(Outcome) error) error
}

// Standing is how an incident stands under one regime.
type Standing struct {
	Regime string `json:"regime"`
	// Levels is how it was graded, earliest first; empty while nobody did.
	Levels []plan.Graded `json:"levels"`
	// Proved is the level that the facts prove, whoever graded what.
	Proved string  `json:"proved,omitempty"`
	Clocks []Clock `json:"clocks"`
}

// Clock is a clock and, where it was missed, why.
type Clock struct {
	plan.Clock
	Reason string `json:"reason,omitempty"`
}

// Outcome is how many clocks of one kind are in a state.
type Outcome struct {
	Regime string     `json:"regime"`
	Clock  string     `json:"clock"`
	State  plan.State `json:"state"`
	Count  int64      `json:"count"`
}

// Delivery is a report that reached its recipients.
type Delivery struct {
	ID       string `json:"id"`
	Incident string `json:"incident"` // its ID
	Regime   string `json:"regime"`
	// Clock and Ref say which clock it answers; empty where none.
	Clock string `json:"clock,omitempty"`
	Ref   string `json:"ref,omitempty"`
	// Recipients are IDs of the regime's recipients.
	Recipients []string  `json:"recipients"`
	At         time.Time `json:"at"`
	Recorded   time.Time `json:"recorded"`
	By         Who       `json:"by"`
	Report     string    `json:"report"` // its ID
	Number     string    `json:"number"`
	Version    int64     `json:"version"`
	// Proof is what shows that it arrived: a receipt, a number, who took the call.
	Proof string `json:"proof"`
}

// Config is what Reports need. DB, Trail, Incidents, Library and Duties must be
// set.
type Config struct {
	DB        *store.DB
	Trail     *audit.Trail
	Incidents *incident.Register
	Library   func() *regime.Library // the regimes that count now
	Duties    Duties
	// Sent is told of a delivery inside the change of the incident that records it,
	// so that a report is never submitted without its clock being met. Its error
	// undoes both. It need not tell the timeline.
	Sent func(context.Context, *store.Tx, *incident.Incident, Delivery) error
	// Fonts finds the fonts of PDFs; without it there are none.
	Fonts func() (*document.Fonts, error)
	// Now is the clock, by default time.Now.
	Now func() time.Time
}

// Reports keeps the reports of a node. It is safe for concurrent use, also by
// several processes on one database.
type Reports struct {
	db     *store.DB
	config Config
	ids    store.IDs
}

// New returns the reports of a database that holds the tables of Room and of
// incident.
func New(c Config) *Reports {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Reports{db: c.DB, config: c}
}

func (r *Reports) now() time.Time { return r.config.Now().UTC().Truncate(time.Microsecond) }

// Who is the one who acts, as the audit trail names them. People are told apart
// by ID: hand in that of the account, also for one who comes with a token.
type Who = audit.Actor

// Change says who changes a report, and which version of it they have seen.
type Change struct {
	Who    Who
	Report string // its ID or number
	// Version is the one that was seen; 0 is the last. With another a *StaleError is
	// returned.
	Version int64
	Why     string
}

// Status is how far the last version of a report is.
type Status string

// The statuses.
const (
	Draft     Status = "draft"
	Returned  Status = "returned" // a reviewer wants changes
	Reviewed  Status = "reviewed"
	Signed    Status = "signed" // by all who must
	Submitted Status = "submitted"
)

// Summary is a report without what it says.
type Summary struct {
	ID        string      `json:"id"`
	Number    string      `json:"number"`
	Incident  string      `json:"incident"`
	Regime    string      `json:"regime"`
	Clock     string      `json:"clock,omitempty"`
	Ref       string      `json:"ref,omitempty"`
	Form      string      `json:"form"`
	Kind      regime.Kind `json:"kind"`
	Version   int64       `json:"version"`
	Submitted bool        `json:"submitted"` // some version was
	MadeBy    string      `json:"made_by"`
	Made      time.Time   `json:"made"`
	Changed   time.Time   `json:"changed"`
}

// Report is a report with its last version.
type Report struct {
	Summary
	Status  Status  `json:"status"`
	Content Content `json:"content"`
	SHA256  string  `json:"sha256"` // of the version's content
	// Missing are the fields that nothing fills, in the form's order.
	Missing []Missing `json:"missing"`
	// MovedOn are the fields that a person wrote before the case changed what would
	// be drawn.
	MovedOn    []string    `json:"moved_on"`
	Signatures []Signature `json:"signatures"` // of the last version
	// Signers is how many different people must sign it.
	Signers    int        `json:"signers"`
	Deliveries []Delivery `json:"deliveries"`
}

// Missing is a field that nothing fills.
type Missing struct {
	Field string     `json:"field"`
	Title fact.Title `json:"title"`
	// Need is now, later or if_known; Unsure that it may turn out not to be asked
	// for. What is asked for now and unsure does not keep a report from being signed.
	Need   string   `json:"need"`
	Unsure bool     `json:"unsure,omitempty"`
	From   []string `json:"from"`
}

// Version is one version of a report.
type Version struct {
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Why     string    `json:"why,omitempty"`
	SHA256  string    `json:"sha256"`
}

// StaleError refuses a change of a version that is no longer the last. It is
// fault.Conflict.
type StaleError struct {
	Seen, Present int64
	Number        string
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("report %s was changed meanwhile: you have seen version %d, it is %d now", e.Number, e.Seen, e.Present)
}

// Unwrap makes it fault.Conflict.
func (e *StaleError) Unwrap() error { return fault.Conflict }

// Get returns a report by its ID or number. The error is fault.NotFound.
func (r *Reports) Get(ctx context.Context, word string) (p Report, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err = r.get(ctx, tx, word)
		return err
	})
	return p, err
}

func (r *Reports) get(ctx context.Context, tx *store.Tx, word string) (Report, error) {
	s, ok, err := selectReport(ctx, tx, word)
	if err != nil {
		return Report{}, err
	}
	if !ok {
		return Report{}, fmt.Errorf("report %.80q: %w", word, fault.NotFound)
	}
	return r.whole(ctx, tx, s, s.Version)
}

// whole is a report with one of its versions.
func (r *Reports) whole(ctx context.Context, tx *store.Tx, s Summary, version int64) (p Report, err error) {
	p.Summary = s
	var ok bool
	if p.Content, p.SHA256, ok, err = selectContent(ctx, tx, s.ID, version); err != nil {
		return p, err
	}
	if !ok {
		return p, fmt.Errorf("report %s has no version %d, the last is %d: %w", s.Number, version, s.Version, fault.NotFound)
	}
	if p.Signatures, err = selectSignatures(ctx, tx, s.ID, version); err != nil {
		return p, err
	}
	if p.Deliveries, err = selectDeliveries(ctx, tx, s.ID); err != nil {
		return p, err
	}
	for k := range p.Deliveries {
		p.Deliveries[k].complete(&s)
	}
	p.Version = version
	p.Missing, p.MovedOn, p.Signers = p.Content.missing(), p.Content.movedOn(), p.Content.Signers
	p.Status = p.status()
	return p, nil
}

// complete adds what a delivery has of its report.
func (d *Delivery) complete(s *Summary) {
	d.Incident, d.Regime, d.Clock, d.Ref, d.Number = s.Incident, s.Regime, s.Clock, s.Ref, s.Number
}

func (p *Report) status() Status {
	for k := range p.Deliveries {
		if p.Deliveries[k].Version == p.Version {
			return Submitted
		}
	}
	if len(p.signers()) >= p.Signers {
		return Signed
	}
	for _, s := range slices.Backward(p.Signatures) {
		switch s.Act {
		case Return:
			return Returned
		case Approve:
			return Reviewed
		}
	}
	return Draft
}

// List returns the reports of an incident, by its ID, oldest first.
func (r *Reports) List(ctx context.Context, incidentID string) (all []Summary, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectReports(ctx, tx, incidentID)
		return err
	})
	return all, err
}

// Versions returns the versions of a report, oldest first.
func (r *Reports) Versions(ctx context.Context, word string) (all []Version, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, ok, err := selectReport(ctx, tx, word)
		if err == nil && !ok {
			err = fmt.Errorf("report %.80q: %w", word, fault.NotFound)
		}
		if err != nil {
			return err
		}
		all, err = selectVersions(ctx, tx, s.ID)
		return err
	})
	return all, err
}

// At returns a report with one of its versions, 0 for the last.
func (r *Reports) At(ctx context.Context, word string, version int64) (p Report, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err = r.at(ctx, tx, word, version)
		return err
	})
	return p, err
}

func (r *Reports) at(ctx context.Context, tx *store.Tx, word string, version int64) (Report, error) {
	s, ok, err := selectReport(ctx, tx, word)
	switch {
	case err != nil:
		return Report{}, err
	case !ok:
		return Report{}, fmt.Errorf("report %.80q: %w", word, fault.NotFound)
	case version == 0:
		version = s.Version
	}
	return r.whole(ctx, tx, s, version)
}
