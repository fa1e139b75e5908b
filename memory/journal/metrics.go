package journal

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics is what a journal counts.
type metrics struct {
	entries, bytes, refused prometheus.Counter
	sync                    prometheus.Histogram
}

func (j *Journal) newMetrics(to prometheus.Registerer) *metrics {
	add := promauto.With(to)
	add.NewGaugeFunc(prometheus.GaugeOpts{Name: "journal_held_bytes", Help: "What the journal holds on disk."},
		func() float64 { return float64(j.Bytes()) })
	return &metrics{
		entries: add.NewCounter(prometheus.CounterOpts{Name: "journal_entries_total", Help: "Entries written."}),
		bytes:   add.NewCounter(prometheus.CounterOpts{Name: "journal_bytes_total", Help: "Bytes of entries written."}),
		refused: add.NewCounter(prometheus.CounterOpts{Name: "journal_refused_total", Help: "Entries refused for lack of room, or by the disk."}),
		sync: add.NewHistogram(prometheus.HistogramOpts{
			Name: "journal_sync_seconds", Help: "How long the disk takes to keep what was written.",
			// From a fast disk's 60 µs to one that is in trouble.
			Buckets: prometheus.ExponentialBuckets(0.00006, 4, 9),
		}),
	}
}

// Ready says why an entry would be refused now; nil when it would be taken. The
// error is fault.Unavailable.
func (j *Journal) Ready() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.room(0)
}
