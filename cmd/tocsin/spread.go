package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/intake"
	"tocsin/internal/bus"
	"tocsin/internal/fault"
	"tocsin/node"
	"tocsin/node/cluster"
	"tocsin/telemetry"
)

// spreadFlags make a node one of several.
type spreadFlags struct {
	Nats []string `help:"Addresses of NATS servers with JetStream: the node is one of several that share the work." placeholder:"URL"`
	Role string   `help:"What the node does of the work: intake takes telemetry in, worker watches and remembers its share, serve answers hunts by asking all workers; all is everything." enum:"intake,worker,serve,all" default:"all"`
}

// clusterConfig is the part of the configuration file about the cluster.
type clusterConfig struct {
	NATS []string `yaml:"nats"` // addresses, as --nats
	// Name is the node's among the workers, by default its host's.
	Name string `yaml:"name"`
	// Credentials is a file that nsc wrote; the others are PEM.
	Credentials string `yaml:"credentials"`
	CA          string `yaml:"ca"`
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	// Stream is the stream's name, and the others what it is made with.
	Stream     string `yaml:"stream"`
	Partitions int    `yaml:"partitions"`
	Bytes      int64  `yaml:"bytes"`
	Replicas   int    `yaml:"replicas"`
}

// spread is a node's part in a cluster.
type spread struct {
	*cluster.Cluster
	role cluster.Role
}

// The questions that workers answer.
const (
	huntTopic     = "hunt"
	stateTopic    = "state"
	findingsTopic = "findings"
)

// openSpread joins the cluster, when there is one, and waits for its servers
// until ctx ends.
func (r *running) openSpread(ctx context.Context, u spreadFlags, config fileConfig) (*spread, error) {
	c := config.Cluster
	servers := u.Nats
	if len(servers) == 0 {
		servers = c.NATS
	}
	if len(servers) == 0 {
		if u.Role != string(cluster.All) {
			return nil, usageError{fmt.Errorf("a node of the role %s needs others: say by --nats where their NATS servers are: %w", u.Role, fault.Invalid)}
		}
		return nil, nil
	}
	s := &spread{role: cluster.Role(u.Role)}
	name := cmp.Or(c.Name, hostName())
	var err error
	s.Cluster, err = cluster.Open(ctx, cluster.Config{
		Role:   s.role,
		Bus:    bus.Config{URLs: servers, Name: "tocsin " + name, Credentials: c.Credentials, CA: c.CA, Certificate: c.Certificate, Key: c.Key},
		Stream: bus.StreamConfig{Name: c.Stream, Partitions: c.Partitions, Bytes: c.Bytes, Replicas: c.Replicas},
		Name:   name,
		Dir:    filepath.Join(r.data, clusterFolder),
		Accept: r.node.Accept,
		Answers: map[string]func(context.Context, []byte) ([]byte, error){
			huntTopic:     r.node.AnswerHunt,
			stateTopic:    r.node.AnswerState(func() any { return r.intake.Sources() }),
			findingsTopic: r.node.AnswerFindings(name),
		},
		Log: r.log.With(slog.String("room", "cluster")),
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// hostName is the machine's name without what a worker's name may not have.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	name, _, _ = strings.Cut(name, ".")
	return strings.Map(func(c rune) rune {
		if bus.ValidName(string(c)) {
			return c
		}
		return '-'
	}, name)
}

// takesIn reports whether telemetry is taken in here: a node by itself does.
func (s *spread) takesIn() bool {
	return s == nil || s.role == cluster.Intake || s.role == cluster.All
}

// accept returns where telemetry goes.
func (r *running) accept() intake.Accept {
	switch {
	case r.spread == nil:
		return r.node.AcceptNoted
	case r.spread.takesIn():
		return func(ctx context.Context, b *telemetry.Block, _ []byte) (uint64, error) {
			return 0, r.spread.Accept(ctx, b) // what travels carries no notes
		}
	}
	role := r.spread.role
	return func(context.Context, *telemetry.Block, []byte) (uint64, error) {
		return 0, fmt.Errorf("this node takes no telemetry in, its role is %s: send to one of the role %s: %w", role, cluster.Intake, fault.Unavailable)
	}
}

// hunt returns who is asked about the past; nil is the node itself.
func (r *running) hunt() func(context.Context, node.Hunt) (node.Hunted, error) {
	if r.spread == nil {
		return nil
	}
	if role := r.spread.role; role == cluster.Intake || role == cluster.Worker {
		return func(context.Context, node.Hunt) (node.Hunted, error) {
			return node.Hunted{}, fmt.Errorf("this node answers no hunts, its role is %s: ask one of the role %s: %w", role, cluster.Serve, fault.Unavailable)
		}
	}
	return func(ctx context.Context, h node.Hunt) (node.Hunted, error) {
		return node.HuntAll(ctx, h, r.spread.askAll)
	}
}

// settleFor is how long a hunt waits for what was accepted to reach a worker.
const settleFor = 5 * time.Second

// askAll puts a hunt to every worker.
func (s *spread) askAll(ctx context.Context, question []byte) (told []node.Told, late string, err error) {
	waiting, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	if s.Settled(waiting) != nil {
		late = "what came last has reached no worker yet: ask again in a while"
	}
	told, err = s.ask(huntTopic)(ctx, question)
	return told, late, err
}

// ask returns what puts a question on a topic to every worker.
func (s *spread) ask(topic string) node.AskNodes {
	return func(ctx context.Context, question []byte) (told []node.Told, err error) {
		replies, missing, err := s.Ask(ctx, topic, question)
		if errors.Is(err, fault.NotFound) { // no worker yet
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, reply := range replies {
			told = append(told, node.Told{Node: reply.Worker, Answer: reply.Data})
		}
		for _, m := range missing {
			told = append(told, node.Told{Node: m.Worker, Err: m.Err})
		}
		return told, nil
	}
}
