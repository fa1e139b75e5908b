package drill

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// The facts of WannaCry that the outbreak shows are those of public reports of
// May 2017 (US-CERT TA17-132A and the analyses it led to): names, commands,
// hashes, the domain asked for before anything else.
const killSwitch = "www.iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea.com"

// sinkholed is when somebody registered the domain and it began to answer: the
// worm that gets an answer ends itself.
var sinkholed = clock(15, 3)

// sinkhole is the address it then answered with; documentation only.
const sinkhole = "198.51.100.77"

// curve is how many machines fall in each hour: a laptop first, back from a
// journey; then all that were not patched; and one that the domain saves.
var curve = []struct{ hour, infections int }{{10, 1}, {11, 4}, {12, 6}, {13, 5}, {14, 3}, {15, 1}}

// firstFall is when the first one falls, after the hour.
const firstFall = 42 * time.Minute

// infection is one machine that the worm reached, and from which other one.
type infection struct {
	machine *machine
	at      time.Time
	from    string // address of the attacking machine
}

// outbreak adds the worm's day to the ordinary one.
func (b *book) outbreak() {
	b.dice = rand.New(rand.NewPCG(b.dice.Uint64(), 2))
	for _, i := range b.spread() {
		b.infect(i)
	}
}

// spread says who falls when, in order of time.
func (b *book) spread() []infection {
	var infections []infection
	victims := slices.DeleteFunc(slices.Clone(b.company.workstations), func(m *machine) bool { return m.patched })
	b.dice.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	from := "203.0.113.145" // the network that the laptop was in
	for _, step := range curve {
		for range step.infections {
			if len(victims) == 0 {
				return infections
			}
			at := b.within(clock(step.hour, 10), 48*time.Minute)
			if len(infections) == 0 {
				at = clock(step.hour, 0).Add(firstFall)
			}
			infections = append(infections, infection{machine: victims[0], at: at})
			victims = victims[1:]
		}
	}
	slices.SortFunc(infections, func(a, c infection) int {
		return cmp.Or(a.at.Compare(c.at), cmp.Compare(a.machine.number, c.machine.number))
	})
	for i := range infections {
		infections[i].from = from
		// The next one is attacked by one of those that have fallen.
		from = infections[b.dice.IntN(i+1)].machine.address
	}
	return infections
}
