package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tocsin/api"
	"tocsin/intake"
	"tocsin/node"
	"tocsin/node/cluster"
)

// heard tells the intake what became of records.
func (r *running) heard(h node.Heard) {
	if r.spread != nil && r.spread.role == cluster.Worker { // another node took them in
		r.intake.SeenElsewhere(h.Source, h.Events, h.Bytes, h.Newest, h.Problems)
		return
	}
	r.intake.Seen(h.Source.Name, h.Events, h.Newest, h.Problems)
}

// cluster returns what tells of all workers together at a node that serves; nil
// where a node tells of itself.
func (r *running) cluster() *api.Cluster {
	if r.spread == nil || (r.spread.role != cluster.Serve && r.spread.role != cluster.All) {
		return nil
	}
	s := r.spread
	return &api.Cluster{
		Findings: func(ctx context.Context, after string) (node.Found, error) {
			return node.FindingsOfAll(ctx, after, s.ask(findingsTopic))
		},
		Memory: func(ctx context.Context) (node.Stats, error) {
			states, silence, err := node.StatesOfAll(ctx, s.ask(stateTopic))
			if err != nil {
				return node.Stats{}, err
			}
			return node.JoinStats(states, silence), nil
		},
		Sources: func(ctx context.Context) (any, error) {
			states, silence, err := node.StatesOfAll(ctx, s.ask(stateTopic))
			if err != nil {
				return nil, err
			}
			return joinSources(states, silence)
		},
		State: func(ctx context.Context) (any, error) { return s.tell(ctx) },
	}
}

// joinSources lists the sources of all workers by name.
func joinSources(states []node.State, silence node.Silence) (intake.Registry, error) {
	all := intake.Registry{Sources: []intake.Health{}, Silent: silence.Silent, Partial: silence.Partial}
	for _, state := range states {
		var sources []intake.Health
		if err := json.Unmarshal(state.Sources, &sources); err != nil {
			return all, fmt.Errorf("sources of worker %s: %w", state.Worker, err)
		}
		for i := range sources {
			sources[i].Worker = state.Worker
		}
		all.Sources = append(all.Sources, sources...)
	}
	slices.SortStableFunc(all.Sources, func(a, b intake.Health) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// clusterState is what is told of a cluster.
type clusterState struct {
	// Connected is whether this node reaches a NATS server, and which.
	Connected bool   `json:"connected"`
	Server    string `json:"server,omitempty"`
	// Backlog is what waits for workers; null when it is not known.
	Backlog *backlog `json:"backlog"`
	// Members are all workers that are known, also those that are silent.
	Members []clusterMember `json:"members"`
	Workers []node.State    `json:"workers"` // that answered
	node.Silence
}

type backlog struct {
	Messages uint64    `json:"messages"`
	Bytes    uint64    `json:"bytes"`
	Limit    int64     `json:"limit_bytes"`
	Oldest   time.Time `json:"oldest,omitzero"`
}

type clusterMember struct {
	Worker     string `json:"worker"`
	Live       bool   `json:"live"`
	Partitions []int  `json:"partitions"`
}

// tell tells of the cluster in one place. What cannot be found out is told as
// partial.
func (s *spread) tell(ctx context.Context) (clusterState, error) {
	c := s.State(ctx)
	told := clusterState{Connected: c.Connection.Connected, Server: c.Connection.Server, Members: []clusterMember{}, Workers: []node.State{}}
	if c.Problem == "" {
		told.Backlog = &backlog{c.Backlog.Messages, c.Backlog.Bytes, c.Backlog.Limit, c.Backlog.Oldest}
	}
	for _, m := range c.Workers {
		told.Members = append(told.Members, clusterMember{m.Name, m.Live, append([]int{}, m.Partitions...)})
	}
	var err error
	if told.Workers, told.Silence, err = node.StatesOfAll(ctx, s.ask(stateTopic)); err != nil {
		return told, err
	}
	if c.Problem != "" {
		told.Partial = append(told.Partial, "the backlog is not known: "+c.Problem)
	}
	return told, nil
}
