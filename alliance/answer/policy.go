package answer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// How is how answers are released.
type How string

// The ways to release.
const (
	Automatic   How = "automatic" // all of it, at once
	VerdictOnly How = "verdict"   // the verdict and its reason, at once
	AskFirst    How = "ask"       // when a person says so
	Anonymous   How = "anonymous" // the verdict, to the uplink alone, which adds it up
	Nothing     How = "nothing"   // at a deadline: it stays here
)

// Hows returns the ways there are for a policy.
func Hows() []How { return []How{Automatic, VerdictOnly, AskFirst, Anonymous} }

// Policy says how answers to warnings of a colour are released to an uplink.
type Policy struct {
	Uplink alliance.NodeID `json:"uplink,omitempty"` // empty: any
	Colour alliance.Colour `json:"colour,omitempty"` // empty: any
	How    How             `json:"how"`
	// Wait is how long a person may take, and AtDeadline what is done then:
	// Automatic, VerdictOnly or Nothing. Of AskFirst only.
	Wait       time.Duration `json:"wait,omitempty"`
	AtDeadline How           `json:"at_deadline,omitempty"`
	By         string        `json:"by,omitempty"`
	At         time.Time     `json:"at,omitzero"`
}

const (
	// defaultWait is how long a person may take where the policy does not say: who is
	// on duty answers within it, and an authority's picture is not left open for
	// longer.
	defaultWait = 30 * time.Minute
	// maxWait is a week: after that nobody waits for the answer any more.
	maxWait = 7 * 24 * time.Hour
)

// DefaultPolicy counts where nobody made one: the answer goes by itself, since what
// is in it names no host, no source and no value.
func DefaultPolicy() Policy { return Policy{How: Automatic} }

func (p *Policy) check() error {
	if p.How == AskFirst {
		p.Wait, p.AtDeadline = cmp.Or(p.Wait, defaultWait), cmp.Or(p.AtDeadline, VerdictOnly)
	}
	switch {
	case !slices.Contains(Hows(), p.How):
		return fmt.Errorf("release %q: use one of %q: %w", p.How, Hows(), fault.Invalid)
	case p.Uplink != "" && !p.Uplink.Valid():
		return fmt.Errorf("uplink %q is no node: %w", p.Uplink, fault.Invalid)
	case p.Colour != "" && p.Colour.Rank() == 0:
		return fmt.Errorf("colour %q: use one of %q: %w", p.Colour, alliance.Colours(), fault.Invalid)
	case p.How != AskFirst && (p.Wait != 0 || p.AtDeadline != ""):
		return fmt.Errorf("a deadline belongs to a policy that asks first: %w", fault.Invalid)
	case p.How == AskFirst && (p.Wait < time.Minute || p.Wait > maxWait):
		return fmt.Errorf("a person has %s; from a minute to a week may be given: %w", p.Wait, fault.Invalid)
	case p.How == AskFirst && p.AtDeadline != Automatic && p.AtDeadline != VerdictOnly && p.AtDeadline != Nothing:
		return fmt.Errorf("at the deadline %q: use one of %q: %w", p.AtDeadline, []How{Automatic, VerdictOnly, Nothing}, fault.Invalid)
	}
	return nil
}

// SetPolicy makes a policy, in the place of the one for that uplink and colour. What
// waits already waits on. The error is fault.Invalid.
func (a *Answers) SetPolicy(ctx context.Context, who audit.Actor, p Policy) (Policy, error) {
	if err := p.check(); err != nil {
		return p, fmt.Errorf("release policy: %w", err)
	}
	p.By, p.At = who.Name, a.now()
	return p, a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := selectPolicy(ctx, tx, p.Uplink, p.Colour)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
		if err := upsertPolicy(ctx, tx, &p); err != nil {
			return err
		}
		return a.config.Trail.Record(ctx, tx, who, "answer.policy", audit.Subject{Kind: "answer_policy", ID: string(p.Uplink) + "/" + string(p.Colour)}, before, p)
	})
}

// RemovePolicy takes a policy away. The error is fault.NotFound where there is none.
func (a *Answers) RemovePolicy(ctx context.Context, who audit.Actor, uplink alliance.NodeID, colour alliance.Colour) error {
	return a.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := selectPolicy(ctx, tx, uplink, colour)
		if err != nil {
			return fmt.Errorf("release policy of uplink %q, colour %q: %w", uplink, colour, err)
		}
		if err := deletePolicy(ctx, tx, uplink, colour); err != nil {
			return err
		}
		return a.config.Trail.Record(ctx, tx, who, "answer.policy", audit.Subject{Kind: "answer_policy", ID: string(uplink) + "/" + string(colour)}, before, nil)
	})
}

// Policies returns the policies that were made.
func (a *Answers) Policies(ctx context.Context) (all []Policy, err error) {
	err = a.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		all, err = selectPolicies(ctx, tx)
		return err
	})
	return all, err
}

// policyFor is the policy that counts: the one for the uplink and colour, else for
// the uplink, else for the colour, else for any, else the default.
func policyFor(ctx context.Context, tx *store.Tx, uplink alliance.NodeID, colour alliance.Colour) (Policy, error) {
	all, err := selectPolicies(ctx, tx)
	if err != nil {
		return Policy{}, err
	}
	best, rank := DefaultPolicy(), 0
	for _, p := range all {
		if p.Uplink != "" && p.Uplink != uplink || p.Colour != "" && p.Colour != colour {
			continue
		}
		r := 1
		if p.Uplink != "" {
			r += 2
		}
		if p.Colour != "" {
			r++
		}
		if r > rank {
			best, rank = p, r
		}
	}
	return best, nil
}
