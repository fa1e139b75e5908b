package incident

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/store"
)

// candidates is how many incidents are looked at for one page, where several
// conditions hold of many incidents each and of few together: some milliseconds'
// worth.
const candidates = 2000

// chooser writes one question about incidents: its text goes by pieces, each of
// which takes the values it needs.
type chooser struct {
	filter *Filter
	after  string
	args   []any
}

// mark takes a value and returns what stands for it in the text.
func (c *chooser) mark(value any) string {
	c.args = append(c.args, value)
	return "$" + strconv.Itoa(len(c.args))
}

// bounds are between which identifiers a page lies, as further conditions.
func (c *chooser) bounds(column string) string {
	var text strings.Builder
	if c.after != "" {
		text.WriteString(" AND " + column + " < " + c.mark(c.after))
	}
	if !c.filter.Until.IsZero() {
		text.WriteString(" AND " + column + " < " + c.mark(store.FirstID(c.filter.Until)))
	}
	if !c.filter.Since.IsZero() {
		text.WriteString(" AND " + column + " >= " + c.mark(store.FirstID(c.filter.Since)))
	}
	return text.String()
}

// newest returns a subquery for the identifiers of the newest incidents, or of
// rows that name one, of which a condition holds.
func (c *chooser) newest(table, column, condition string, most int) string {
	return "SELECT " + column + " AS candidate FROM " + table + " WHERE " + condition + c.bounds(column) + " ORDER BY " + column + " DESC LIMIT " + c.mark(most)
}

// all writes conditions on one incident that have to hold together, as further
// ones.
func (c *chooser) all(conditions []condition) string {
	var text strings.Builder
	for k := range conditions {
		text.WriteString(" AND " + conditions[k].holds(c))
	}
	return text.String()
}

// condition is one that a filter sets, which an index answers newest first.
type condition struct {
	// newest writes the subquery for the newest incidents of which it holds.
	newest func(c *chooser, most int) string
	// holds writes it as a condition on one incident, i.
	holds func(c *chooser) string
}

// conditions returns those that the filter sets, but for its text and period.
func (f *Filter) conditions() (all []condition) {
	equal := func(asked bool, column string, value any) {
		if asked {
			all = append(all, condition{
				newest: func(c *chooser, most int) string {
					return c.newest("incident", "id", column+" = "+c.mark(value), most)
				},
				holds: func(c *chooser) string { return "i." + column + " = " + c.mark(value) },
			})
		}
	}
	equal(f.Open, "open", true)
	equal(f.Owner != "", "owner", f.Owner)
	equal(f.Category != "", "category", f.Category)
	equal(f.Level != "", "level", f.Level)
	equal(f.CrossBorder != "", "cross_border", f.CrossBorder)
	if len(f.States) > 0 {
		all = append(all, condition{f.newestInStates, f.inStates})
	}
	if o := f.Observable; o != nil {
		all = append(all, condition{
			newest: func(c *chooser, most int) string {
				return c.newest("incident_observable", "incident", "kind = "+c.mark(o.Kind.String())+" AND value = "+c.mark(o.Value), most)
			},
			holds: func(c *chooser) string {
				return "EXISTS (SELECT 1 FROM incident_observable o WHERE o.incident = i.id AND o.kind = " + c.mark(o.Kind.String()) + " AND o.value = " + c.mark(o.Value) + ")"
			},
		})
	}
	return all
}

// newestInStates asks for each state by itself, since no index has several in one
// order.
func (f *Filter) newestInStates(c *chooser, most int) string {
	var parts []string
	for _, s := range f.States {
		parts = append(parts, "SELECT candidate FROM ("+c.newest("incident", "id", "state = "+c.mark(s), most)+") s")
	}
	return "SELECT candidate FROM (" + strings.Join(parts, " UNION ALL ") + ") u ORDER BY candidate DESC LIMIT " + c.mark(most)
}

func (f *Filter) inStates(c *chooser) string {
	marks := make([]string, len(f.States))
	for k, s := range f.States {
		marks[k] = c.mark(s)
	}
	return "i.state IN (" + strings.Join(marks, ", ") + ")"
}

// selectIncidents returns a page of what a filter chooses, but for its text, and
// after which incident the next page begins. Where conditions hold of more
// incidents each than are looked at for one page, it may be shorter than asked
// although there are more: then the next goes on after those that were looked at.
func selectIncidents(ctx context.Context, tx *store.Tx, f *Filter, after string, most int) (list []Incident, next string, err error) {
	conditions := f.conditions()
	var reached looked
	switch len(conditions) {
	case 0:
		c := &chooser{filter: f, after: after}
		text := `SELECT ` + incidentColumns + ` FROM incident WHERE TRUE` + c.bounds("id") + ` ORDER BY id DESC LIMIT ` + c.mark(most+1)
		list, err = store.All(ctx, tx, scanIncident, text, c.args...)
	case 1:
		list, err = among(ctx, tx, f, after, conditions, most+1, most+1)
	default:
		if reached, err = rarest(ctx, tx, f, after, conditions); err != nil {
			return nil, "", err
		}
		list, err = among(ctx, tx, f, after, conditions, candidates, most+1)
	}
	switch {
	case len(list) > most:
		list = list[:most]
		next = list[most-1].ID
	case reached.many():
		next = reached.last
	}
	return list, next, err
}

// looked is how far candidates for one page reach.
type looked struct {
	number int64
	last   string
}

// many says that there may be more than were looked at.
func (l looked) many() bool { return l.number >= candidates }

// rarest puts the condition first whose newest candidates reach furthest back,
// and says how far that is.
func rarest(ctx context.Context, tx *store.Tx, f *Filter, after string, conditions []condition) (best looked, err error) {
	for k := range conditions {
		found, err := reach(ctx, tx, f, after, &conditions[k])
		if err != nil {
			return looked{}, err
		}
		if k == 0 || found.number < best.number || (found.number == best.number && found.last < best.last) {
			best = found
			conditions[0], conditions[k] = conditions[k], conditions[0]
		}
	}
	return best, nil
}

func reach(ctx context.Context, tx *store.Tx, f *Filter, after string, one *condition) (l looked, err error) {
	c := &chooser{filter: f, after: after}
	text := `SELECT count(*), coalesce(min(candidate), '') FROM (` + one.newest(c, candidates) + `) c`
	err = tx.QueryRow(ctx, text, c.args...).Scan(&l.number, &l.last)
	return l, err
}

// among looks through so many candidates of the first condition for incidents of
// which the others hold too. The cross join has SQLite begin with the candidates.
func among(ctx context.Context, tx *store.Tx, f *Filter, after string, conditions []condition, candidates, most int) ([]Incident, error) {
	c := &chooser{filter: f, after: after}
	text := `SELECT ` + incidentColumns + ` FROM (` + conditions[0].newest(c, candidates) + `) c CROSS JOIN incident i WHERE i.id = c.candidate` +
		c.all(conditions[1:]) + ` ORDER BY i.id DESC LIMIT ` + c.mark(most)
	return store.All(ctx, tx, scanIncident, text, c.args...)
}

// selectIncidentsOf returns those of some incidents that a filter chooses, in
// their order.
func selectIncidentsOf(ctx context.Context, tx *store.Tx, f *Filter, ids []string) ([]Incident, error) {
	c := &chooser{filter: f}
	marks := make([]string, len(ids))
	for k, id := range ids {
		marks[k] = "(" + c.mark(id) + ")"
	}
	text := `SELECT ` + incidentColumns + ` FROM (VALUES ` + strings.Join(marks, ", ") + `) c CROSS JOIN incident i WHERE i.id = c.column1` + c.bounds("i.id") + c.all(f.conditions())
	all, err := store.All(ctx, tx, scanIncident, text, c.args...)
	slices.SortFunc(all, func(a, b Incident) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	return all, err
}
