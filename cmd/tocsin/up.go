package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tocsin/alliance/answer"
	"tocsin/alliance/transparency"
	"tocsin/api"
	"tocsin/detect"
	"tocsin/detect/indicator"
	"tocsin/intake"
	"tocsin/internal/output"
	"tocsin/internal/store"
	"tocsin/node"
	"tocsin/people"
	"tocsin/telemetry"
)

type upCmd struct {
	ruleFlags
	indicatorFlags
	configFlags
	Mapping []string `help:"Folder of mapping files for formats that tocsin does not know; repeatable." placeholder:"DIR" sep:"none"`
	Workers int      `help:"How many workers decode, match and remember; 0 is one a core." default:"0"`
	spreadFlags
}

// Run starts a node: it listens, watches and remembers until it is told to end.
func (u *upCmd) Run(ctx context.Context, c *console) error {
	config, err := c.configure(&u.configFlags)
	if err != nil {
		return usageError{err}
	}
	up := &running{console: c, log: config.Log.open(c.err), metrics: newRegistry()}
	if err := up.open(ctx, u, config.fileConfig); err != nil {
		return errors.Join(err, up.close()) //nolint:contextcheck // what was begun is ended whatever became of the context
	}
	return errors.Join(up.run(ctx), up.close()) //nolint:contextcheck // as above
}

// running is a node with what takes telemetry in for it.
type running struct {
	*console
	log       *slog.Logger
	metrics   *prometheus.Registry
	node      *node.Node
	intake    *intake.Intake
	spread    *spread // nil for a node by itself
	claim     *store.Claim
	people    *peopleRooms
	telling   *telling
	incidents *incidentRooms
	alliance  *allianceRooms
	warnings  *warningRooms
	raising   *raising
	answers   *answer.Answers
	// transparency is the log of what this node warns of; monitor watches those of its
	// hubs.
	transparency *api.TransparencyLog
	monitor      *transparency.Monitor
	config       fileConfig
	indicators   *indicatorsInForce
	found        func(*detect.Finding)
	listening    listening
	at           atomic.Pointer[string] // where browsers reach the node, once it listens
}

// open opens the node and gives it its rules.
func (r *running) open(ctx context.Context, u *upCmd, config fileConfig) error {
	r.config = config
	r.indicators = &indicatorsInForce{console: r.console, log: r.log, flags: &u.indicatorFlags, live: &indicator.Live{}}
	u.own = true
	loaded, err := u.ruleFlags.load(r.library())
	if err != nil {
		return err
	}
	for _, note := range loaded.left() {
		r.log.Warn("rules are left out", slog.String("which", note))
	}
	if err := r.listening.read(config, r.data); err != nil {
		return usageError{err}
	}
	r.found = r.printer()
	r.node, err = r.openNode(ctx, u.Mapping, node.Config{
		Memory: config.memory(), Workers: u.Workers, Log: r.log.With(slog.String("room", "node")), Metrics: r.metrics,
		Found: func(f *detect.Finding) {
			r.found(f)
			r.raising.found()
		},
		Heard: r.heard, Asked: r.asked, Past: func() { r.answers.Late() },
		Malformed: func(reason string, record *telemetry.Block) {
			r.intake.SetAside(reason, record)
		},
	})
	if err != nil {
		return err
	}
	if r.claim, err = r.claimTables(ctx); err != nil { // before they are migrated
		return err
	}
	if r.people, err = r.openPeople(ctx); err != nil {
		return err
	}
	if err := r.openAlliance(ctx, &config); err != nil {
		return err
	}
	if err := r.openWarnings(&u.indicatorFlags, r.answering()); err != nil {
		return err
	}
	if err := r.openMutual(); err != nil {
		return err
	}
	if err := r.openIncidents(&config); err != nil {
		return err
	}
	if err := r.openFiling(); err != nil {
		return err
	}
	r.openLogWatch()
	r.warnings.join(r.telling.timers)
	if err := r.alliance.begin(ctx, r.telling.timers); err != nil {
		return err
	}
	if err := r.incidents.office.Begin(ctx); err != nil {
		return err
	}
	if err := r.openLog(ctx); err != nil {
		return err
	}
	r.raising = newRaising(r.node, r.incidents.register, r.log.With(slog.String("room", "incident")))
	if err := r.indicators.refresh(); err != nil {
		return err
	}
	if err := r.node.Detect(&node.Rules{
		Rules: loaded.rules, Correlations: loaded.correlations, Indicators: r.indicators.live, FreeText: u.FreeText,
	}); err != nil {
		return err
	}
	r.log.Info("rules are watched", slog.Int("rules", len(loaded.rules)), slog.Int("correlations", len(loaded.correlations)))
	if r.spread, err = r.openSpread(ctx, u.spreadFlags, config); err != nil {
		return err
	}
	r.listening.intake.Metrics, r.listening.intake.Reads = r.metrics, r.node.Readable()
	r.listening.intake.Guard = people.NewGate(r.people.tokens, r.people.accounts).Guard
	r.intake, err = intake.New(r.listening.intake, r.log.With(slog.String("room", "intake")), r.people.tokens, r.accept())
	if err != nil {
		return usageError{err}
	}
	return r.intake.Recall(r.node.Noted)
}

// printer shows findings on a terminal as they come; elsewhere they are kept
// and asked for.
func (r *running) printer() func(*detect.Finding) {
	if !isTerminal(r.out) {
		return func(*detect.Finding) {}
	}
	lines := output.NewLines(r.out, terminal(r.out))
	return func(f *detect.Finding) { _ = lines.Finding(f) } // a terminal that is gone changes nothing
}

// run serves until ctx ends.
func (r *running) run(ctx context.Context) error {
	provider, err := r.config.provider(r.people.accounts)
	if err != nil {
		return usageError{err}
	}
	passkeys, err := r.config.passkeys(r.people.accounts)
	if err != nil {
		return err
	}
	served := api.Config{
		Node: r.node, Hunt: r.hunt(), Cluster: r.cluster(),
		Tokens: r.people.tokens, Accounts: r.people.accounts, Roster: r.people.roster, Passkeys: passkeys, Provider: provider,
		Incidents: r.incidents.register, Duty: r.incidents.office, Reports: r.incidents.reports, Messages: r.telling.Notify,
		Keys: r.incidents.keys, Trail: r.people.trail,
		Intake: r.intake.Handler(), Log: r.log.With(slog.String("room", "api")),
		Indicators: r.console.indicators(), Changed: r.indicators.refresh, Removed: r.indicators.removed,
		Version: programName(), Metrics: r.metrics, Ready: r.readyParts(),
		Backup: func(ctx context.Context, to io.Writer) error { return r.writeBackup(ctx, r.node, to) },
	}
	if served.TAXII, err = r.taxii(ctx); err != nil {
		return err
	}
	r.serveAlliance(&served)
	handler := api.Handler(served)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.node.Run(ctx) })
	if r.spread.takesIn() {
		group.Go(func() error { return r.intake.Run(ctx) })
	}
	if r.spread != nil {
		group.Go(func() error { return r.spread.Run(ctx) })
	}
	group.Go(func() error { return r.intake.Serve(ctx, handler) })
	group.Go(func() error { return r.indicators.run(ctx) })
	group.Go(func() error { return r.listening.challenges(ctx) })
	group.Go(func() error { return r.people.trail.Run(ctx) })
	group.Go(func() error { return r.raising.Run(ctx) })
	group.Go(func() error { return r.runAnswers(ctx) })
	group.Go(func() error { return r.transparency.Own.Run(ctx) })
	group.Go(func() error { return r.incidents.keys.Run(ctx) })
	group.Go(func() error { return r.telling.run(ctx) })
	group.Go(func() error { return r.printDaily(ctx, r.incidents.current) })
	group.Go(func() error { return r.claim.Keep(ctx) })
	for _, run := range r.alliance.run(ctx) {
		group.Go(run)
	}
	group.Go(func() error { return r.say(ctx) })
	err = group.Wait()
	r.log.Info("the node has stopped")
	return err
}

// say tells where the node is, once it is there.
func (r *running) say(ctx context.Context) error {
	var at []net.Addr
	for at = r.intake.Addresses("HTTP"); len(at) == 0; at = r.intake.Addresses("HTTP") {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(10 * time.Millisecond):
		}
	}
	scheme := "http"
	if r.listening.intake.Encrypted() {
		scheme = "https"
	}
	address := scheme + "://" + at[0].String()
	_, port, err := net.SplitHostPort(at[0].String())
	if err != nil {
		return err
	}
	if err := r.listensAt(scheme, port); err != nil {
		return err
	}
	if r.config.URL == "" {
		r.alliance.members.ReachedAt(reachedAt(at[0], address))
	}
	r.log.Info("the node is up", slog.String("address", address), slog.String("data", r.data))
	_, err = fmt.Fprintf(r.out, "Listening on %s. 'tocsin token create --role sensor' makes a token to send with, '--role analyst' one to ask with.\n", address)
	for _, plain := range r.listening.intake.Plain() {
		r.log.Warn("other machines reach this without encryption, as insecure_listen allows", slog.String("listens", plain))
		_, warned := fmt.Fprintf(r.out, "WARNING: %s is not encrypted: tokens and telemetry can be read on the way.\n", plain)
		err = errors.Join(err, warned)
	}
	if err := errors.Join(err, r.setUp(ctx), r.node.Say(address)); err != nil {
		return err
	}
	r.listening.fetch(ctx, r.log)
	return nil
}

// readyParts are what has to work for the node to be ready.
func (r *running) readyParts() []node.ReadyPart {
	parts := append(r.node.ReadyParts(), node.ReadyPart{Name: "database", Check: r.people.db.Ready})
	if r.spread != nil {
		parts = append(parts, node.ReadyPart{Name: "bus", Check: func(context.Context) error { return r.spread.Ready() }})
	}
	return parts
}

func (r *running) close() error {
	if r.spread != nil {
		r.spread.Close()
	}
	errs := []error{r.alliance.close()}
	if r.intake != nil {
		errs = append(errs, r.intake.Close())
	}
	if r.node != nil {
		errs = append(errs, r.node.Close())
	}
	if r.at.Load() != nil {
		errs = append(errs, os.Remove(filepath.Join(r.data, addressFile)))
	}
	if r.people != nil {
		errs = append(errs, r.people.db.Close())
	}
	if r.claim != nil {
		errs = append(errs, r.claim.Release())
	}
	return errors.Join(errs...)
}
