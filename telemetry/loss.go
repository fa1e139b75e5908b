package telemetry

import "time"

// reasonLost stands in a block that says that records were lost.
const reasonLost = "records were lost before they were read"

// NewLoss returns a block without records, which says that about that time
// records of a source were lost: whoever remembers what was seen must not take
// the source for one that was watching then.
func NewLoss(source string, at time.Time) *Block {
	return &Block{Source: &Source{Name: source, Written: at}, Problems: []Problem{{Reason: reasonLost, Count: 1}}, Number: 1}
}

// Loss returns when records were lost, and false for any other block.
func (b *Block) Loss() (at time.Time, ok bool) {
	ok = len(b.Data) == 0 && len(b.Problems) == 1 && b.Problems[0].Reason == reasonLost
	return b.Source.Written, ok
}
