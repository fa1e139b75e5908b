package knowledge_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"tocsin/intel/pack"
	"tocsin/knowledge"
)

// Two that change indicators in one process take turns: none is refused.
func TestWritersOfOneProcessTakeTurns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			b := pack.NewBuilder()
			b.Part(0).Close()
			if _, err := knowledge.OpenIndicators(dir).Add(knowledge.IndicatorSet{Name: fmt.Sprintf("set-%d", n)}, b.Pack(), time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
