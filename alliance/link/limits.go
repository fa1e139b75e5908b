package link

import "time"

// Limits bound what one neighbour can cost, and say how patient a link is. Zero
// fields are the defaults.
type Limits struct {
	// Rate is how many messages a second are handled of a neighbour in the long
	// run, Burst how many at once. What comes faster waits, and once the neighbour's
	// line is full it is left with the carrier.
	Rate  float64
	Burst int
	// Queue is how many frames of a neighbour wait here.
	Queue int
	// Body is the longest body that is accepted, DayBytes how much of a neighbour on
	// one day in UTC. What is more is refused as too_much.
	Body     int64
	DayBytes int64
	// ResendAfter is how long a receipt may take before the first message that has
	// none is sent again; each further wait is twice as long, up to ResendMost.
	ResendAfter, ResendMost time.Duration
	// ReceiptEvery is how long receipts gather.
	ReceiptEvery time.Duration
	// Keep is for how long the bodies of what was delivered are kept.
	Keep time.Duration
}

// The defaults.
const (
	// defaultRate is more than any member writes, and lets a thousand catch up
	// without one crowding out the others.
	defaultRate  = 200
	defaultBurst = 1000
	// defaultQueue frames of the usual few KB are little memory for ten thousand
	// neighbours, of which few send at once.
	defaultQueue = 128
	// defaultBody is a warning with 100,000 indicators, four times over.
	defaultBody = 128 << 20
	// defaultDayBytes is eight of the largest bodies.
	defaultDayBytes = 1 << 30
	// A carrier and a neighbour that are there answer within a second.
	defaultResendAfter = 30 * time.Second
	defaultResendMost  = 6 * time.Hour
	// defaultReceiptEvery makes one receipt of what a catching-up neighbour sends,
	// and is soon enough for a person who watches a board.
	defaultReceiptEvery = 100 * time.Millisecond
	// defaultKeep lets a hub that was restored from last week's backup ask again.
	defaultKeep = 14 * 24 * time.Hour
)

func (l Limits) orDefaults() Limits {
	set(&l.Rate, defaultRate)
	set(&l.Burst, defaultBurst)
	set(&l.Queue, defaultQueue)
	set(&l.Body, defaultBody)
	set(&l.DayBytes, defaultDayBytes)
	set(&l.ResendAfter, defaultResendAfter)
	set(&l.ResendMost, defaultResendMost)
	set(&l.ReceiptEvery, defaultReceiptEvery)
	set(&l.Keep, defaultKeep)
	return l
}

func set[T int | int64 | float64 | time.Duration](value *T, otherwise T) {
	if *value <= 0 {
		*value = otherwise
	}
}

// askEvery is how soon what is missing is asked for again: frames that only passed
// each other arrive meanwhile.
func (l *Limits) askEvery() time.Duration { return min(maxAsk, l.ResendAfter/2) }

const maxAsk = 2 * time.Second
