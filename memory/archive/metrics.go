package archive

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics is what an archive counts.
type metrics struct {
	events, failures prometheus.Counter
	write            prometheus.Histogram
}

func (a *Archive) newMetrics(to prometheus.Registerer) *metrics {
	add := promauto.With(to)
	for name, gauge := range map[string]struct {
		help  string
		value func(*Stats) float64
	}{
		"archive_segments":       {"Files of events.", func(s *Stats) float64 { return float64(s.Segments) }},
		"archive_events":         {"Events kept.", func(s *Stats) float64 { return float64(s.Events) }},
		"archive_disk_bytes":     {"What the archive takes on disk.", func(s *Stats) float64 { return float64(s.Bytes) }},
		"archive_waiting_events": {"Events that wait to be written.", func(s *Stats) float64 { return float64(s.Waiting) }},
		"archive_cursor":         {"The journal's entry up to which events are archived.", func(s *Stats) float64 { return float64(s.Cursor) }},
	} {
		add.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: gauge.help}, func() float64 {
			s := a.Stats()
			return gauge.value(&s)
		})
	}
	return &metrics{
		events:   add.NewCounter(prometheus.CounterOpts{Name: "archive_events_total", Help: "Events written."}),
		failures: add.NewCounter(prometheus.CounterOpts{Name: "archive_failures_total", Help: "Writes that failed, and are tried again."}),
		write: add.NewHistogram(prometheus.HistogramOpts{
			Name: "archive_write_seconds", Help: "How long it takes to write what was put.", Buckets: prometheus.ExponentialBuckets(0.01, 3, 8),
		}),
	}
}

// wrote counts a write and notes whether it failed.
func (a *Archive) wrote(started time.Time, events int, err error) {
	a.metrics.write.Observe(time.Since(started).Seconds())
	if err != nil {
		a.metrics.failures.Inc()
		a.failed.Store(&err)
		return
	}
	a.metrics.events.Add(float64(events))
	a.failed.Store(nil)
}
