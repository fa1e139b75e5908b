package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/alliance/transparency"
	"tocsin/alliance/warning"
	"tocsin/detect/sigma"
	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/internal/store"
	"tocsin/knowledge"
	"tocsin/node"
)

// openAnswers opens the room that answers warnings, over the links of the alliance.
// Its timers must be given to it before anything arrives.
func (r *running) openAnswers() {
	rooms := r.alliance
	warned := node.Warned{Hunt: func(ctx context.Context, h node.Hunt) (node.Hunted, error) {
		if all := r.hunt(); all != nil { // several share the work
			return all(ctx, h)
		}
		return r.node.Hunt(ctx, h)
	}, Retained: func() time.Time { return r.node.Retained() }}
	r.answers = answer.New(answer.Config{
		DB: r.people.db, Trail: r.people.trail, Self: rooms.identity.ID, Seal: rooms.identity.Seal, Send: rooms.links.Send,
		Forward: func(ctx context.Context, tx *store.Tx, in answer.Received, to ...alliance.NodeID) error {
			return rooms.links.Forward(ctx, tx, link.Received(in), to...)
		},
		Describe: rooms.expected, Hunt: warned.Answer, Watch: r.watchWarnings, Now: time.Now,
		Notify: func(ctx context.Context, tx *store.Tx, n answer.Notice) error { return r.tellAnswer(ctx, tx, &n) },
	})
	for kind, take := range map[string]func(context.Context, *store.Tx, answer.Received) error{
		alliance.AnswerKind: r.answers.Answered, alliance.TotalsKind: r.answers.Totalled, alliance.MeasureKind: r.answers.MeasureReported,
	} {
		rooms.links.On(kind, func(ctx context.Context, tx *store.Tx, in link.Received) error {
			return take(ctx, tx, answer.Received(in))
		})
	}
}

// expected is how a board shows a node: by its card. The error is fault.NotFound
// for one that is not known.
func (a *allianceRooms) expected(ctx context.Context, tx *store.Tx, node alliance.NodeID) (answer.Expected, error) {
	card, err := a.members.Card(ctx, tx, node)
	if err != nil {
		return answer.Expected{}, err
	}
	e := expectedOf(&card)
	way, err := a.members.Way(ctx, tx, node)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return e, err
	}
	if way != node {
		e.Via = way
	}
	return e, nil
}

func expectedOf(card *alliance.Card) answer.Expected {
	e := answer.Expected{Member: card.Node, Name: card.Name("en"), Linked: true}
	if len(card.Sectors) > 0 {
		e.Sector = card.Sectors[0]
	}
	if len(card.Regions) > 0 {
		e.Region = card.Regions[0]
	}
	return e
}

// runAnswers takes standing answers up and keeps them until ctx ends.
func (r *running) runAnswers(ctx context.Context) error {
	if err := r.answers.Begin(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("answers to warnings: %w", err)
	}
	return r.answers.Run(ctx)
}

// asked hands on what answers a warning. The room is not there before the node is.
func (r *running) asked(f node.AskedFinding) {
	r.answers.Hit(answer.Seen{Warning: f.Warning, Question: f.Question, Host: f.Host, Time: f.Time})
}

// warningSets begins the names of the sets that warnings bring: their indicators
// and rules, as long as they are open.
const warningSets = "warning-"

func warningSet(w *alliance.Warning) string { return warningSets + strings.ToLower(w.ID) }

// watchWarnings makes the node watch for what open warnings ask, and keeps what is
// installed the same: a set each of indicators and rules, named after the warning.
func (r *running) watchWarnings(_ context.Context, open []answer.Watching) error {
	indicators, library := r.console.indicators(), r.library()
	wanted, seek := map[string]*alliance.Warning{}, map[string]*brought{}
	asking := make([]node.Asking, 0, len(open))
	for _, w := range open {
		rest := w.Rest()
		wanted[warningSet(rest)] = rest
		if len(rest.Indicators) > 0 {
			seek[warningSet(rest)] = &brought{
				origin: originOf(rest), source: string(rest.Author), label: "warning " + rest.Number, marking: rest.Marking,
				indicators: func() ([]alliance.Indicator, error) { return rest.Indicators, nil },
			}
		}
		asking = append(asking, node.Asking{Warning: w.Warning, Held: w.Held})
	}
	if err := errors.Join(keepBrought(indicators, warningSets, seek), r.watchRules(library, wanted)); err != nil {
		return fmt.Errorf("watch what warnings ask: %w", err)
	}
	if err := r.indicators.refresh(); err != nil {
		return err
	}
	return r.node.Ask(asking)
}

// originOf says where a set comes from; another revision is another origin.
func originOf(w *alliance.Warning) string {
	return fmt.Sprintf("warning %s, revision %d", w.Number, w.Revision)
}

func (r *running) watchRules(all *knowledge.Library, wanted map[string]*alliance.Warning) error {
	sets, err := all.Sets()
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, s := range sets {
		w := wanted[s.Name]
		switch {
		case !strings.HasPrefix(s.Name, warningSets):
			continue
		case w == nil || len(w.Rules) == 0:
			if err := all.Remove(s.Name); err != nil && !errors.Is(err, fault.NotFound) {
				return err
			}
		default:
			have[s.Name] = s.Current.Origin == originOf(w)
		}
	}
	for name, w := range wanted {
		if have[name] || len(w.Rules) == 0 {
			continue
		}
		if err := installRules(all, name, w); err != nil {
			r.log.Error("the rules of a warning cannot be installed", slog.String("warning", w.Number), slog.Any("error", err))
		}
	}
	return nil
}

// installRules puts a warning's rules into the library.
func installRules(all *knowledge.Library, name string, w *alliance.Warning) (err error) {
	folder, err := os.MkdirTemp("", "tocsin-rules-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	for i := range w.Rules {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("rule-%04d.yml", i)), []byte(w.Rules[i].Text), 0o600); err != nil {
			return err
		}
	}
	from, err := knowledge.FromPath(folder, originOf(w))
	if err != nil {
		return err
	}
	_, err = all.Install(name, from, time.Now(), func(folder string) (int, error) { return len(sigma.Load(folder).Rules), nil })
	return err
}

// ownSets are the sets of rules that warnings did not bring: those are watched for
// apart, so that a warning does not make correlations forget.
func ownSets(sets []knowledge.Set) []knowledge.Set {
	return slices.DeleteFunc(sets, func(s knowledge.Set) bool { return strings.HasPrefix(s.Name, warningSets) })
}

// tellAnswer posts what people must be told.
func (r *running) tellAnswer(ctx context.Context, tx *store.Tx, n *answer.Notice) error {
	m := notify.Message{Event: string(n.Kind), About: n.Warning, To: []notify.Address{notify.To(toDuty, "")}}
	name := fmt.Sprintf("warning %s (%s)", n.Number, n.Title)
	due := n.Due.UTC().Format("2006-01-02 15:04 MST")
	switch n.Kind {
	case answer.ReleaseWaits:
		m.Title = "Say what is released: the answer to warning " + n.Number
		m.Text = fmt.Sprintf("The answer to %s is ready and waits for you until %s.\n'tocsin answer show %s' shows what would leave, 'tocsin answer release %s' decides.\n", name, due, n.Number, n.Number)
	case answer.MeasureOverdue:
		m.Title = "Overdue: " + n.Measure
		m.Text = fmt.Sprintf("A measure that %s demands was due at %s and is neither done nor refused", name, due)
		if n.Name != "" {
			m.Text += " by " + n.Name
		}
		m.Text += ": " + n.Measure + "\n"
	case answer.MemberEscalated:
		m.Title = n.Name + " is silent on warning " + n.Number + ": call"
		phones, err := r.phones(ctx, tx, n.Member)
		if err != nil {
			return err
		}
		m.Text = fmt.Sprintf("%s was asked by %s, was reminded, and has not answered. Call:\n%s\nWhat is told there: 'tocsin warn told %s %s VERDICT --by NAME'.\n", n.Name, name, phones, n.Number, n.Member)
	case answer.MemberBlind:
		m.Title = n.Name + " counts as blind on warning " + n.Number
		m.Text = fmt.Sprintf("%s has not answered %s however it was asked.\n", n.Name, name)
	case answer.MemberReminded, answer.FormLink:
		return r.mailAnswer(ctx, tx, n)
	}
	_, err := r.telling.Post(ctx, tx, m)
	return err
}

// phones are where a member's people on duty can be called, in the order in which to
// try.
func (r *running) phones(ctx context.Context, tx *store.Tx, node alliance.NodeID) (string, error) {
	all, err := r.alliance.members.Phones(ctx, tx, node)
	if err != nil || len(all) == 0 {
		return "No telephone of it is known.", err
	}
	var b strings.Builder
	for _, p := range all {
		fmt.Fprintf(&b, "%s  %s %s\n", p.Phone, p.Name, p.Note)
	}
	return b.String(), nil
}

// answering is what the room of warnings hands on to the room of answers.
func (r *running) answering() warningHooks {
	return warningHooks{
		appended: func(ctx context.Context, tx *store.Tx, e *envelope.Envelope) error {
			return r.warningIssued(ctx, tx, e)
		},
		arrived: func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, in warning.Message) error {
			return r.warningArrived(ctx, tx, b, answer.Received(in))
		},
		carried: func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, in warning.Message) error {
			return r.expectAnswers(ctx, tx, b, in.Header.ID, in.From)
		},
		joined: func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, e *envelope.Envelope) error {
			h, err := e.Open()
			if err != nil {
				return err
			}
			return r.expectAnswers(ctx, tx, b, h.ID, "")
		},
		mailed: func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, w *alliance.Warning, to []warning.Recipient) error {
			return r.mailWarning(ctx, tx, b, w, to)
		},
		inForce: func(ctx context.Context, tx *store.Tx, w *alliance.Warning, held []int) error {
			return r.answers.Hold(ctx, tx, w.ID, held)
		},
	}
}

// warningArrived is for the room of warnings to tell of every bulletin that changes
// how a warning stands here: it is answered, and those below are expected to.
func (r *running) warningArrived(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, in answer.Received) error {
	if err := r.answers.Arrived(ctx, tx, in, b); err != nil {
		return err
	}
	kind, err := transparency.KindOf(b.Change)
	if err != nil {
		return err
	}
	if err := r.expectInLog(ctx, tx, kind, &in); err != nil {
		return err
	}
	return r.expectAnswers(ctx, tx, b, in.Header.ID, in.From)
}

// warningIssued is for the room of warnings to tell of every message of ours: it is
// entered in the log, and opens the board.
func (r *running) warningIssued(ctx context.Context, tx *store.Tx, e *envelope.Envelope) error {
	h, err := e.Open()
	if err != nil || h.Kind != alliance.WarningKind {
		return err
	}
	var b alliance.Bulletin
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return fmt.Errorf("bulletin %s: %w", h.ID, err)
	}
	kind, err := transparency.KindOf(b.Change)
	if err != nil {
		return err
	}
	if err := r.logged(ctx, tx, kind, e); err != nil {
		return err
	}
	return r.expectAnswers(ctx, tx, &b, h.ID, "")
}

// expectAnswers puts those on the board whom a bulletin reaches from here.
func (r *running) expectAnswers(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, message string, uplink alliance.NodeID) error {
	if b.Change.Ends() || b.Content == nil {
		return r.answers.Closed(ctx, tx, b.Warning)
	}
	w := b.Content
	reach, err := r.alliance.members.Recipients(ctx, tx, w.Marking, w.Scope, w.Author)
	if err != nil {
		return err
	}
	q := answer.Asking{Warning: w, Message: message, Uplink: uplink, Peers: r.config.Alliance.TotalsForMembers}
	for i := range reach.Direct {
		q.Members = append(q.Members, expectedOf(&reach.Direct[i].Card))
	}
	for i := range reach.ByMail {
		e := expectedOf(&reach.ByMail[i].Card)
		e.Linked = false
		q.Members = append(q.Members, e)
	}
	if len(q.Members) == 0 && len(reach.Via) == 0 {
		return nil // nobody is below
	}
	return r.answers.Asked(ctx, tx, q)
}
