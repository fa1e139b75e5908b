package federation

import (
	"context"
	"errors"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
)

// External is a cluster that others run, in operator mode with the hub's
// operator (see ServerConfiguration).
type External struct {
	URLs []string
	Pin  []byte
}

type cluster struct{}

func join(context.Context, External, *keys) (*cluster, error) { return nil, errors.New("not yet") }

func (c *cluster) options() []nats.Option                                   { return nil }
func (c *cluster) address() string                                          { return "" }
func (c *cluster) replicas() int                                            { return 3 }
func (c *cluster) change(context.Context, *jwt.AccountClaims, string) error { return nil }
func (c *cluster) urls() []string                                           { return nil }
func (c *cluster) close()                                                   {}
