package incident

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Suppression keeps findings of a rule from becoming alerts, until it expires.
type Suppression struct {
	ID         string    `json:"id"`
	Rule       string    `json:"rule"`
	Host       string    `json:"host,omitempty"` // empty for every host
	Why        string    `json:"why"`
	By         string    `json:"by"`
	Made       time.Time `json:"made"`
	Expires    time.Time `json:"expires"`
	Suppressed int64     `json:"suppressed"` // findings it kept back
}

// maxSuppression is how long one may last: what is wrong for longer is for the
// rule's filter.
const maxSuppression = 366 * 24 * time.Hour

// ClaimAlert says that somebody looks at an alert; claiming one's own again
// changes nothing. The error is fault.Conflict for one that waits no more.
func (r *Register) ClaimAlert(ctx context.Context, who Who, id string) (Alert, error) {
	return r.changeAlert(ctx, who, id, "claim", func(a *Alert) {
		a.State, a.Owner = AlertClaimed, who.Name
	})
}

// DismissAlert says that an alert is nothing to work on, and why. With quiet
// above 0 a suppression keeps the rule quiet on the host for so long.
func (r *Register) DismissAlert(ctx context.Context, who Who, id, why string, quiet time.Duration) (Alert, error) {
	if err := checkTexts(text{"reason", &why, maxText, true}); err != nil {
		return Alert{}, err
	}
	if quiet < 0 || quiet > maxSuppression {
		return Alert{}, fmt.Errorf("a suppression of %s: use up to %s: %w", quiet, maxSuppression, fault.Invalid)
	}
	var a Alert
	err := r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		a, err = r.changeAlertIn(ctx, tx, who, id, "dismiss", func(a *Alert) { a.State, a.Why = AlertDismissed, why })
		if err != nil || quiet == 0 {
			return err
		}
		return r.suppress(ctx, tx, who, Suppression{Rule: a.Rule, Host: a.Host, Why: why, Expires: r.now().Add(quiet)})
	})
	return a, err
}

// PromoteAlerts opens an incident for alerts, or with Change.Incident gives them
// to one that is there.
func (r *Register) PromoteAlerts(ctx context.Context, c Change, d Draft, ids ...string) (i Incident, err error) {
	if len(ids) == 0 || len(ids) > maxPage {
		return Incident{}, fmt.Errorf("%d alerts; promote 1 to %d at once: %w", len(ids), maxPage, fault.Invalid)
	}
	d.Origin = ByAlert
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var alerts []*Alert
		for _, id := range ids {
			a, err := r.waitingAlert(ctx, tx, id)
			if err != nil {
				return err
			}
			alerts = append(alerts, &a)
		}
		if c.Incident != "" {
			i, err = r.changeIn(ctx, tx, c, func(ctx context.Context, tx *store.Tx, n *Incident) error {
				return r.promote(ctx, tx, c.Who, n, alerts)
			})
			return err
		}
		d.Title = cmp.Or(d.Title, alerts[0].Title)
		i, err = r.openFor(ctx, tx, c.Who, d, alerts)
		return err
	})
	return i, err
}

// Alert returns an alert. The error is fault.NotFound.
func (r *Register) Alert(ctx context.Context, id string) (a Alert, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err = r.alert(ctx, tx, id)
		return err
	})
	return a, err
}

func (r *Register) alert(ctx context.Context, tx *store.Tx, id string) (Alert, error) {
	a, ok, err := selectAlert(ctx, tx, id)
	if err == nil && !ok {
		err = fmt.Errorf("alert %.80q: %w", id, fault.NotFound)
	}
	return a, err
}

// waitingAlert is an alert that can still be worked on.
func (r *Register) waitingAlert(ctx context.Context, tx *store.Tx, id string) (Alert, error) {
	a, err := r.alert(ctx, tx, id)
	if err == nil && a.State != AlertNew && a.State != AlertClaimed {
		err = fmt.Errorf("alert %s is %s: %w", id, a.State, fault.Conflict)
	}
	return a, err
}

func (r *Register) changeAlert(ctx context.Context, who Who, id, action string, do func(*Alert)) (a Alert, err error) {
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err = r.changeAlertIn(ctx, tx, who, id, action, do)
		return err
	})
	return a, err
}

func (r *Register) changeAlertIn(ctx context.Context, tx *store.Tx, who Who, id, action string, do func(*Alert)) (Alert, error) {
	a, err := r.waitingAlert(ctx, tx, id)
	if err != nil {
		return a, err
	}
	before := a
	do(&a)
	a.Changed, a.Version = r.now(), a.Version+1
	if err := updateAlert(ctx, tx, &a); err != nil {
		return before, err
	}
	return a, r.config.Trail.Record(ctx, tx, who, "alert."+action, audit.Subject{Kind: "alert", ID: a.ID}, before, a)
}

// Suppress keeps findings of a rule from becoming alerts; Rule, Host, Why and
// Expires count.
func (r *Register) Suppress(ctx context.Context, who Who, s Suppression) error {
	if err := checkTexts(text{"rule", &s.Rule, maxShort, true}, text{"host", &s.Host, maxShort, false}, text{"reason", &s.Why, maxText, true}); err != nil {
		return err
	}
	if lasts := s.Expires.Sub(r.now()); lasts <= 0 || lasts > maxSuppression {
		return fmt.Errorf("a suppression that lasts %s: use up to %s: %w", lasts.Round(time.Second), maxSuppression, fault.Invalid)
	}
	return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return r.suppress(ctx, tx, who, s) })
}

func (r *Register) suppress(ctx context.Context, tx *store.Tx, who Who, s Suppression) error {
	s.ID, s.By, s.Made = r.ids.Next(r.now()), who.Name, r.now()
	if err := insertSuppression(ctx, tx, &s); err != nil {
		return err
	}
	return r.config.Trail.Record(ctx, tx, who, "suppression.make", audit.Subject{Kind: "suppression", ID: s.ID}, nil, s)
}

// EndSuppression ends a suppression before its time.
func (r *Register) EndSuppression(ctx context.Context, who Who, id string) error {
	return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		ended, err := endSuppression(ctx, tx, id, r.now())
		if err != nil {
			return err
		}
		if !ended {
			return fmt.Errorf("no suppression %.80q is in force: %w", id, fault.NotFound)
		}
		return r.config.Trail.Record(ctx, tx, who, "suppression.end", audit.Subject{Kind: "suppression", ID: id}, nil, nil)
	})
}

// Suppressions returns those in force, and with all those that were.
func (r *Register) Suppressions(ctx context.Context, all bool) (list []Suppression, err error) {
	after := r.now()
	if all {
		after = time.Time{}
	}
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err = selectSuppressions(ctx, tx, after)
		return err
	})
	return list, err
}
