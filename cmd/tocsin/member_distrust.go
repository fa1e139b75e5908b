package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/alliance/envelope"
	"tocsin/api"
	"tocsin/internal/output"
)

type memberDistrustCmd struct {
	atNode
	What string `arg:"" optional:"" help:"A node ID, or the fingerprint of a node or key, in quotes."`
	Why  string `help:"Who said so, and what happened."`
}

func (m *memberDistrustCmd) Run(ctx context.Context, c *console) error {
	const path = alliancePath + "/distrusts"
	if m.What == "" {
		var all []envelope.Distrust
		if err := m.read(ctx, path, nil, &all); err != nil {
			return err
		}
		p := &page{out: c.out}
		for _, d := range all {
			p.line("%s  since %s, by %s: %s", d.Fingerprint, d.At.Format(time.RFC3339), output.Plain(d.By), output.Plain(d.Reason))
		}
		if len(all) == 0 {
			p.line("everybody is trusted who is known")
		}
		return p.err
	}
	if m.Why == "" {
		return usageError{errors.New("--why is needed: who said so, and what happened")}
	}
	var d envelope.Distrust
	if err := m.post(ctx, path, &api.FingerprintNamed{What: m.What, Why: m.Why}, &d); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "nothing signed by %s is accepted from now on\n", d.Fingerprint)
	return err
}

type memberTrustCmd struct {
	atNode
	What string `arg:"" help:"The node ID or fingerprint that was distrusted."`
}

func (m *memberTrustCmd) Run(ctx context.Context, c *console) error {
	if err := m.post(ctx, alliancePath+"/trusts", &api.FingerprintNamed{What: m.What}, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.out, "it is trusted again")
	return err
}
