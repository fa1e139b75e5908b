package misp

import (
	"errors"
	"strconv"
	"strings"

	"tocsin/intel"
	"tocsin/intel/observable"
)

var (
	errValue = errors.New("a value that is not what its type says")
	errPort  = errors.New("a port that is none")
)

// indicator returns the indicator that a part of a value is.
func (p part) indicator() (intel.Indicator, error) {
	var in intel.Indicator
	o, err := observable.Parse(p.kind, p.text)
	if err != nil {
		o, err = p.otherwise()
	}
	if err != nil {
		return in, err
	}
	in.Observable = o
	if o.Kind == intel.URL && strings.HasPrefix(o.Value, "//") {
		in.Match = intel.MatchPrefix
	}
	if p.port == "" {
		return in, nil
	}
	port, err := strconv.ParseUint(strings.TrimSpace(p.port), 10, 16)
	if err != nil || port == 0 {
		return in, errPort
	}
	if o.Kind == intel.IPAddress {
		in.Port = uint16(port)
		return in, nil
	}
	in.Match = intel.MatchPrefix
	in.Observable, err = observable.Parse(intel.URL, "//"+o.Value+":"+strconv.FormatUint(port, 10)+"/")
	return in, err
}

// otherwise reads what people enter under a type: ranges as addresses, paths as
// names of files, anything defanged.
func (p part) otherwise() (intel.Observable, error) {
	for _, kind := range alternatives[p.kind] {
		if o, err := observable.Parse(kind, p.text); err == nil {
			return o, nil
		}
	}
	if o, ok := observable.Guess(p.text); ok && o.Kind == p.kind {
		return o, nil
	}
	return intel.Observable{}, errValue
}

var alternatives = map[intel.ObservableKind][]intel.ObservableKind{
	intel.IPAddress: {intel.IPRange},
	intel.FileName:  {intel.FilePath},
	intel.Domain:    {intel.IPAddress},
}

// maxText bounds a label, a source and an ID.
const maxText = 200

func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "")
}

// confidenceLevels are the values of MISP's taxonomy misp:confidence-level as
// numbers.
var confidenceLevels = map[string]uint8{
	"completely-confident": 100, "usually-confident": 75, "fairly-confident": 50, "rarely-confident": 25, "unconfident": 1,
}

// tagged takes from tags what they say of an indicator.
func tagged(o *intel.Origin, tags []named) {
	labelled := false
	for _, tag := range tags {
		if m, err := intel.ParseMarking(tag.Name); err == nil && hasTLP(tag.Name) {
			o.Marking = max(o.Marking, m)
		}
		if level, ok := strings.CutPrefix(tag.Name, `misp:confidence-level="`); ok {
			if n := confidenceLevels[strings.TrimSuffix(level, `"`)]; n > 0 {
				o.Confidence = n
			}
		}
		if galaxy, ok := strings.CutPrefix(tag.Name, "misp-galaxy:"); ok && !labelled {
			if _, value, ok := strings.Cut(galaxy, `="`); ok {
				o.Label, labelled = clip(strings.TrimSuffix(value, `"`)), true
			}
		}
	}
}

func hasTLP(tag string) bool { return len(tag) > 4 && strings.EqualFold(tag[:4], "tlp:") }
