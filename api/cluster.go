package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"tocsin/internal/fault"
	"tocsin/node"
)

// Cluster asks all workers, where several share the work. Each function says who
// did not answer, and fails with fault.Unavailable when nobody does.
type Cluster struct {
	// Findings are those after a position that it told with the last.
	Findings func(ctx context.Context, after string) (node.Found, error)
	Memory   func(context.Context) (node.Stats, error)
	// Sources are as the intake tells them, each with its worker.
	Sources func(context.Context) (any, error)
	// State is everything about the cluster in one place.
	State func(context.Context) (any, error)
}

// silentHeader names the workers that did not answer: the page is partial then.
const silentHeader = "Tocsin-Silent"

func (a *api) allFindings(w http.ResponseWriter, r *http.Request, after string) error {
	all, err := a.Cluster.Findings(r.Context(), after)
	if err != nil {
		return err
	}
	w.Header().Set(positionHeader, all.Position)
	if len(all.Silent) > 0 {
		w.Header().Set(silentHeader, strings.Join(all.Silent, ", "))
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	_, err = w.Write(all.Lines)
	return err
}

// sources tells of the sources that all workers know, or else the intake.
func (a *api) sources(w http.ResponseWriter, r *http.Request) error {
	if a.Cluster == nil {
		a.Intake.ServeHTTP(w, r)
		return nil
	}
	known, err := a.Cluster.Sources(r.Context())
	if err != nil {
		return err
	}
	return write(w, r, http.StatusOK, known)
}

func (a *api) cluster(r *http.Request) (any, error) {
	if a.Cluster == nil {
		return nil, fmt.Errorf("this node is by itself, or does not serve: ask one of the role serve: %w", fault.NotFound)
	}
	return a.Cluster.State(r.Context())
}
