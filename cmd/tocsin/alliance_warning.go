package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/alliance/member"
	"tocsin/alliance/transparency"
	"tocsin/alliance/warning"
	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/internal/store"
	"tocsin/internal/timer"
	"tocsin/memory"
	"tocsin/node"
	"tocsin/plan"
)

// warningHooks is what other rooms do about warnings. Its zero value is that of a
// node where those rooms are not there.
type warningHooks struct {
	// appended writes a message of ours into the log.
	appended func(context.Context, *store.Tx, *envelope.Envelope) error
	// mailed tells members without a node.
	mailed func(context.Context, *store.Tx, *alliance.Bulletin, *alliance.Warning, []warning.Recipient) error
	// arrived is told of bulletins, inForce of what is to be watched for and what of
	// it is held, withdrawn of what is not any more.
	arrived func(context.Context, *store.Tx, *alliance.Bulletin, warning.Message) error
	// carried is told of bulletins for others, which are only passed on, and joined of
	// ours that went to some who came later.
	carried   func(context.Context, *store.Tx, *alliance.Bulletin, warning.Message) error
	joined    func(context.Context, *store.Tx, *alliance.Bulletin, *envelope.Envelope) error
	inForce   func(context.Context, *store.Tx, *alliance.Warning, []int) error
	withdrawn func(context.Context, *store.Tx, string, alliance.Change) error
}

// warningRooms are a node's warnings and those that arrive.
type warningRooms struct {
	desk  *warning.Desk
	inbox *warning.Inbox
}

// kinds are those of their timers, and join hands those over.
func (w *warningRooms) kinds() map[string]timer.Kind { return warning.Kinds(w.desk, w.inbox) }

func (w *warningRooms) join(timers *timer.Timers) {
	w.desk.Join(timers)
	w.inbox.Join(timers)
}

// openWarnings opens them over the rooms of the alliance. Their timers must be known
// before the timers are made.
func (r *running) openWarnings(flags *indicatorFlags, hooks warningHooks) error {
	lists, err := flags.warnings()
	if err != nil {
		return usageError{err}
	}
	p, a := r.people, r.alliance
	recipients := func(ctx context.Context, tx *store.Tx, author alliance.NodeID, marking intel.Marking, scope alliance.Scope) (warning.Reach, error) {
		reach, err := a.members.Recipients(ctx, tx, marking, scope, author)
		if err != nil {
			return warning.Reach{}, err
		}
		return r.reached(ctx, tx, &reach)
	}
	tell := func(ctx context.Context, tx *store.Tx, n warning.Notice) error { return r.telling.warning(ctx, tx, &n) }
	r.warnings = &warningRooms{}
	r.warnings.desk = warning.NewDesk(warning.Config{
		DB: p.db, Trail: p.trail, Identity: a.identity, Send: a.links.Send, Recipients: recipients, Append: r.appending(hooks.appended), Mail: hooks.mailed,
		Joined: hooks.joined,
		Tell:   tell, Benign: lists.Names, CheckRule: checkRule, Rulings: r.rulings, Name: r.nameOf,
		Owners: func(ctx context.Context, tx *store.Tx, all []intel.Observable) (map[alliance.NodeID][]intel.Observable, error) {
			owners, err := a.members.Owners(ctx, tx, all)
			return owners.ByMember, err
		},
	})
	in := warning.InboxConfig{
		DB: p.db, Trail: p.trail, Identity: a.identity, Recipients: recipients, Send: a.links.Send, Mail: hooks.mailed, Tell: tell, Desk: r.warnings.desk,
		Forward: func(ctx context.Context, tx *store.Tx, in warning.Message, to ...alliance.NodeID) error {
			return a.links.Forward(ctx, tx, link.Received(in), to...)
		},
		Uplink: func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (bool, error) {
			role, active, err := a.members.Neighbour(ctx, tx, node)
			return active && role == member.Up, err
		},
		Named: func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (bool, error) {
			m, err := a.members.Member(ctx, tx, node)
			if errors.Is(err, fault.NotFound) {
				return true, nil // it is behind a member of ours, which named it
			}
			return m.Listing == member.Listed, err
		},
		DryRun: r.dryRun, InForce: hooks.inForce, Withdraw: hooks.withdrawn, Arrived: hooks.arrived, Carried: hooks.carried, Duties: r.warnedDuties, Roster: r.rosterNeed,
	}
	r.warnings.inbox = warning.NewInbox(in)
	for kind, handle := range map[string]func(context.Context, *store.Tx, warning.Message) error{
		alliance.WarningKind: r.warnings.inbox.Handle, warning.WithdrawnKind: r.warnings.inbox.Replied, warning.SuspendedKind: r.warnings.inbox.Replied,
		warning.AddressesKind: r.warnings.inbox.Addresses,
	} {
		a.links.On(kind, func(ctx context.Context, tx *store.Tx, in link.Received) error {
			return handle(ctx, tx, warning.Message(in))
		})
	}
	return nil
}

// warnLate hands what is in force to nodes below that were not there when it was
// issued.
func (r *running) warnLate(ctx context.Context, tx *store.Tx, nodes ...alliance.NodeID) error {
	if err := r.warnings.desk.Reached(ctx, tx, nodes...); err != nil {
		return err
	}
	return r.warnings.inbox.Reached(ctx, tx, nodes...)
}

// appending has every message of ours written into the log that cannot be rewritten,
// and tells the other rooms of it.
func (r *running) appending(also func(context.Context, *store.Tx, *envelope.Envelope) error) func(context.Context, *store.Tx, *envelope.Envelope) error {
	return func(ctx context.Context, tx *store.Tx, e *envelope.Envelope) error {
		h, err := e.Open()
		if err != nil {
			return err
		}
		var b alliance.Bulletin
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return fmt.Errorf("bulletin %s: %w", h.ID, err)
		}
		entry := transparency.Entry{Time: b.At, Envelope: transparency.DigestOf(e.Header)}
		if entry.Kind, err = transparency.KindOf(b.Change); err != nil {
			return err
		}
		if b.Revision > 1 {
			first, err := r.warnings.desk.First(ctx, tx, b.Warning)
			if err != nil {
				return err
			}
			entry.About = transparency.DigestOf(first.Header)
		}
		if _, err := r.transparency.Own.Append(ctx, tx, entry); err != nil {
			return err
		}
		if also == nil {
			return nil
		}
		return also(ctx, tx, e)
	}
}

// reached is whom the register reaches in the words of the room of warnings.
func (r *running) reached(ctx context.Context, tx *store.Tx, from *member.Reach) (warning.Reach, error) {
	var to warning.Reach
	for k := range from.Direct {
		to.To = append(to.To, warning.Recipient{Node: from.Direct[k].Node, Name: from.Direct[k].Card.Name("en")})
	}
	for _, via := range slices.Sorted(maps.Keys(from.Via)) {
		to.Carriers = append(to.Carriers, via)
		for _, node := range from.Via[via] {
			name, err := r.nameOf(ctx, tx, node)
			if err != nil {
				return to, err
			}
			to.To = append(to.To, warning.Recipient{Node: node, Name: name, Via: via})
		}
	}
	for k := range from.ByMail {
		to.ByMail = append(to.ByMail, warning.Recipient{Node: from.ByMail[k].Node, Name: from.ByMail[k].Card.Name("en")})
	}
	for _, left := range from.Left {
		to.Left = append(to.Left, warning.Left{Recipient: warning.Recipient{Node: left.Node, Name: left.Name}, Reason: left.Reason})
	}
	return to, nil
}

// nameOf is what a node calls itself.
func (r *running) nameOf(ctx context.Context, tx *store.Tx, node alliance.NodeID) (string, error) {
	card, err := r.alliance.members.Card(ctx, tx, node)
	if errors.Is(err, fault.NotFound) {
		return string(node), nil
	}
	return card.Name("en"), err
}

// checkRule says what is wrong with a rule.
func checkRule(text string) error {
	file, err := sigma.Parse("rule", []byte(text))
	if err != nil {
		return err
	}
	if len(file.Rules) != 1 {
		return fmt.Errorf("it holds %d rules that can be matched; one is wanted", len(file.Rules))
	}
	return nil
}

// rulings say what the regimes that bind us say of our issuing a colour.
func (r *running) rulings(ctx context.Context, colour alliance.Colour) ([]warning.Ruling, error) {
	described, err := r.incidents.office.Organisation(ctx)
	if errors.Is(err, fault.NotFound) {
		return nil, nil // nobody said who we are: no regime is known to bind
	}
	if err != nil {
		return nil, err
	}
	var all []warning.Ruling
	for _, m := range plan.WhoMayWarn(r.incidents.office.Library(), described.Organisation, string(colour), time.Now()) {
		all = append(all, warning.Ruling{Regime: m.Regime, IssuedBy: m.IssuedBy.EN, May: m.May.String(), Unconfirmed: !m.Confirmed})
	}
	return all, nil
}

// warnedDuties is what the regimes that bind us oblige us to under a warning.
func (r *running) warnedDuties(ctx context.Context, tx *store.Tx, w *alliance.Warning) ([]warning.Duty, error) {
	organisation, err := r.incidents.office.OrganisationIn(ctx, tx)
	if err != nil || organisation == nil {
		return nil, err
	}
	var all []warning.Duty
	for _, d := range plan.WarnedDuties(r.incidents.office.Library(), organisation, string(w.Colour), time.Now()) {
		one := warning.Duty{Name: d.Regime + "/" + d.ID, Who: d.Who.EN, Task: d.Text.EN, Mark: d.Mark, Roster: d.Roster}
		if d.Unsure {
			one.Task += " (whether it is owed depends on what the organisation does not say of itself)"
		}
		all = append(all, one)
	}
	return all, nil
}

// rosterNeed has whoever keeps the roster told that a warning asks for duty around
// the clock.
func (r *running) rosterNeed(ctx context.Context, tx *store.Tx, n warning.RosterNeed) error {
	m := warning.Notice{
		Key: fmt.Sprintf("roster/%s/%s/%t/%d", n.Warning, n.Colour, n.Over, n.Since.UnixMicro()), Kind: "roster", Warning: n.Warning, Number: n.Number,
		Colour: n.Colour, To: []string{"commander"},
		Subject: fmt.Sprintf("[%s] %s warning: duty around the clock", n.Number, n.Colour),
		Text: fmt.Sprintf("Warning %s (%s) asks for: %s\n\nWhat to do: see that the roster has nobody missing ('tocsin roster show' lists the gaps), and add shifts.\n",
			n.Number, n.Colour, n.Task),
	}
	if n.Over {
		m.Subject = fmt.Sprintf("[%s] duty around the clock is not asked for any more", n.Number)
		m.Text = fmt.Sprintf("Warning %s (%s) does not ask for this any more: %s\n", n.Number, n.Colour, n.Task)
	}
	return r.telling.warning(ctx, tx, &m)
}

// warning posts what people must be told of a warning.
func (t *telling) warning(ctx context.Context, tx *store.Tx, n *warning.Notice) error {
	sum := sha256.Sum256([]byte(n.Key))
	m := notify.Message{ID: "warning-" + hex.EncodeToString(sum[:16]), Event: "warning." + string(n.Kind), About: "warning " + n.Warning, Title: n.Subject, Text: n.Text}
	for _, role := range n.To {
		m.To = append(m.To, noticeAddress(role))
	}
	_, err := t.Post(ctx, tx, m)
	return err
}

// dryRun tries what a warning asks over what is remembered. Only a question that was
// seen more often in the whole time than is let through in an hour is looked at hour
// by hour; where its hours are not remembered, its worst is taken to be the mean.
func (r *running) dryRun(ctx context.Context, w *alliance.Warning, since time.Time) ([]warning.Load, error) {
	hunt := node.Hunt{Since: since}
	var of []int
	for k := range w.Indicators {
		i := &w.Indicators[k]
		if i.Match == intel.MatchOrdinary || i.Match == intel.MatchExactly {
			hunt.Questions = append(hunt.Questions, memory.Question{Text: i.Value, Observable: intel.Observable{Kind: i.Kind, Value: i.Value}})
			of = append(of, k)
		}
	}
	for k := range w.Rules {
		if checkRule(w.Rules[k].Text) == nil {
			hunt.Questions = append(hunt.Questions, memory.Question{Text: w.Rules[k].ID, Rule: w.Rules[k].Text})
			of = append(of, len(w.Indicators)+k)
		}
	}
	if len(hunt.Questions) == 0 {
		return nil, nil
	}
	hunted, err := r.hunts(ctx, hunt)
	if err != nil {
		return nil, err
	}
	var loads []warning.Load
	var often node.Hunt
	var which []int
	for k, answer := range hunted.Answers {
		switch {
		case answer.Count <= warning.FloodAt:
		case answer.Estimated:
			loads = append(loads, warning.Load{Question: of[k], Hits: answer.Count / 24})
		default:
			often.Questions, which = append(often.Questions, hunt.Questions[k]), append(which, of[k])
		}
	}
	worst, err := r.byHour(ctx, often, since)
	for k, hits := range worst {
		loads = append(loads, warning.Load{Question: which[k], Hits: hits})
	}
	return loads, err
}

// byHour is how often each question was seen in its worst hour.
func (r *running) byHour(ctx context.Context, h node.Hunt, since time.Time) ([]uint64, error) {
	worst := make([]uint64, len(h.Questions))
	if len(worst) == 0 {
		return worst, nil
	}
	for from := since; from.Before(time.Now()); from = from.Add(time.Hour) {
		h.Since, h.Until = from, from.Add(time.Hour)
		hunted, err := r.hunts(ctx, h)
		if err != nil {
			return nil, err
		}
		for k, answer := range hunted.Answers {
			hits := answer.Count
			if answer.Estimated {
				hits /= 24
			}
			worst[k] = max(worst[k], hits)
		}
	}
	return worst, nil
}

// hunts asks the memory of all workers, where several share the work.
func (r *running) hunts(ctx context.Context, h node.Hunt) (node.Hunted, error) {
	if all := r.hunt(); all != nil {
		return all(ctx, h)
	}
	return r.node.Hunt(ctx, h)
}
