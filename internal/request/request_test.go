package request_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"tocsin/internal/request"
)

func TestLogNamesTheRequest(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	log := slog.New(request.LogHandler(slog.NewTextHandler(&text, nil))).With(slog.String("room", "api"))
	ctx, id := request.New(t.Context())
	_, other := request.New(t.Context())
	if len(id) != 16 || id == other || request.ID(ctx) != id || request.ID(context.Background()) != "" {
		t.Fatalf("IDs %q and %q", id, other)
	}
	log.ErrorContext(ctx, "failed")
	log.ErrorContext(t.Context(), "failed elsewhere")
	first, second, _ := strings.Cut(text.String(), "\n")
	if !strings.Contains(first, "room=api request_id="+id) || strings.Contains(second, "request_id") {
		t.Errorf("got %s", &text)
	}
}
