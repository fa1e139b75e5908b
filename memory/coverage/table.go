package coverage

import (
	"context"
	"time"

	"tocsin/intel"
)

// Table is a Memory of some presences, in any order: what other ledgers told,
// joined.
type Table []intel.Presence

// Presence implements Memory.
func (t Table) Presence(ctx context.Context, since, until time.Time, want func(intel.LogSource) bool, yield func(intel.Presence) error) error {
	for _, p := range t {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := p.Day.Add(24 * time.Hour)
		if !end.After(since) || p.Day.After(until) || (want != nil && !want(p.LogSource)) {
			continue
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}
