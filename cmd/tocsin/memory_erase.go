package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/output"
	"tocsin/memory"
	"tocsin/node"
)

// kindFlag is a flag that takes a kind of observable.
type kindFlag struct{ intel.ObservableKind }

type memoryEraseCmd struct {
	Kind         kindFlag `help:"Which kind of observable: email, ip, domain, url, filepath, command-line and so on." required:"" placeholder:"KIND"`
	OlderThan    lifetime `help:"Only what was last seen, and events that happened, longer ago than that, by whole days in UTC: 90d." required:"" placeholder:"TIME"`
	Value        []string `help:"Only this value; repeatable. A range means all addresses in it, a domain all below it." placeholder:"VALUE" sep:"none"`
	Pseudonymise bool     `help:"Replace values by keyed hashes instead: the same value stays the same, and a question for it is answered."`
	DryRun       bool     `help:"Count, and change nothing."`
	Reason       string   `help:"Why; it is recorded." required:""`
	Format       string   `help:"table or jsonl." enum:"table,jsonl" default:"table"`
	asking
}

// Run erases.
func (m *memoryEraseCmd) Run(ctx context.Context, c *console) error {
	e := memory.Erasure{
		Kind: m.Kind.ObservableKind, Before: time.Now().UTC().Add(-time.Duration(m.OlderThan)),
		Pseudonymise: m.Pseudonymise, Dry: m.DryRun, By: whoAmI(), Reason: m.Reason,
	}
	for _, value := range m.Value {
		o, err := valueOf(e.Kind, value)
		if err != nil {
			return usageError{err}
		}
		e.Only = append(e.Only, memory.HeldObservable(o))
	}
	asked, err := m.client()
	if err != nil {
		return err
	}
	var act memory.Act
	if asked != nil {
		err = asked.Post(ctx, "/api/v1/memory/erase", e, &act)
	} else {
		err = c.while(ctx, func(ctx context.Context, n *node.Node) (err error) {
			act, err = n.Erase(ctx, e)
			return err
		})
	}
	if err != nil {
		return err
	}
	if m.Format == "jsonl" {
		return eachLine(c.out, []memory.Act{act})
	}
	return output.WriteErased(c.out, &act, m.DryRun, terminal(c.out))
}

// valueOf reads a value of a kind; of addresses also a range.
func valueOf(kind intel.ObservableKind, value string) (intel.Observable, error) {
	if kind == intel.IPAddress && strings.Contains(value, "/") {
		kind = intel.IPRange
	}
	o, err := observable.Parse(kind, value)
	if err != nil {
		return o, fmt.Errorf("--value: %w", err)
	}
	return o, nil
}

type memoryErasedCmd struct {
	asking
	Format string `help:"table or jsonl." enum:"table,jsonl" default:"table"`
}

// Run says what was done.
func (m *memoryErasedCmd) Run(ctx context.Context, c *console) error {
	asked, err := m.client()
	if err != nil {
		return err
	}
	var acts []memory.Act
	if asked != nil {
		err = asked.Get(ctx, "/api/v1/memory/erased", &acts)
	} else {
		err = c.while(ctx, func(_ context.Context, n *node.Node) error {
			acts = n.Acts()
			return nil
		})
	}
	if err != nil {
		return err
	}
	if m.Format == "jsonl" {
		return eachLine(c.out, acts)
	}
	return output.WriteActs(c.out, acts, terminal(c.out))
}
