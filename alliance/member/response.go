package member

import (
	"context"
	"time"

	"tocsin/alliance"
	"tocsin/internal/store"
)

// Rate is how a member answered what it was asked.
type Rate struct {
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	Told     int `json:"told"`   // of those answered, by a person
	Silent   int `json:"silent"` // it was counted as silent, whether or not it answered later
	// Median is how long half of the answers took at most; 0 while there is none.
	Median time.Duration `json:"median"`
}

// Asked counts that nodes were asked by a warning; again it counts nothing.
func (r *Register) Asked(ctx context.Context, tx *store.Tx, warning string, at time.Time, nodes ...alliance.NodeID) error {
	return insertAsked(ctx, tx, warning, at, nodes)
}

// Answered counts a node's first answer to a warning. Told says that a person told
// it.
func (r *Register) Answered(ctx context.Context, tx *store.Tx, warning string, node alliance.NodeID, at time.Time, told bool) error {
	return updateAnswered(ctx, tx, warning, node, at, told)
}

// WasSilent counts that a node did not answer a warning by the time given to it.
func (r *Register) WasSilent(ctx context.Context, tx *store.Tx, warning string, node alliance.NodeID, at time.Time) error {
	return updateSilent(ctx, tx, warning, node, at)
}

// Rates returns how nodes answered warnings since a moment; of one node where it is
// not empty.
func (r *Register) Rates(ctx context.Context, tx *store.Tx, node alliance.NodeID, since time.Time) (map[alliance.NodeID]Rate, error) {
	rates := map[alliance.NodeID]Rate{}
	took := map[alliance.NodeID][]time.Duration{}
	err := eachResponse(ctx, tx, node, since, func(node alliance.NodeID, asked, answered time.Time, told, silent bool) {
		rate := rates[node]
		rate.Asked++
		if !answered.IsZero() {
			rate.Answered++
			took[node] = append(took[node], answered.Sub(asked)) // shortest first
		}
		if told {
			rate.Told++
		}
		if silent {
			rate.Silent++
		}
		rates[node] = rate
	})
	for node, all := range took {
		rate := rates[node]
		rate.Median = all[(len(all)-1)/2]
		rates[node] = rate
	}
	return rates, err
}
