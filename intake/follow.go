package intake

import (
	"context"

	"golang.org/x/sync/errgroup"
)

func (in *Intake) startFollow(context.Context, *errgroup.Group) error { return nil }
