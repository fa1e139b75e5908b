package intake

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// allowance is how many events may come a second.
type allowance struct{ limiter *rate.Limiter }

// burstSeconds is how many seconds' worth of events may come at once: shippers
// send what they gathered.
const burstSeconds = 10

func newAllowance(perSecond float64) allowance {
	if perSecond <= 0 {
		return allowance{}
	}
	return allowance{rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond*burstSeconds)))}
}

// take takes n events from the allowance. When it is used up it takes nothing
// and says how long to wait. More than fits at once counts as all that fits, so
// that no batch is refused for ever.
func (a allowance) take(now time.Time, n int) (wait time.Duration, ok bool) {
	if a.limiter == nil || n == 0 {
		return 0, true
	}
	r := a.limiter.ReserveN(now, min(n, a.limiter.Burst()))
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// limiters are allowances by token.
type limiters struct {
	perSecond float64

	mu sync.Mutex
	by map[string]allowance // guarded by mu
}

func newLimiters(perSecond float64) *limiters {
	return &limiters{perSecond: perSecond, by: map[string]allowance{}}
}

// of returns the allowance of a token. There are no more than there are tokens.
func (l *limiters) of(id string) allowance {
	if l.perSecond <= 0 {
		return allowance{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.by[id]
	if !ok {
		a = newAllowance(l.perSecond)
		l.by[id] = a
	}
	return a
}
