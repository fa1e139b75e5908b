package incident

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Raised is what became of findings.
type Raised struct {
	New        int        `json:"new"`        // alerts
	Grown      int        `json:"grown"`      // alerts that were there
	Known      int        `json:"known"`      // findings that had arrived before
	Suppressed int        `json:"suppressed"` // findings that a suppression kept back
	Opened     []Incident `json:"opened,omitempty"`
}

// Raise groups findings into alerts, by rule, host and time, and opens incidents
// where a playbook says so: all of them or none. A finding that arrives twice
// counts once. The error is fault.Invalid for one that will not do.
func (r *Register) Raise(ctx context.Context, who Who, findings []Finding) (Raised, error) {
	return r.raiseAll(ctx, who, findings, func(context.Context, *store.Tx) error { return nil })
}

// raiseAll raises findings and does something with them, in one transaction.
func (r *Register) raiseAll(ctx context.Context, who Who, findings []Finding, also func(context.Context, *store.Tx) error) (raised Raised, err error) {
	if len(findings) > maxRaise {
		return Raised{}, fmt.Errorf("%d findings; at most %d at once: %w", len(findings), maxRaise, fault.Invalid)
	}
	for k := range findings {
		if err := findings[k].check(); err != nil {
			return Raised{}, err
		}
	}
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		raised = Raised{}
		for k := range findings {
			if err := r.raise(ctx, tx, who, &findings[k], &raised); err != nil {
				return err
			}
		}
		return also(ctx, tx)
	})
	return raised, err
}

func (r *Register) raise(ctx context.Context, tx *store.Tx, who Who, f *Finding, raised *Raised) error {
	now := r.now()
	if f.At.IsZero() || f.At.After(now.Add(aheadAllowed)) {
		f.At = now // what has no time, or a clock that is ahead, happened when it came
	}
	f.At = f.At.UTC().Truncate(time.Microsecond)
	suppressed, err := countSuppressed(ctx, tx, f, now)
	if err != nil {
		return err
	}
	if suppressed {
		raised.Suppressed++
		return nil
	}
	a, found, err := selectTaking(ctx, tx, f.group(), f.At.Add(-alertWindow), f.At.Add(alertWindow))
	if err != nil {
		return err
	}
	if !found {
		a = Alert{ID: r.ids.Next(now), Rule: f.Rule, Host: f.Host, First: f.At, Last: f.At, State: AlertNew, Raised: now}
	}
	added, err := insertFinding(ctx, tx, a.ID, f, a.Findings < findingsShown)
	if err != nil {
		return err
	}
	if !added {
		raised.Known++
		return nil
	}
	a.takes(f, now)
	if found {
		raised.Grown++
		err = updateAlert(ctx, tx, &a)
	} else {
		raised.New++
		err = insertAlert(ctx, tx, &a, f.group())
	}
	if err != nil || a.Incident != "" {
		return err
	}
	return r.play(ctx, tx, who, &a, raised)
}

// takes counts a finding.
func (a *Alert) takes(f *Finding, now time.Time) {
	a.Findings++
	a.Title, a.Severity = cmp.Or(f.Title, a.Rule), max(a.Severity, f.Severity)
	if f.At.Before(a.First) {
		a.First = f.At
	}
	if f.At.After(a.Last) {
		a.Last = f.At
	}
	a.Changed, a.Version = now, a.Version+1
}

// play gives an alert to an incident where a playbook says so: the first that
// does.
func (r *Register) play(ctx context.Context, tx *store.Tx, who Who, a *Alert, raised *Raised) error {
	for k := range r.config.Playbooks {
		p := &r.config.Playbooks[k]
		if !p.When.matches(a) {
			continue
		}
		taken, err := r.playOn(ctx, tx, who, p, a)
		if err != nil || taken {
			return wrapPlay(p, err)
		}
		i, err := r.playOpen(ctx, tx, who, p, a)
		if err != nil {
			return wrapPlay(p, err)
		}
		raised.Opened = append(raised.Opened, i)
		return nil
	}
	return nil
}

func wrapPlay(p *Playbook, err error) error {
	if err != nil {
		return fmt.Errorf("playbook %s: %w", p.ID, err)
	}
	return nil
}

// playedWindow is how long after its last alert an incident that a playbook opened
// takes further ones: what spreads is one case, on however many hosts.
const playedWindow = 24 * time.Hour

// played is the incident that a playbook opened last, and when an alert last came
// to it.
type played struct {
	incident string
	at       time.Time
}

// playOn gives an alert to the incident that the playbook opened last, if that is
// still worked on.
func (r *Register) playOn(ctx context.Context, tx *store.Tx, who Who, p *Playbook, a *Alert) (taken bool, err error) {
	last, ok, err := selectPlayed(ctx, tx, p.ID)
	if err != nil || !ok || p.Each || r.now().Sub(last.at) > playedWindow {
		return false, err
	}
	i, err := r.get(ctx, tx, last.incident)
	if err != nil || !i.State.Open() {
		return false, err
	}
	if _, err := r.changeIn(ctx, tx, Change{Who: who, Incident: i.ID}, func(ctx context.Context, tx *store.Tx, n *Incident) error {
		return r.promote(ctx, tx, who, n, []*Alert{a})
	}); err != nil {
		return false, err
	}
	last.at = r.now()
	return true, upsertPlayed(ctx, tx, p.ID, last)
}

// playOpen opens an incident for an alert, with the playbook's tasks.
func (r *Register) playOpen(ctx context.Context, tx *store.Tx, who Who, p *Playbook, a *Alert) (Incident, error) {
	i, err := r.openFor(ctx, tx, who, p.draft(a), []*Alert{a})
	if err != nil {
		return i, err
	}
	for _, t := range p.Tasks {
		task := Task{Title: t.Title, Detail: t.Detail, Assignee: t.Assignee, Duty: "playbook:" + p.ID + ":" + t.Title}
		if t.Within > 0 {
			task.Due = i.Opened.Add(t.Within)
		}
		c := Change{Who: who, Incident: i.ID}
		if i, err = r.changeIn(ctx, tx, c, func(ctx context.Context, tx *store.Tx, n *Incident) error {
			return r.AddTaskIn(ctx, tx, who, n, task)
		}); err != nil {
			return i, err
		}
	}
	return i, upsertPlayed(ctx, tx, p.ID, played{i.ID, r.now()})
}

func (p *Playbook) draft(a *Alert) Draft {
	return Draft{
		Title: cmp.Or(p.Incident.Title, a.Title), Category: p.Incident.Category, Owner: p.Incident.Owner, Origin: ByPlaybook,
		Summary: fmt.Sprintf("Opened by the playbook %q because of %q on %s.", p.ID, a.Title, cmp.Or(a.Host, "a host that is not named")),
	}
}

// openFor opens an incident for alerts, which are promoted.
func (r *Register) openFor(ctx context.Context, tx *store.Tx, who Who, d Draft, alerts []*Alert) (Incident, error) {
	d.Title = shorten(d.Title, maxTitle)
	stated, err := r.readDraft(&d)
	if err != nil {
		return Incident{}, err
	}
	i, opened, err := r.open(ctx, tx, who, &d, stated)
	if err != nil || !opened {
		return i, err
	}
	return r.changeIn(ctx, tx, Change{Who: who, Incident: i.ID}, func(ctx context.Context, tx *store.Tx, n *Incident) error {
		return r.promote(ctx, tx, who, n, alerts)
	})
}

// promote gives alerts to an incident under change.
func (r *Register) promote(ctx context.Context, tx *store.Tx, who Who, i *Incident, alerts []*Alert) error {
	now := r.now()
	for _, a := range alerts {
		a.State, a.Incident, a.Changed, a.Version = AlertPromoted, i.ID, now, a.Version+1
		if err := updateAlert(ctx, tx, a); err != nil {
			return err
		}
		count := "1 finding"
		if a.Findings != 1 {
			count = fmt.Sprintf("%d findings", a.Findings)
		}
		words := fmt.Sprintf("alert %q on %s: %s from %s to %s", a.Title, cmp.Or(a.Host, "a host that is not named"),
			count, a.First.Format(time.RFC3339), a.Last.Format(time.RFC3339))
		if err := r.tell(ctx, tx, Change{Who: who}, i, &Entry{Kind: EntryAlert, At: a.First, Text: words, Data: object("alert", a.ID)}); err != nil {
			return err
		}
		if a.Host != "" {
			if _, err := insertAsset(ctx, tx, i.ID, &Asset{Kind: "host", Name: a.Host, By: who.Name, Added: now}); err != nil {
				return err
			}
		}
	}
	return nil
}

// shorten cuts a text to so many bytes, between letters.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}
