package ledger

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics is what a ledger counts.
type metrics struct {
	sightings, failures prometheus.Counter
	commit              prometheus.Histogram
}

func (l *Ledger) newMetrics(to prometheus.Registerer) *metrics {
	add := promauto.With(to)
	add.NewGaugeFunc(prometheus.GaugeOpts{Name: "ledger_disk_bytes", Help: "What the ledger takes on disk."}, l.usedBytes)
	add.NewGaugeFunc(prometheus.GaugeOpts{Name: "ledger_cursor", Help: "The journal's entry up to which observables are in the ledger."},
		func() float64 { return float64(l.Cursor()) })
	add.NewGaugeFunc(prometheus.GaugeOpts{Name: "ledger_damaged_files", Help: "Files of the ledger found damaged since the start."},
		func() float64 { return float64(len(l.damage.list())) })
	return &metrics{
		sightings: add.NewCounter(prometheus.CounterOpts{Name: "ledger_observables_total", Help: "Observables committed, each once a batch."}),
		failures:  add.NewCounter(prometheus.CounterOpts{Name: "ledger_failures_total", Help: "Commits that failed, and are tried again."}),
		commit: add.NewHistogram(prometheus.HistogramOpts{
			Name: "ledger_commit_seconds", Help: "How long a commit takes.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
	}
}

func (l *Ledger) usedBytes() float64 {
	db, done, err := l.use()
	if err != nil {
		return 0
	}
	defer done()
	return float64(db.Metrics().DiskSpaceUsage())
}

// committed counts a commit and notes whether it failed.
func (l *Ledger) committed(started time.Time, observables int, err error) {
	l.metrics.commit.Observe(time.Since(started).Seconds())
	if err != nil {
		l.metrics.failures.Inc()
		l.state.failed.Store(&err)
		return
	}
	l.metrics.sightings.Add(float64(observables))
	l.state.failed.Store(nil)
}
