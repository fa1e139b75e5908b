package bus

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Member is a worker that is known.
type Member struct {
	Name string
	// Live is false for one that is no longer heard of. It may still hold what
	// nobody else does, and stays known until Forget.
	Live       bool
	Partitions []int
}

// Members returns every worker that ever was, by name. The error is
// fault.Unavailable.
func (s *Stream) Members(ctx context.Context) ([]Member, error) {
	v, err := s.look(ctx)
	if err != nil {
		return nil, unavailable("read the leases", err)
	}
	names, err := s.workers.Keys(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil, unavailable("read the workers", err)
	}
	list := make([]Member, 0, len(names))
	for _, name := range names {
		_, live := v.lives[name]
		m := Member{Name: name, Live: live}
		for partition, e := range v.leases {
			if e.Name == name {
				m.Partitions = append(m.Partitions, partition)
			}
		}
		slices.Sort(m.Partitions)
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Forget takes a worker out of those known, when what it held is gone or has
// been moved. One that lives comes back when it is started again.
func (s *Stream) Forget(ctx context.Context, name string) error {
	if err := s.workers.Delete(ctx, name); err != nil {
		return unavailable("forget worker "+name, err)
	}
	return nil
}
