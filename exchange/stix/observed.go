package stix

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// observedData is an observed-data object with what was observed.
type observedData struct {
	first, last time.Time
	times       int
	objects     []Object
	byID        map[string]Object // by id, or in STIX 2.0 by its key
}

// ObservedIn returns the observations that objects tell of, one for each
// observed-data, with those of the objects that it refers to. What it refers to
// and is not there was not observed. An object of another type that says how often
// and holds objects, as observed-data was named before STIX 2.0, is one too. The error is fault.Invalid for one that does not
// say when and how often.
func ObservedIn(objects []Object) ([]Observed, error) {
	byID := make(map[string]Object, len(objects))
	for _, o := range objects {
		if o.ID() != "" {
			byID[o.ID()] = o
		}
	}
	var all []Observed
	for i, o := range objects {
		_, counted := o["number_observed"]
		if o.Type() != "observed-data" && (!counted || o.Inner("objects") == nil) {
			continue
		}
		observed, err := observe(o, byID)
		if err != nil {
			return nil, fmt.Errorf("objects[%d]: observed-data: %w: %w", i, err, fault.Invalid)
		}
		all = append(all, observed)
	}
	return all, nil
}

func observe(o Object, byID map[string]Object) (*observedData, error) {
	d := &observedData{byID: map[string]Object{}}
	var err error
	if d.first, err = parseTime(o.Text("first_observed")); err != nil {
		return nil, fmt.Errorf("first_observed: %w", err)
	}
	if d.last, err = parseTime(o.Text("last_observed")); err != nil {
		return nil, fmt.Errorf("last_observed: %w", err)
	}
	if d.last.Before(d.first) {
		return nil, errors.New("last_observed is before first_observed")
	}
	times, ok := asFloat(o["number_observed"])
	if !ok || times < 1 || times > biggest {
		return nil, errors.New("number_observed: a number from 1 is expected")
	}
	d.times = int(times)
	if refs := o.Texts("object_refs"); len(refs) > 0 {
		for _, id := range refs {
			d.add(id, byID[id])
		}
		return d, nil
	}
	inner := o.Inner("objects") // STIX 2.0
	for _, key := range slices.Sorted(maps.Keys(inner)) {
		d.add(key, inner.Inner(key))
	}
	return d, nil
}

// add adds an object; only observables and what the standard does not define can
// be observed.
func (d *observedData) add(id string, o Object) {
	if family := model().family(o.Type()); o == nil || d.byID[id] != nil || family != "" && family != observableFamily {
		return
	}
	d.byID[id] = o
	d.objects = append(d.objects, o)
}

func (d *observedData) Interval() (first, last time.Time) { return d.first, d.last }
func (d *observedData) Times() int                        { return d.times }
func (d *observedData) Objects() int                      { return len(d.objects) }
func (d *observedData) Type(object int) string            { return d.objects[object].Type() }

func (d *observedData) Values(object int, path *ObjectPath, visit func(any) bool) {
	d.walk(map[string]any(d.objects[object]), path.Steps, "", visit)
}

// walk takes the steps from a value that the property before it holds. It returns
// false when visit did.
func (d *observedData) walk(value any, steps []PathStep, property string, visit func(any) bool) bool {
	if len(steps) == 0 {
		if value == nil { // null is no value (§9.6.1)
			return true
		}
		return visit(decoded(property, value))
	}
	step := steps[0]
	if step.Index == "" {
		// A property that ends in _ref or _refs leads to the object it names (§9.7).
		if id, ok := value.(string); ok && (strings.HasSuffix(property, "_ref") || strings.HasSuffix(property, "_refs")) {
			value = map[string]any(d.byID[id])
		}
		inner, _ := value.(map[string]any)
		next, present := inner[step.Key]
		return !present || d.walk(next, steps[1:], step.Key, visit)
	}
	list, _ := value.([]any)
	if step.Index == "*" {
		for _, item := range list {
			if !d.walk(item, steps[1:], property, visit) {
				return false
			}
		}
		return true
	}
	n, err := strconv.Atoi(step.Index)
	if err != nil || n < 0 || n >= len(list) {
		return true
	}
	return d.walk(list[n], steps[1:], property, visit)
}

// decoded returns what is written in a property whose name says that it is binary
// (§2.1, §2.8); a text that is none as it is.
func decoded(property string, value any) any {
	text, ok := value.(string)
	if !ok {
		return value
	}
	switch {
	case strings.HasSuffix(property, "_hex"):
		if b, err := hex.DecodeString(text); err == nil {
			return b
		}
	case strings.HasSuffix(property, "_bin"):
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			return b
		}
	}
	return value
}
