package member

import (
	"context"
	"fmt"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Distrust has nothing accepted any more that a key signed, or any key of a node, from
// now on and until Trust: somebody was told by telephone that it is in strange hands.
// what is a node's ID or the fingerprint of a key or node. The error is fault.Invalid,
// and fault.Conflict for this node itself.
func (r *Register) Distrust(ctx context.Context, who Who, what, why string) (envelope.Distrust, error) {
	fingerprint, err := fingerprintOf(what)
	if err != nil {
		return envelope.Distrust{}, err
	}
	if fingerprint == r.Self().Fingerprint() {
		return envelope.Distrust{}, fmt.Errorf("distrust: this is the node itself: 'tocsin identity' revokes its own keys: %w", fault.Conflict)
	}
	d := envelope.Distrust{Fingerprint: fingerprint, By: who.Name, Reason: why, At: r.now()}
	if err := d.Check(); err != nil {
		return d, err
	}
	return d, r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := upsertDistrust(ctx, tx, &d); err != nil {
			return err
		}
		return r.distrusting(ctx, tx, who, "member.distrust", d.Fingerprint, d)
	})
}

// Trust takes a distrust back. The error is fault.NotFound where there is none.
func (r *Register) Trust(ctx context.Context, who Who, what string) error {
	fingerprint, err := fingerprintOf(what)
	if err != nil {
		return err
	}
	return r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := deleteDistrust(ctx, tx, fingerprint)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("trust: nothing with the fingerprint %s is distrusted: %w", fingerprint, fault.NotFound)
		}
		return r.distrusting(ctx, tx, who, "member.trust", fingerprint, nil)
	})
}

// distrusting records a change of what is distrusted, and follows it once it is kept.
func (r *Register) distrusting(ctx context.Context, tx *store.Tx, who Who, action, fingerprint string, after any) error {
	all, err := selectDistrusts(ctx, tx)
	if err != nil {
		return err
	}
	tx.Committed(func() { r.ring.distrust(all) })
	return r.Trail.Record(ctx, tx, who, action, audit.Subject{Kind: "fingerprint", ID: fingerprint}, nil, after)
}

// Distrusts returns what is not trusted here, in the order of fingerprints.
func (r *Register) Distrusts(ctx context.Context) (all []envelope.Distrust, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = listDistrusts(ctx, tx)
		return err
	})
	return all, err
}

func fingerprintOf(what string) (string, error) {
	if node, err := alliance.ParseNodeID(what); err == nil {
		return node.Fingerprint(), nil
	}
	return alliance.ParseFingerprint(what)
}
