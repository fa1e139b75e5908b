package store

import "context"

type alongKey struct{}

// Along returns a context whose transactions run fn first, and are undone by its
// error: for what must stand or fall with whatever a caller changes, such as the
// key of a request. fn runs in every one of them, and must bear that.
func Along(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) context.Context {
	return context.WithValue(ctx, alongKey{}, body(fn))
}

// Alone returns the context without what Along put there, for transactions that
// are not the caller's, or not only.
func Alone(ctx context.Context) context.Context {
	if along(ctx) == nil {
		return ctx
	}
	return context.WithValue(ctx, alongKey{}, body(nil))
}

func along(ctx context.Context) body {
	fn, _ := ctx.Value(alongKey{}).(body)
	return fn
}

// withAlong is fn after what the context brings.
func withAlong(ctx context.Context, fn body) body {
	first := along(ctx)
	if first == nil {
		return fn
	}
	return func(ctx context.Context, tx *Tx) error {
		if err := first(ctx, tx); err != nil {
			return err
		}
		return fn(ctx, tx)
	}
}
