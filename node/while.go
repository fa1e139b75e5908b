package node

import (
	"context"
	"errors"
)

// While runs the node while work does its, and returns work's error, or why
// the node could not run.
func (n *Node) While(ctx context.Context, work func(context.Context) error) error {
	running, stop := context.WithCancel(ctx)
	ran := make(chan error, 1)
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		err := n.Run(running)
		cancel(err) // nobody is left to do what work waits for
		ran <- err
	}()
	err := work(working)
	stop()
	if failed := <-ran; failed != nil {
		return failed
	}
	if cause := context.Cause(working); cause != nil && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}

// Behind reports whether something that was acknowledged is not remembered yet.
func (n *Node) Behind() bool { return n.memory.Journal.Last() > n.start() }
