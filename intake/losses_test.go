package intake_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/intake"
)

// losses lists of which sources the memory was told that something was lost, and
// when.
func (j *journal) losses() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []string
	for _, b := range j.blocks {
		if at, ok := b.Loss(); ok {
			list = append(list, b.Source.Name+" "+at.Format("15h"))
		}
	}
	slices.Sort(list)
	return list
}

// What was refused or lost is told to the memory, once for each hour and source,
// also when there was no room at first.
func TestMemoryIsToldOfLosses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, intake.Config{Limits: intake.Limits{SourceEvents: 1000}})
		stop := s.run(t)
		bulk := func(index string, n int) {
			s.ask(http.MethodPost, "/_bulk", strings.Repeat("{\"create\":{\"_index\":\""+index+"\"}}\n{}\n", n))
		}
		bulk("a", 1)
		bulk("b", 1)
		s.ask(http.MethodPost, "/api/v1/events?source=c", "{}\n")
		time.Sleep(2 * time.Second)
		if got := s.journal.losses(); len(got) > 0 {
			t.Errorf("nothing was lost: %q", got)
		}
		s.journal.fill(true)
		bulk("a", 1) // at midnight, in the bubble
		time.Sleep(2 * time.Second)
		s.journal.fill(false)
		time.Sleep(2 * time.Second)
		if got, want := s.journal.losses(), []string{"bulk/dc01/a 00h"}; !slices.Equal(got, want) {
			t.Errorf("refused for want of room: %q, want %q", got, want)
		}
		time.Sleep(time.Hour)
		s.ask(http.MethodPost, "/api/v1/events?source=c", "{}\nno object\n")
		s.ask(http.MethodPost, "/api/v1/events?source=c", "{}\nno object\n")
		time.Sleep(2 * time.Second)
		want := []string{"bulk/dc01/a 00h", "events/dc01/c 01h"}
		if got := s.journal.losses(); !slices.Equal(got, want) {
			t.Errorf("a record that is none: %q, want %q", got, want)
		}
		time.Sleep(time.Hour)
		s.ask(http.MethodPost, "/_bulk", "nonsense\n") // of whatever source of this sender
		stop()
		want = append(want, "bulk/dc01/a 02h", "bulk/dc01/b 02h", "events/dc01/c 02h")
		slices.Sort(want)
		if got := s.journal.losses(); !slices.Equal(got, want) {
			t.Errorf("a request that is none: %q, want %q", got, want)
		}
	})
}
