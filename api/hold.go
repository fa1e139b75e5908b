package api

import (
	"net/http"

	"tocsin/memory"
	"tocsin/people"
)

// paperBytes bounds a hold or an erasure: 100,000 observables take some 10 MB.
const paperBytes = 16 << 20

func (a *api) listHolds(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, a.Node.Holds())
}

func (a *api) addHold(w http.ResponseWriter, r *http.Request) error {
	var h memory.Hold
	if err := decodeUpTo(w, r, paperBytes, &h); err != nil {
		return err
	}
	h.By = people.From(r.Context()).Name
	if err := a.Node.Hold(r.Context(), h); err != nil {
		return err
	}
	return a.listHolds(w, r)
}

// removeHold ends the holds of a case, for the reason that the query gives.
func (a *api) removeHold(w http.ResponseWriter, r *http.Request) error {
	who := people.From(r.Context()).Name
	if err := a.Node.Release(r.Context(), r.PathValue("case"), who, r.URL.Query().Get("reason")); err != nil {
		return err
	}
	return a.listHolds(w, r)
}

func (a *api) listActs(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, a.Node.Acts())
}

func (a *api) erase(w http.ResponseWriter, r *http.Request) error {
	var e memory.Erasure
	if err := decodeUpTo(w, r, paperBytes, &e); err != nil {
		return err
	}
	e.By = people.From(r.Context()).Name
	act, err := a.Node.Erase(r.Context(), e)
	if err != nil {
		return err
	}
	return answer(w, act)
}
