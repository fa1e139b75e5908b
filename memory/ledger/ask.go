package ledger

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/intel"
)

// Question asks what is remembered of an observable, or with Below of all that
// it covers: a domain and every name below it, the URLs that begin with a
// prefix. An intel.IPRange always asks of all addresses in it.
//
// Since and Until bound the time; zero leaves a side open. Days are what is
// kept, so both count as the whole day, in UTC, that they fall on.
type Question struct {
	intel.Observable
	Below        bool
	Since, Until time.Time
}

func (q *Question) isRange() bool { return q.Below || q.Kind == intel.IPRange }

// remembered is the kind under which what is asked about is kept.
func (q *Question) remembered() intel.ObservableKind {
	if q.Kind == intel.IPRange {
		return intel.IPAddress
	}
	return q.Kind
}

// Answer is what is remembered of a question.
type Answer struct {
	// Seen says whether any of it was seen in the time asked about. Sightings
	// without a believable time count only where no time was asked about.
	Seen bool
	// Whole says that the time asked about holds all sightings. Where not,
	// First and Last are the beginning or end of the first and last day in it
	// unless the sightings themselves are in it, Count is an estimate in
	// proportion to the days, and the hosts are those of all time.
	Whole       bool
	First, Last time.Time
	Count       uint64
	// Days are the days, in UTC, on which it was seen.
	Days []time.Time
	// Hosts are up to HostsExact hosts on which it was seen and HostCount how
	// many there are, an estimate within some 9 % where HostsEstimated says so.
	Hosts          []string
	HostCount      uint64
	HostsEstimated bool
	// Undated counts the sightings, of all time, without a believable time.
	Undated uint64
	// Keys is how many different observables were seen, and Examples are the
	// first of them; of a question about one both say nothing new.
	Keys     uint64
	Examples []intel.Observable
	// Problem says why the answer is not the whole truth: damage on disk, a
	// question that cannot be asked, more in its range than is counted, values
	// of its kind that were erased. Seen is then still true for what was found,
	// but not seen means nothing.
	Problem string
}

const (
	// ExamplesLimit is how many observables in a range are named.
	ExamplesLimit = 16
	// scanLimit is how many observables in a range are counted, some seconds'
	// work: a question for all addresses there are must not hold up others.
	scanLimit = 10_000_000
	// askChunk is how many look-ups one goroutine does: enough that what is
	// near by each other is read once.
	askChunk = 1024
	// askAhead is how many goroutines there are for each processor: most wait
	// for the disk when the answers are not in memory.
	askAhead = 8
)

// lookup is one range or, without its end, one key that a question asks for.
type lookup struct {
	span
	question int
}

// Ask answers questions in their order. It looks them up sorted, so that many
// at once are much cheaper than each by itself. The error is of the ledger as a
// whole; what is wrong with one question or its answer is the answer's Problem.
func (l *Ledger) Ask(ctx context.Context, questions []Question) ([]Answer, error) {
	db, done, err := l.use()
	if err != nil {
		return nil, err
	}
	defer done()
	tallies := make([]tally, len(questions))
	lookups := l.lookups(questions, tallies)
	snapshot := db.NewSnapshot() // so that all goroutines see the same
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	l.lookUp(ctx, snapshot, lookups, questions, tallies)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	answers := make([]Answer, len(questions))
	for i := range tallies {
		if tallies[i].problem == "" { // asked after the snapshot was made: what is removed is noted before
			tallies[i].problem = l.problem(&questions[i])
		}
		answers[i] = tallies[i].answer(l)
	}
	return answers, err
}

// lookups returns what the questions ask for in the order of keys.
func (l *Ledger) lookups(questions []Question, tallies []tally) []lookup {
	all := make([]lookup, 0, len(questions))
	keys := make([]byte, 0, len(questions)*32)
	for i, q := range questions {
		if q.isRange() {
			s, err := spanOf(q.Observable)
			if err != nil {
				tallies[i].problem = err.Error()
				continue
			}
			all = append(all, lookup{s, i})
			if q.Kind != intel.IPRange { // the value itself, as those below it cannot be
				tallies[i].pseudonym, _ = l.pseudonymOf(appendKey(nil, q.Kind, []byte(q.Value)))
			}
			continue
		}
		at := len(keys)
		keys = appendKey(keys, q.Kind, []byte(q.Value))
		key := keys[at:len(keys):len(keys)]
		all = append(all, lookup{span{from: key}, i})
		if p, ok := l.pseudonymOf(key); ok {
			tallies[i].pseudonym = p
		}
	}
	slices.SortFunc(all, func(a, b lookup) int { return bytes.Compare(a.from, b.from) })
	return all
}

// lookUp does the look-ups, chunk by chunk in several goroutines, which it
// waits for. Each question is in one chunk only.
func (l *Ledger) lookUp(ctx context.Context, r pebble.Reader, lookups []lookup, questions []Question, tallies []tally) {
	chunks := make(chan []lookup)
	var workers sync.WaitGroup
	for range min(askAhead*runtime.GOMAXPROCS(0), len(lookups)/askChunk+1) {
		workers.Go(func() {
			for chunk := range chunks {
				s := seeker{ledger: l, reader: r}
				for i := range chunk {
					if ctx.Err() != nil {
						break
					}
					n := chunk[i].question
					s.look(ctx, &chunk[i], &questions[n], &tallies[n])
				}
				s.close()
			}
		})
	}
	for chunk := range slices.Chunk(lookups, askChunk) {
		chunks <- chunk
	}
	close(chunks)
	workers.Wait()
}

// seeker does look-ups one after another with one iterator.
type seeker struct {
	ledger *Ledger
	reader pebble.Reader
	it     *pebble.Iterator
	found  sighting
}

func (s *seeker) look(ctx context.Context, u *lookup, q *Question, t *tally) {
	err := s.open()
	if err == nil && u.to == nil {
		err = s.point(u.from, q, t)
	} else if err == nil {
		err = s.scan(ctx, u.span, q, t)
	}
	if err == nil && t.pseudonym != nil {
		err = s.point(t.pseudonym, q, t)
	}
	if err != nil {
		t.problem = s.ledger.explain(err)
		s.close() // an iterator stays in error
	}
}

func (s *seeker) open() (err error) {
	if s.it == nil {
		// The filters of the last level too: half of what is asked was never seen,
		// and would otherwise cost a block each.
		s.it, err = s.reader.NewIter(&pebble.IterOptions{UseL6Filters: true})
	}
	return err
}

func (s *seeker) close() {
	if s.it != nil {
		_ = s.it.Close() // its error has been seen by look
		s.it = nil
	}
}

func (s *seeker) point(key []byte, q *Question, t *tally) error {
	if !s.it.SeekPrefixGE(key) {
		return s.it.Error()
	}
	return s.add(q, t)
}

func (s *seeker) scan(ctx context.Context, r span, q *Question, t *tally) error {
	s.it.SetBounds(r.from, r.to)
	defer s.it.SetBounds(nil, nil)
	n := 0
	for ok := s.it.First(); ok; ok = s.it.Next() {
		if n++; n > scanLimit {
			t.problem = "more is in this range than is counted"
			return nil
		}
		if n%askChunk == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.add(q, t); err != nil {
			return err
		}
	}
	return s.it.Error()
}

// add counts the sighting that the iterator stands at.
func (s *seeker) add(q *Question, t *tally) error {
	value, err := s.it.ValueAndErr()
	if err != nil {
		return err
	}
	if err := s.found.decode(value); err != nil {
		return err
	}
	if t.add(&s.found, q) && q.isRange() && len(t.examples) < ExamplesLimit {
		if o, ok := observable(s.it.Key()); ok {
			t.examples = append(t.examples, o)
		}
	}
	return nil
}
