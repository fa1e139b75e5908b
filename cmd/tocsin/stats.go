package main

import (
	"encoding/json"
	"io"
	"math"

	"tocsin/node"
)

// stats is what --stats prints, as one line of JSON.
type stats struct {
	Events          uint64  `json:"events"`
	Bytes           uint64  `json:"bytes"`
	Findings        uint64  `json:"findings"`
	Rules           int     `json:"rules"`
	Seconds         float64 `json:"seconds"`
	EventsPerSecond float64 `json:"events_per_second"`
	MBPerSecond     float64 `json:"mb_per_second"`
	// Share is of the time that all workers together spent.
	Share share `json:"share"`
}

type share struct {
	Decoding float64 `json:"decoding"`
	Matching float64 `json:"matching"`
	Output   float64 `json:"output"`
}

func writeStats(w io.Writer, s *node.Summary) error {
	figures := stats{Events: s.Events, Bytes: s.Bytes, Findings: s.Findings, Rules: s.Rules, Seconds: rounded(s.Elapsed.Seconds())}
	if seconds := s.Elapsed.Seconds(); seconds > 0 {
		const megabyte = 1e6
		figures.EventsPerSecond = rounded(float64(s.Events) / seconds)
		figures.MBPerSecond = rounded(float64(s.Bytes) / seconds / megabyte)
	}
	if all := s.Decoding + s.Matching + s.Output; all > 0 {
		figures.Share = share{
			Decoding: rounded(float64(s.Decoding) / float64(all)), Matching: rounded(float64(s.Matching) / float64(all)), Output: rounded(float64(s.Output) / float64(all)),
		}
	}
	return json.NewEncoder(w).Encode(figures)
}

// rounded leaves three decimals: the rest is noise.
func rounded(f float64) float64 {
	const thousand = 1000
	return math.Round(f*thousand) / thousand
}
