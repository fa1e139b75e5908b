package alliance

import (
	"fmt"
	"strings"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// shortestSubstring is the least of a text that is looked for within values: less is
// in everything.
const shortestSubstring = 4

// asked is what an indicator asks for: two of the same are one question twice.
type asked struct {
	kind  intel.ObservableKind
	value string
	match intel.Match
	port  uint16
}

func (i *Indicator) asked() asked { return asked{i.Kind, i.Value, i.Match, i.Port} }

// checkIndicators checks each indicator, that none stands there twice, and that
// nothing is to be blocked which must not be: with a kill switch blocked the worm
// that asks for it goes on.
func (w *Warning) checkIndicators(k *check) {
	if !k.count("/indicators", len(w.Indicators), maxIndicators) {
		return
	}
	seen := make(map[asked]int, len(w.Indicators))
	spared := make(map[intel.Observable]int)
	for n := range w.Indicators {
		i := &w.Indicators[n]
		field := fmt.Sprintf("/indicators/%d", n)
		i.check(k, field)
		if first, twice := seen[i.asked()]; twice {
			k.wrong(field, "%s %.80q is number %d already", i.Kind, i.Value, first)
		}
		seen[i.asked()] = n
		if i.Action == intel.DoNotBlock {
			spared[intel.Observable{Kind: i.Kind, Value: i.Value}] = n
		}
		if k.full() {
			return
		}
	}
	if len(spared) > 0 {
		w.checkSpared(k, spared)
	}
}

// check checks one indicator by itself.
func (i *Indicator) check(k *check, field string) {
	switch {
	case i.Match > intel.MatchSubstring:
		k.wrong(field+"/match", "there is no such way to match")
	case i.Match == intel.MatchPrefix && i.Kind != intel.URL:
		k.wrong(field+"/match", "only URLs have a beginning that means something")
	case i.Match == intel.MatchSubstring:
		k.want(len(i.Value) >= shortestSubstring && len(i.Value) <= maxNote, field+"/value", "a text of %d to %d bytes is wanted", shortestSubstring, maxNote)
		k.text(field+"/value", i.Value, maxNote, "")
		_, err := intel.ObservableKind.MarshalText(i.Kind)
		k.want(err == nil && i.Kind != intel.NoObservable && int(i.Kind) <= len(intel.ObservableKinds()), field+"/kind", "there is no such kind")
	default:
		i.checkValue(k, field)
	}
	k.want(i.Port == 0 || i.Kind == intel.IPAddress, field+"/port", "only an address has a port")
	k.want(i.Action <= intel.DoNotBlock, field+"/action", "there is no such action")
	k.want(i.Action != intel.DoNotBlock || strings.TrimSpace(i.Why) != "", field+"/why", "say why it must not be blocked")
	k.text(field+"/why", i.Why, maxNote, "\n\t")
	k.text(field+"/label", i.Label, maxLine, "")
	k.want(i.Confidence <= 100, field+"/confidence", "it is a part of a hundred")
	k.want(i.From == nil || i.Until == nil || i.Until.After(*i.From), field+"/until", "it ends before it begins")
}

func (i *Indicator) checkValue(k *check, field string) {
	o, err := observable.Parse(i.Kind, i.Value)
	switch {
	case err != nil:
		k.wrong(field+"/value", "%s", err)
	case o.Value != i.Value:
		k.wrong(field+"/value", "its normal form is %.100q", o.Value)
	}
}
