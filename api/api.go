// Package api is what a node offers over HTTP besides taking telemetry in: to
// hunt, to read what was found, to see what is remembered, to sign in and to
// keep people, tokens and the roster. It reads a request, asks a room and writes
// the answer, and has no rules of its own: who may do what stands in people, and
// is enforced by people.Gate.Guard.
package api

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/alliance"
	"tocsin/alliance/aid"
	"tocsin/alliance/answer"
	"tocsin/alliance/filing"
	"tocsin/alliance/link"
	"tocsin/alliance/member"
	"tocsin/alliance/sharing"
	"tocsin/alliance/warning"
	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/idempotency"
	"tocsin/internal/notify"
	"tocsin/knowledge"
	"tocsin/node"
	"tocsin/people"
	"tocsin/plan/duty"
	"tocsin/plan/report"
)

// Config is what the API serves.
type Config struct {
	Node   *node.Node
	Tokens *people.Tokens
	// Accounts and Roster are the people of the node.
	Accounts *people.Accounts
	Roster   *people.Roster
	// Passkeys and Provider are further ways to sign in; nil where there are none.
	Passkeys *people.Passkeys
	Provider *people.Provider
	// Indicators are the sets installed; Changed is called after they changed and
	// returns once those are in force.
	Indicators *knowledge.Indicators
	Changed    func() error
	// Removed tells what of them is not matched.
	Removed func() *RemovedIndicators
	// Hunt is asked instead of the node's own memory, where several share the
	// work; nil is the node's.
	Hunt func(context.Context, node.Hunt) (node.Hunted, error)
	// Incidents are the cases and alerts of the node.
	Incidents *incident.Register
	// Duty keeps what the plan asks for, Reports what is told to whom.
	Duty    *duty.Office
	Reports *report.Reports
	// Answers are those to warnings, ours and our members'.
	Answers *answer.Answers
	// Filings hand reports over links; nil where there are none.
	Filings *filing.Desk
	// Sharing is what members tell each other, Aid the help that they ask for; nil
	// where there are no links.
	Sharing *sharing.Desk
	Aid     *aid.Desk
	// Links are those of the alliance; nil where the node takes part in none.
	Links *link.Links
	// Warnings are those that we write, Arrivals those that came from others.
	Warnings *warning.Desk
	Arrivals *warning.Inbox
	// Messages are what is told by mail and webhook.
	Messages *notify.Notify
	// Members are who belongs to the alliance; nil where the node keeps none.
	// Connected says of a neighbour whether it is connected, and since when.
	Members   *member.Register
	Connected func(alliance.NodeID) (since time.Time, ok bool)
	// TAXII serves collections below /taxii2/, and knows itself who may; nil for
	// none.
	TAXII http.Handler
	// Trail is the audit trail.
	Trail *audit.Trail
	// Transparency is the log of what was warned; nil while the node is in no
	// alliance.
	Transparency *TransparencyLog
	// Keys remember what requests with a key were answered.
	Keys *idempotency.Keys
	// Cluster tells of all workers together, where several share the work; nil where
	// the node tells of itself.
	Cluster *Cluster
	// Intake answers everything that is not the API's.
	Intake http.Handler
	// Ready are the parts that have to work for the node to be ready.
	Ready []node.ReadyPart
	// Backup writes everything that the node keeps; nil when it cannot be asked
	// for.
	Backup func(ctx context.Context, to io.Writer) error
	// Version is the program's.
	Version string
	// Metrics is what /metrics tells, and where the API counts; nil for neither.
	Metrics *prometheus.Registry
	Log     *slog.Logger
}

type api struct {
	Config
	pages   *template.Template
	metrics *metrics
	// description is the OpenAPI document.
	description []byte
	backingUp   atomic.Bool
}

// Handler returns the node's whole HTTP interface.
func Handler(c Config) http.Handler {
	if c.Hunt == nil {
		c.Hunt = c.Node.Hunt
	}
	var count prometheus.Registerer
	if c.Metrics != nil {
		count = c.Metrics
	}
	a := &api{Config: c, pages: pages(), metrics: newMetrics(count), description: mustDescribe(c.Version)}
	gate := people.NewGate(c.Tokens, c.Accounts)
	mux := http.NewServeMux()
	for _, r := range Routes() {
		mux.Handle(r.Pattern, gate.Guard(r.Right, patient(bounded(r.most, a.once(&r, a.handler(r))))))
	}
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", a.readyz)
	if c.Metrics != nil {
		mux.Handle("GET /metrics", a.metricsHandler())
	}
	if c.TAXII != nil {
		mux.Handle("/taxii2/", c.TAXII)
	}
	mux.Handle("/", front(c.Intake))
	return a.observed(http.NewCrossOriginProtection().Handler(mux))
}

// front sends a person who opens the node in a browser to the pages; what
// programs ask for there is the intake's.
func front(intake http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" {
			http.Redirect(w, r, path(""), http.StatusSeeOther)
			return
		}
		intake.ServeHTTP(w, r)
	})
}

// handler turns a route's error into an answer.
func (a *api) handler(r Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		if err := r.answer(a, w, asked); err != nil {
			a.fail(w, asked, err)
		}
	})
}

// requestBytes bounds a hunt: 100,000 observables take some 10 MB.
const requestBytes = 256 << 20

func (a *api) hunt(w http.ResponseWriter, r *http.Request) error {
	var h node.Hunt
	if err := readBody(r, &h); err != nil {
		return fmt.Errorf("hunt: %w", err)
	}
	started := time.Now()
	told, err := a.Hunt(r.Context(), h)
	a.metrics.hunted(started, &told, err)
	if err != nil {
		return err
	}
	return write(w, r, http.StatusOK, told)
}

// findingsPage is how many bytes of findings are told at once.
const findingsPage = 4 << 20

// positionHeader says after which position to ask for more.
const positionHeader = "Tocsin-Position"

// findingsAfter is the query of findings.
type findingsAfter struct {
	After string `query:"after" doc:"A position: the header Tocsin-Position of the answer before."`
}

// findings writes what was found after a position, as lines of JSON.
func (a *api) findings(w http.ResponseWriter, r *http.Request) error {
	var q findingsAfter
	if err := readQuery(r.URL.Query(), &q); err != nil {
		return err
	}
	if a.Cluster != nil {
		return a.allFindings(w, r, q.After)
	}
	after := uint64(0)
	if q.After != "" {
		var err error
		if after, err = strconv.ParseUint(q.After, 10, 64); err != nil {
			return &QueryError{"after", fmt.Sprintf("%.80q is no position", q.After)}
		}
	}
	var page []byte
	err := a.Node.Findings(after, func(position uint64, findings []byte) bool {
		after = position
		page = append(page, findings...)
		return len(page) < findingsPage
	})
	if err != nil {
		return err
	}
	w.Header().Set(positionHeader, strconv.FormatUint(after, 10))
	w.Header().Set("Content-Type", jsonLines)
	_, err = w.Write(page)
	return err
}

func (a *api) memory(r *http.Request) (node.Stats, error) {
	if a.Cluster != nil {
		return a.Cluster.Memory(r.Context())
	}
	return a.Node.Stats()
}

func (a *api) compact(r *http.Request) (node.Stats, error) {
	if err := a.Node.Compact(r.Context()); err != nil {
		return node.Stats{}, err
	}
	return a.Node.Stats()
}
