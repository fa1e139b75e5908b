package intake

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics is what the intake counts, by the kind of source: of kinds there are
// few, of sources as many as senders name.
type metrics struct {
	records, bytes, events, problems *prometheus.CounterVec
	refused, dropped                 *prometheus.CounterVec // by reason too, of which there are as many as we have constants
}

func newMetrics(to prometheus.Registerer) *metrics {
	add := promauto.With(prometheus.WrapRegistererWithPrefix("tocsin_intake_", to))
	by := func(name, help string, labels ...string) *prometheus.CounterVec {
		return add.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"kind"}, labels...))
	}
	return &metrics{
		records:  by("records_total", "Records taken in."),
		bytes:    by("bytes_total", "Bytes of records taken in."),
		events:   by("events_total", "Events decoded of what was taken in."),
		problems: by("unreadable_total", "Records taken in that could not be read."),
		refused:  by("refused_total", "Records whose sender was told to come again, or that a request could not be read.", "reason"),
		dropped:  by("dropped_total", "Records that are lost.", "reason"),
	}
}

// watchSources lets what is known of sources be asked for.
func (r *registry) watchSources(to prometheus.Registerer) {
	add := promauto.With(prometheus.WrapRegistererWithPrefix("tocsin_intake_", to))
	add.NewGaugeFunc(prometheus.GaugeOpts{Name: "sources", Help: "Sources that are known."}, func() float64 {
		r.mu.Lock()
		defer r.mu.Unlock()
		return float64(len(r.by))
	})
	add.NewGaugeFunc(prometheus.GaugeOpts{Name: "silent_sources", Help: "Sources that have said nothing for longer than usual."}, r.silent)
}

func (r *registry) silent() float64 {
	n := 0.0
	for _, s := range r.all() {
		if s.silent(r.now()) {
			n++
		}
	}
	return n
}

// kindMetrics is the metrics of one kind of source.
type kindMetrics struct {
	records, bytes, events, problems prometheus.Counter
	refused, dropped                 *prometheus.CounterVec // by reason
}

func (m *metrics) of(kind string) *kindMetrics {
	labels := prometheus.Labels{"kind": kind}
	return &kindMetrics{
		records: m.records.With(labels), bytes: m.bytes.With(labels), events: m.events.With(labels), problems: m.problems.With(labels),
		refused: m.refused.MustCurryWith(labels), dropped: m.dropped.MustCurryWith(labels),
	}
}
