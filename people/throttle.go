package people

import (
	"fmt"
	"time"

	"tocsin/internal/fault"
)

// How often a password may be wrong before one has to wait, and how long then.
// At an account the owner's slips have to fit in; at an address those of
// everybody behind it.
const (
	accountSlips = 5
	addressSlips = 20
	firstWait    = time.Second
	longestWait  = 15 * time.Minute
	// slipsForgotten is after how long without an attempt they are forgotten.
	slipsForgotten = 24 * time.Hour
	// maxAttempts bounds how many accounts and addresses are remembered; beyond
	// it those longest unused are forgotten.
	maxAttempts = 50_000
)

// ThrottledError says that too many passwords were wrong. It is
// fault.Unavailable.
type ThrottledError struct{ Wait time.Duration }

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts: try again in %s", e.Wait.Round(time.Second))
}

// Unwrap makes the error fault.Unavailable.
func (e *ThrottledError) Unwrap() error { return fault.Unavailable }

// attempts is how often somebody tried, and when last.
type attempts struct {
	failed int
	last   time.Time
}

// wait is how long from now on no further attempt is heard.
func (a attempts) wait(slips int, now time.Time) time.Duration {
	if a.failed < slips || now.Sub(a.last) >= slipsForgotten {
		return 0
	}
	pause := longestWait
	const doublings = 10 // 1 s doubled ten times is longer than the longest
	if over := a.failed - slips; over < doublings {
		pause = min(firstWait<<over, longestWait)
	}
	return max(a.last.Add(pause).Sub(now), 0)
}

// next is what is remembered once another attempt has begun.
func (a attempts) next(now time.Time) attempts {
	if now.Sub(a.last) >= slipsForgotten {
		a.failed = 0
	}
	return attempts{a.failed + 1, now}
}
