package api

import (
	"net/http"

	"tocsin/memory"
	"tocsin/people"
)

// paperBytes bounds a hold or an erasure: 100,000 observables take some 10 MB.
const paperBytes = 16 << 20

func (a *api) listHolds(*http.Request) ([]memory.Hold, error) { return listed(a.Node.Holds()), nil }

func (a *api) addHold(r *http.Request, h *memory.Hold) ([]memory.Hold, error) {
	h.By = people.From(r.Context()).Name
	if err := a.Node.Hold(r.Context(), *h); err != nil {
		return nil, err
	}
	return a.listHolds(r)
}

// release is the query that ends a hold.
type release struct {
	Reason string `query:"reason" doc:"Why it ends."`
}

// removeHold ends the holds of a case.
func (a *api) removeHold(r *http.Request, q *release) ([]memory.Hold, error) {
	who := people.From(r.Context()).Name
	if err := a.Node.Release(r.Context(), r.PathValue("case"), who, q.Reason); err != nil {
		return nil, err
	}
	return a.listHolds(r)
}

func (a *api) listActs(*http.Request) ([]memory.Act, error) { return listed(a.Node.Acts()), nil }

func (a *api) erase(r *http.Request, e *memory.Erasure) (memory.Act, error) {
	e.By = people.From(r.Context()).Name
	return a.Node.Erase(r.Context(), *e)
}
