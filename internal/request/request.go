// Package request gives every request an ID, so that what a caller is told and
// what stands in the log are found by each other.
package request

import (
	"context"
	"crypto/rand"
	"log/slog"
)

// Header carries a request's ID in its answer.
const Header = "X-Request-Id"

type idKey struct{}

// idLength is enough that no two requests of a day share an ID: 80 random bits.
const idLength = 16

// New returns a context for a new request, and the ID that it has. IDs are ours
// alone: what a sender calls its request is not taken over.
func New(ctx context.Context) (context.Context, string) {
	id := rand.Text()[:idLength]
	return context.WithValue(ctx, idKey{}, id), id
}

// ID returns the ID of the request that a context belongs to, "" for none.
func ID(ctx context.Context) string {
	id, _ := ctx.Value(idKey{}).(string)
	return id
}

// LogHandler returns a handler that adds request_id to every record whose
// context belongs to a request.
func LogHandler(next slog.Handler) slog.Handler { return handler{next} }

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if id := ID(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
