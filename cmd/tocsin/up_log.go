package main

import (
	"io"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tocsin/internal/request"
)

// open returns the log as it is configured.
func (l logConfig) open(to io.Writer) *slog.Logger {
	level, _ := l.level() // was checked when it was read
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(to, options)
	if l.Format == "json" {
		handler = slog.NewJSONHandler(to, options)
	}
	return slog.New(request.LogHandler(handler))
}

// newRegistry returns where everything in the process counts.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	version := strings.TrimPrefix(programName(), "tocsin ")
	promauto.With(r).NewGauge(prometheus.GaugeOpts{
		Name: "tocsin_build_info", Help: "Which version this is.", ConstLabels: prometheus.Labels{"version": version},
	}).Set(1)
	return r
}
