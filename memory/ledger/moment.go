package ledger

import "time"

// Times are kept as seconds since the first of January 2000 in 4 bytes: enough
// until 2136, and no telemetry that is still read is older.
const (
	epoch         = 946684800
	secondsPerDay = 86400
)

// moment is a time as it is kept.
type moment uint32

// day is a day in UTC, counted from the first of January 2000.
type day uint16

func (m moment) time() time.Time { return time.Unix(epoch+int64(m), 0).UTC() }
func (m moment) day() day        { return day(m / secondsPerDay) }
func (d day) start() moment      { return moment(d) * secondsPerDay }
func (d day) time() time.Time    { return d.start().time() }

// momentOf returns the time as it is kept, the nearest that can be where it is
// out of range.
func momentOf(t time.Time) moment {
	return moment(min(max(t.Unix()-epoch, 0), 1<<32-1))
}

// The default rules for time stamps that cannot be believed.
const (
	// FutureLimit is how far ahead of this machine's clock an event may be
	// dated. A day covers a sender that writes local time as if it were UTC,
	// anywhere on earth, and clocks that are a little fast.
	FutureLimit = 24 * time.Hour
	// PastLimit is the year before which no event is believed: clocks that were
	// never set say 1970 or 1980.
	PastLimit = 2000
)

// believable reports whether an event that came in at now may be of the time
// it says.
func believable(at, now time.Time) bool {
	return at.Unix() >= epoch && !at.After(now.Add(FutureLimit))
}
