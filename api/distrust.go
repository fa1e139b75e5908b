package api

import (
	"net/http"

	"tocsin/alliance/envelope"
	"tocsin/people"
)

// FingerprintNamed is a node or a key that somebody trusts, or not.
type FingerprintNamed struct {
	// What is a node's ID, or the fingerprint of a node or key.
	What string `json:"what"`
	// Why is needed to distrust.
	Why string `json:"why,omitempty"`
}

func (a *api) listDistrusts(r *http.Request) ([]envelope.Distrust, error) {
	reg, err := a.members()
	if err != nil {
		return nil, err
	}
	all, err := reg.Distrusts(r.Context())
	return listed(all), err
}

func (a *api) distrust(r *http.Request, in *FingerprintNamed) (envelope.Distrust, error) {
	reg, err := a.members()
	if err != nil {
		return envelope.Distrust{}, err
	}
	return reg.Distrust(r.Context(), people.Actor(r.Context()), in.What, in.Why)
}

func (a *api) trust(r *http.Request, in *FingerprintNamed) (nothing, error) {
	reg, err := a.members()
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, reg.Trust(r.Context(), people.Actor(r.Context()), in.What)
}
