package link

import (
	"sync"
	"time"

	"tocsin/alliance"
)

// outgoing is what others tell the goroutine that sends.
type outgoing struct {
	mu    sync.Mutex
	dirty map[alliance.NodeID]bool // guarded by mu: there is something new for them
	told  []told                   // guarded by mu: receipts that came
	state map[alliance.NodeID]trouble
	wake  chan struct{}
}

// trouble is why nothing goes to a neighbour.
type trouble struct {
	since  time.Time
	reason string
}

// told is a receipt that came from a neighbour.
type told struct {
	from alliance.NodeID
	receipt
}

func (o *outgoing) begin() {
	o.dirty, o.state, o.wake = map[alliance.NodeID]bool{}, map[alliance.NodeID]trouble{}, make(chan struct{}, 1)
}

func (o *outgoing) poke(nodes ...alliance.NodeID) {
	o.mu.Lock()
	for _, node := range nodes {
		o.dirty[node] = true
	}
	o.mu.Unlock()
	o.rouse()
}

func (o *outgoing) tell(t told) {
	o.mu.Lock()
	o.told = append(o.told, t)
	o.mu.Unlock()
	o.rouse()
}

func (o *outgoing) rouse() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outgoing) take() (dirty map[alliance.NodeID]bool, receipts []told) {
	o.mu.Lock()
	defer o.mu.Unlock()
	dirty, receipts = o.dirty, o.told
	o.dirty, o.told = map[alliance.NodeID]bool{}, nil
	return dirty, receipts
}

func (o *outgoing) note(node alliance.NodeID, reason string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if reason == "" {
		delete(o.state, node)
	} else if o.state[node].reason != reason {
		o.state[node] = trouble{now, reason}
	}
}

// Wake has everything that waits for a neighbour tried at once: the carrier
// reaches it again.
func (l *Links) Wake(node alliance.NodeID) { l.out.poke(node) }
