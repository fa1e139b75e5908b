package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tocsin/api"
	"tocsin/client"
	"tocsin/internal/fault"
	"tocsin/internal/output"
	"tocsin/plan"
	"tocsin/plan/duty"
)

// organisationCmd is the verbs of the organisation that a node works for.
type organisationCmd struct {
	Show organisationShowCmd `cmd:"" help:"Show how the organisation is described, and which regimes bind it."`
	Set  organisationSetCmd  `cmd:"" help:"Describe the organisation: what it is decides which regimes bind it."`
}

const organisationPath = "/api/v1/organisation"

type organisationShowCmd struct {
	atNode
	Language string `help:"en or zh." enum:"en,zh" default:"en"`
	Format   string `help:"table or json." enum:"table,json" default:"table"`
}

func (s *organisationShowCmd) Run(ctx context.Context, c *console) error {
	var d duty.Described
	switch err := s.read(ctx, organisationPath, nil, &d); {
	case errors.Is(err, fault.NotFound):
		return fmt.Errorf("nobody has described the organisation yet: 'tocsin organisation set FILE' does, docs/regimes.md says how: %w", fault.NotFound)
	case err != nil:
		return err
	}
	var regimes []api.Regime
	if err := s.read(ctx, "/api/v1/regimes", nil, &regimes); err != nil {
		return err
	}
	if s.Format == "json" {
		return json.NewEncoder(c.out).Encode(map[string]any{"organisation": d, "regimes": regimes})
	}
	p := &page{out: c.out}
	p.line("version %d, by %s", d.Version, d.By)
	p.line("%s", string(d.Text))
	for k := range regimes {
		r := &regimes[k]
		if r.Binding == nil || r.Binding.Verdict == plan.DoesNotBind {
			continue
		}
		p.line("  %-12s  %-22s  %s", verdictOf(r.Binding), r.Regime, r.Binding.Whom.In(s.Language))
		p.line("    because %s", factsOf(r.Binding.Facts))
	}
	return p.err
}

type organisationSetCmd struct {
	atNode
	File string `arg:"" help:"Description, as 'tocsin regime grade --org' reads it."`
	Why  string `help:"Why it changes."`
}

func (s *organisationSetCmd) Run(ctx context.Context, c *console) error {
	text, err := limitedFile(s.File)
	if err != nil {
		return err
	}
	version, err := s.call(ctx, client.Request{Method: http.MethodGet, Path: organisationPath}, nil)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	asked := api.NewDescription{Description: duty.Description{Text: text}, Why: s.Why}
	var d duty.Described
	if _, err := s.call(ctx, client.Request{Method: http.MethodPut, Path: organisationPath, In: asked, Version: version}, &d); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("version %d of the description counts from now on; %s", d.Version, output.Plain("'tocsin organisation show' says which regimes bind"))
	return p.err
}

// zone is the zone of the organisation that a node works for: its deadlines are
// read there. While nobody described it, it is UTC.
func (a *atNode) zone(ctx context.Context) (*time.Location, error) {
	var d duty.Described
	switch err := a.read(ctx, organisationPath, nil, &d); {
	case errors.Is(err, fault.NotFound) || errors.Is(err, fault.Forbidden):
		return time.UTC, nil
	case err != nil:
		return nil, err
	}
	var said struct {
		Zone string `json:"zone"`
	}
	if err := json.Unmarshal(d.Text, &said); err != nil {
		return nil, fmt.Errorf("description of the organisation: %w", err)
	}
	zone, err := time.LoadLocation(said.Zone)
	if err != nil {
		return time.UTC, nil // this machine does not know the zone
	}
	return zone, nil
}
