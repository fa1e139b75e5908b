package link

import "context"

// tend removes what is not needed any more, until the context ends.
func (l *Links) tend(ctx context.Context) { <-ctx.Done() }
