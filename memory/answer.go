package memory

import (
	"slices"
	"time"

	"tocsin/intel"
)

// Answer is what a memory says to a question.
type Answer struct {
	Question string `json:"question"`        // as it was asked
	Kind     string `json:"kind"`            // of observable, or "rule"
	Value    string `json:"value,omitempty"` // the observable in normal form

	Verdict intel.Verdict `json:"verdict"`
	// Reason says in words why the verdict is no better than it is.
	Reason string `json:"reason,omitempty"`
	// Problem is what of the memory could not be searched, when not all could. It may
	// name machines and parts of the node: unlike other reasons it stays at home.
	Problem string `json:"problem,omitempty"`

	First *time.Time `json:"first"` // null when it was not seen
	Last  *time.Time `json:"last"`
	Count uint64     `json:"count"`
	// Estimated: the time asked about cuts through what is remembered by the
	// day, so that count, first and last are good to the day.
	Estimated bool `json:"estimated,omitempty"`
	// Undated are sightings, of all time, that came without a believable time.
	Undated uint64 `json:"undated,omitempty"`
	// Hosts are those it was seen on, as many as are remembered by name.
	Hosts          []string `json:"hosts"`
	HostCount      uint64   `json:"host_count"`
	HostsEstimated bool     `json:"hosts_estimated,omitempty"`
	// Seen are the observables that were seen, where the question is about more
	// than one.
	Seen []string `json:"seen,omitempty"`

	Examples []Example      `json:"examples,omitempty"`
	Coverage intel.Coverage `json:"coverage"`
}

// Example is an event that answers a question.
type Example struct {
	Time   *time.Time        `json:"time"`
	Host   string            `json:"host"`
	Source string            `json:"source"`
	Record uint64            `json:"record"`
	Fields map[string]string `json:"fields"`
}

// Join adds what another memory, or another spelling, says to the same
// question. The verdict and the coverage are not joined: they are judged anew.
func (a *Answer) Join(b *Answer) {
	if b.First != nil && (a.First == nil || b.First.Before(*a.First)) {
		a.First = b.First
	}
	if b.Last != nil && (a.Last == nil || b.Last.After(*a.Last)) {
		a.Last = b.Last
	}
	a.Count += b.Count
	a.Undated += b.Undated
	a.Estimated = a.Estimated || b.Estimated
	// Of hosts that are not named nobody knows whether both saw them.
	unnamed := uint64(len(a.Hosts)) < a.HostCount && uint64(len(b.Hosts)) < b.HostCount
	a.HostsEstimated = a.HostsEstimated || b.HostsEstimated || unnamed
	both := len(a.Hosts) + len(b.Hosts)
	a.Hosts = append(a.Hosts, b.Hosts...)
	slices.Sort(a.Hosts)
	a.Hosts = slices.Compact(a.Hosts)
	a.HostCount += b.HostCount - uint64(both-len(a.Hosts))
	a.Seen = append(a.Seen, b.Seen...)
	a.Examples = append(a.Examples, b.Examples...)
	if a.Reason == "" {
		a.Reason = b.Reason
	}
}
