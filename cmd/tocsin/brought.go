package main

import (
	"errors"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/intel/pack"
	"tocsin/internal/fault"
	"tocsin/knowledge"
)

// brought is indicators that came from another node, and that are looked for as long
// as they stand.
type brought struct {
	origin     string // what brought them; another origin is another set
	source     string // the node
	label      string // what findings call it
	marking    intel.Marking
	until      time.Time // zero for no end
	indicators func() ([]alliance.Indicator, error)
}

// keepBrought makes the sets whose names begin with a prefix those that are wanted.
func keepBrought(all *knowledge.Indicators, prefix string, wanted map[string]*brought) error {
	sets, err := all.List()
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, s := range sets {
		b := wanted[s.Name]
		switch {
		case !strings.HasPrefix(s.Name, prefix):
		case b == nil:
			if err := all.Remove(s.Name); err != nil && !errors.Is(err, fault.NotFound) {
				return err
			}
		default:
			have[s.Name] = s.Origin == b.origin
		}
	}
	for name, b := range wanted {
		if have[name] {
			continue
		}
		indicators, err := b.indicators()
		if err != nil {
			return err
		}
		p, passed := b.pack(indicators)
		set := knowledge.IndicatorSet{Name: name, Origin: b.origin, Source: b.source, TLP: b.marking.String(), Passed: passed}
		if _, err := all.Add(set, p, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// pack is the indicators as findings tell them; passed is how many cannot be matched.
func (b *brought) pack(indicators []alliance.Indicator) (p *pack.Pack, passed int) {
	builder := pack.NewBuilder()
	part := builder.Part(0)
	for i := range indicators {
		in := &indicators[i]
		one := intel.Indicator{
			Observable: intel.Observable{Kind: in.Kind, Value: in.Value}, Match: in.Match, Port: in.Port,
			Origin: intel.Origin{Source: b.label, Label: in.Label, Action: in.Action, Marking: b.marking, Confidence: in.Confidence, Until: b.until},
		}
		if in.From != nil {
			one.From = in.From.UTC()
		}
		if in.Until != nil && (b.until.IsZero() || in.Until.Before(b.until)) {
			one.Until = in.Until.UTC()
		}
		if part.Add(&one) != nil {
			passed++
		}
	}
	part.Close()
	return builder.Pack(), passed
}
