package main

import (
	"context"
	"time"

	"tocsin/internal/hostclock"
)

const (
	// clockOff is how far the clock may be from another's: certificates, tokens
	// and statutory clocks do not mind a few seconds.
	clockOff = 30 * time.Second
	// watchFor is how long the clock is watched for steps.
	watchFor = 200 * time.Millisecond
	// clockStep is how far a clock that is being set steps in that time.
	clockStep = 20 * time.Millisecond
)

// checkClock compares the clock with whatever else on this machine, and on the
// servers that the configuration names, says what time it is.
func checkClock(ctx context.Context, p *patient) []symptom {
	found := []symptom{steady(ctx), synchronised(), hardware(p.now)}
	if links := p.links(); len(links) > 0 {
		for _, link := range links {
			found = append(found, comparedWith(ctx, link))
		}
	} else {
		found = append(found, says(unchecked, "", "against other machines: the configuration names none that says the time"))
	}
	return found
}

// steady watches whether the clock goes as time passes.
func steady(ctx context.Context) symptom {
	before := time.Now()
	select {
	case <-time.After(watchFor):
	case <-ctx.Done():
	}
	after := time.Now()
	wall, passed := after.Round(0).Sub(before.Round(0)), after.Sub(before) // Round(0) forgets the monotonic clock
	if off := (wall - passed).Abs(); off > clockStep {
		return says(doubtful, "let a time service slew the clock instead of setting it", "the clock steps: %s in %s", off, passed.Round(time.Millisecond))
	}
	return says(fine, "", "goes evenly")
}

func synchronised() symptom {
	yes, err := hostclock.Synchronised()
	switch {
	case err != nil:
		return says(unchecked, "", "whether a time service keeps it right: %v", err)
	case !yes:
		return says(doubtful, "run a time service (chrony, systemd-timesyncd); in a container: on its host", "the system does not know of a time service that keeps it right")
	}
	return says(fine, "", "a time service keeps it right")
}

func hardware(now time.Time) symptom {
	at, err := hostclock.Hardware()
	if err != nil {
		return says(unchecked, "", "against the hardware's clock: %v", err)
	}
	return compared("the hardware's clock", now, at)
}

func comparedWith(ctx context.Context, link string) symptom {
	at, err := serverTime(ctx, link)
	if err != nil {
		return says(unchecked, "", "against %s: %v", linkName(link), err)
	}
	return compared(linkName(link), time.Now(), at)
}

func compared(what string, ours, other time.Time) symptom {
	if off := ours.Sub(other).Round(time.Second); off.Abs() > clockOff {
		return says(failed, "set the clock, and run a time service: deadlines are counted by it", "%s away from %s", off, what)
	}
	return says(fine, "", "agrees with %s", what)
}
