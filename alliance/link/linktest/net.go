// Package linktest has a carrier within one process, for tests of whatever sends
// over links: what is published arrives at once, or as badly as the test wants.
package linktest

import (
	"context"
	"fmt"
	"sync"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// Peer is what a node's links are to a carrier.
type Peer interface {
	Receive(ctx context.Context, from alliance.NodeID, data []byte) error
	Chunk(ctx context.Context, to alliance.NodeID, digest string) ([]byte, error)
}

// Net joins nodes of one process. The zero value is ready.
type Net struct {
	mu    sync.Mutex
	peers map[alliance.NodeID]Peer // guarded by mu
	// Fate, when set before use, decides what becomes of each frame: how often it is
	// delivered, and whether the one who published is told that it failed.
	Fate func(from, to alliance.NodeID, id string, data []byte) (times int, err error)
	// Pieces, when set before use, is asked before a piece is fetched.
	Pieces func(from, to alliance.NodeID, digest string) error
}

// Join connects a node, again after its restart.
func (n *Net) Join(node alliance.NodeID, p Peer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.peers == nil {
		n.peers = map[alliance.NodeID]Peer{}
	}
	n.peers[node] = p
}

// Leave disconnects a node.
func (n *Net) Leave(node alliance.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.peers, node)
}

func (n *Net) peer(node alliance.NodeID) (Peer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p := n.peers[node]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("node %s is not connected: %w", node, fault.Unavailable)
}

// Carrier returns the end of a node. It implements link.Carrier.
func (n *Net) Carrier(node alliance.NodeID) *Carrier { return &Carrier{n, node} }

// Carrier is one node's end of a Net.
type Carrier struct {
	net  *Net
	node alliance.NodeID
}

// Publish delivers at once.
func (c *Carrier) Publish(ctx context.Context, to alliance.NodeID, id string, data []byte) error {
	times, err := 1, error(nil)
	if c.net.Fate != nil {
		times, err = c.net.Fate(c.node, to, id, data)
	}
	for range times {
		if failed := c.net.Deliver(ctx, c.node, to, data); failed != nil {
			return failed
		}
	}
	return err
}

// Deliver brings a frame to a node, also one that a Fate held back.
func (n *Net) Deliver(ctx context.Context, from, to alliance.NodeID, data []byte) error {
	p, err := n.peer(to)
	if err != nil {
		return err
	}
	return p.Receive(ctx, from, data)
}

// Fetch asks the other end at once.
func (c *Carrier) Fetch(ctx context.Context, from alliance.NodeID, digest string) ([]byte, error) {
	if c.net.Pieces != nil {
		if err := c.net.Pieces(c.node, from, digest); err != nil {
			return nil, err
		}
	}
	p, err := c.net.peer(from)
	if err != nil {
		return nil, err
	}
	return p.Chunk(ctx, c.node, digest)
}

// Generation implements link.Carrier.
func (c *Carrier) Generation(alliance.NodeID) string { return "net" }
