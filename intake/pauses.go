package intake

import (
	"math"
	"time"
)

// pauses learns how long a source usually says nothing: the longest pause of
// late, which fades by half a day.
type pauses struct {
	usual time.Duration
	at    time.Time // of the last arrival
	seen  int       // arrivals so far
}

const (
	// learned is how many arrivals tell what is usual.
	learned = 20
	// shortest is the pause below which nobody wants to be told.
	shortest = time.Minute
	// tolerance is how many times longer than usual a pause must be.
	tolerance = 3
	// fading is the half-life of a long pause.
	fading = 24 * time.Hour
)

// usualAt is what is usual at a time.
func (p *pauses) usualAt(now time.Time) time.Duration {
	if p.at.IsZero() {
		return 0
	}
	return time.Duration(float64(p.usual) * math.Exp2(-float64(now.Sub(p.at))/float64(fading)))
}

func (p *pauses) limit() time.Duration { return max(shortest, tolerance*p.usual) }

// silent reports whether the pause that lasts now is longer than usual.
func (p *pauses) silent(now time.Time) bool {
	return p.seen >= learned && now.Sub(p.at) > p.limit()
}

// arrival notes that something came. It reports whether the pause before it was
// a gap, and when that began.
func (p *pauses) arrival(now time.Time) (from time.Time, gap bool) {
	from, gap = p.at, p.silent(now)
	if p.seen > 0 {
		pause := now.Sub(p.at)
		if gap {
			pause = min(pause, p.limit()) // one outage does not make the next one usual
		}
		p.usual = max(pause, p.usualAt(now))
	}
	p.at = now
	p.seen = min(p.seen+1, learned)
	return from, gap
}

// window counts records by ten seconds over a quarter of an hour.
type window struct {
	counts [windowSlots]uint64
	slot   int64 // of the newest count, in ten seconds since 1970
}

const (
	windowStep  = 10 * time.Second
	windowSlots = 91 // a quarter of an hour and the slot that is not full yet
	windowSpan  = 15 * time.Minute
)

func slotOf(at time.Time) int64 { return at.Unix() / int64(windowStep/time.Second) }

func (w *window) add(now time.Time, n int) {
	w.turn(slotOf(now))
	w.counts[w.slot%windowSlots] += uint64(n)
}

// turn empties the slots that have passed.
func (w *window) turn(slot int64) {
	if slot <= w.slot {
		return
	}
	for s := max(w.slot+1, slot-windowSlots+1); s <= slot; s++ {
		w.counts[s%windowSlots] = 0
	}
	w.slot = slot
}

// per returns records a second over the full slots of the last span.
func (w *window) per(now time.Time, span time.Duration) float64 {
	w.turn(slotOf(now))
	sum := uint64(0)
	for i := int64(1); i <= int64(span/windowStep); i++ {
		if s := w.slot - i; s >= 0 {
			sum += w.counts[s%windowSlots]
		}
	}
	return float64(sum) / span.Seconds()
}
