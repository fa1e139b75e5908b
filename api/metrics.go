package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tocsin/node"
)

// metrics is what the API counts. Requests are told apart by the pattern that
// answered them, never by path, which whoever asks chooses.
type metrics struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	inFlight prometheus.Gauge
	hunts    *prometheus.CounterVec
	hunting  prometheus.Histogram
	answers  *prometheus.CounterVec
}

func newMetrics(to prometheus.Registerer) *metrics {
	add := promauto.With(prometheus.WrapRegistererWithPrefix("tocsin_", to))
	return &metrics{
		requests: add.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests answered."}, []string{"route", "method", "status"}),
		took: add.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_seconds", Help: "How long answering takes.", Buckets: prometheus.ExponentialBuckets(0.001, 5, 7),
		}, []string{"route"}),
		inFlight: add.NewGauge(prometheus.GaugeOpts{Name: "http_requests_under_way", Help: "Requests being answered."}),
		hunts:    add.NewCounterVec(prometheus.CounterOpts{Name: "hunts_total", Help: "Hunts, by what became of them."}, []string{"result"}),
		hunting: add.NewHistogram(prometheus.HistogramOpts{
			Name: "hunt_seconds", Help: "How long hunts take.", Buckets: prometheus.ExponentialBuckets(0.01, 4, 8),
		}),
		answers: add.NewCounterVec(prometheus.CounterOpts{Name: "hunt_answers_total", Help: "Questions of hunts answered."}, []string{"verdict"}),
	}
}

// answered counts a request.
func (m *metrics) answered(r *http.Request, status int, took time.Duration) {
	route := r.Pattern
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, methodOf(r), strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(route).Observe(took.Seconds())
}

// methodOf is a request's method, one of those there are.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// hunted counts a hunt.
func (m *metrics) hunted(started time.Time, told *node.Hunted, err error) {
	m.hunting.Observe(time.Since(started).Seconds())
	switch {
	case err != nil:
		m.hunts.WithLabelValues("failed").Inc()
		return
	case len(told.Partial) > 0:
		m.hunts.WithLabelValues("partial").Inc()
	default:
		m.hunts.WithLabelValues("whole").Inc()
	}
	for i := range told.Answers {
		m.answers.WithLabelValues(told.Answers[i].Verdict.String()).Inc()
	}
}

// scrapes is how many may read the metrics at once: gathering them takes locks.
const scrapes = 2

// metricsHandler tells the metrics to who may know them.
func (a *api) metricsHandler() http.Handler {
	tell := promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: scrapes, Registry: a.Metrics})
	guarded := a.Tokens.Guard(readNode, tell)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fromHere(r) {
			tell.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}
