package node

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tocsin/detect"
)

// metrics is what a node counts of its work. Findings are told apart by level, of
// which there are five; sources and rules are not labels, since nobody bounds
// how many there are.
type metrics struct {
	events, bytes, problems prometheus.Counter
	findings                *prometheus.CounterVec
}

func (n *Node) newMetrics(to prometheus.Registerer) *metrics {
	add := promauto.With(to)
	add.NewGaugeFunc(prometheus.GaugeOpts{Name: "waiting_entries", Help: "Entries of the journal that nobody has worked on yet."},
		func() float64 { return float64(n.waiting()) })
	return &metrics{
		events:   add.NewCounter(prometheus.CounterOpts{Name: "events_total", Help: "Events decoded and watched."}),
		bytes:    add.NewCounter(prometheus.CounterOpts{Name: "telemetry_bytes_total", Help: "Bytes of telemetry decoded."}),
		problems: add.NewCounter(prometheus.CounterOpts{Name: "unreadable_records_total", Help: "Records that could not be read."}),
		findings: add.NewCounterVec(prometheus.CounterOpts{Name: "findings_total", Help: "What rules and indicators found."}, []string{"level"}),
	}
}

// worked counts a stretch that is committed.
func (m *metrics) worked(found []*detect.Finding, w *worked) {
	for i := range w.heard {
		h := &w.heard[i]
		m.events.Add(float64(h.Events))
		m.bytes.Add(float64(h.Bytes))
		for _, p := range h.Problems {
			m.problems.Add(float64(p.Count))
		}
	}
	for _, f := range found {
		m.findings.WithLabelValues(f.Meta().Level.String()).Inc()
	}
}

// waiting is how many entries of the journal wait to be worked on.
func (n *Node) waiting() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.memory.Journal.Last() - min(n.through, n.memory.Journal.Last())
}
