// Package hostclock asks the system what it knows of its own clock. What a system
// does not tell is errors.ErrUnsupported, and not guessed.
package hostclock

import "time"

// Synchronised reports whether the system says that a time service keeps its
// clock right.
func Synchronised() (bool, error) { return synchronised() }

// Hardware returns what the machine's battery-backed clock says, to the second.
// One that is kept in local time is told by being whole quarters of an hour off.
func Hardware() (time.Time, error) {
	at, err := hardware()
	if err != nil {
		return at, err
	}
	off := time.Until(at).Round(time.Second)
	const zone = 15 * time.Minute // all zones are multiples of it
	if rest := (off - off.Round(zone)).Abs(); off.Abs() >= zone/2 && rest < 5*time.Second {
		at = at.Add(-off.Round(zone))
	}
	return at, nil
}
