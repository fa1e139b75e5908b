package output

import (
	"strconv"

	"tocsin/detect"
	"tocsin/intel"
)

// indicatorGroup is what indicators share that are shown as one group: they are
// too many to be shown each by itself, as rules are.
type indicatorGroup struct {
	source, label string
	level         intel.Severity
}

// maxIndicatorGroups bounds the groups: sources name some thousand families, but
// one may give every indicator a label of its own.
const maxIndicatorGroups = 10_000

// indicatorGroup returns the group of an indicator's finding.
func (o *Overview) indicatorGroup(f *detect.Finding) indicatorGroup {
	key := indicatorGroup{f.Indicator.Source, f.Indicator.Label, f.Meta().Level}
	if _, known := o.groups[key]; !known && len(o.groups) >= maxIndicatorGroups {
		key.label = ""
	}
	return key
}

// groupMeta returns what a finding's group is called. Of indicators it is what
// they share; their values are in the examples.
func groupMeta(f *detect.Finding) detect.Meta {
	meta := f.Meta()
	in := f.Indicator
	if in == nil {
		return meta
	}
	meta.ID = ""
	switch {
	case in.Label != "" && in.Source != "":
		meta.Title = "Indicators of " + in.Source + ": " + in.Label
	case in.Label+in.Source != "":
		meta.Title = "Indicators of " + in.Source + in.Label
	default:
		meta.Title = "Indicators"
	}
	return meta
}

// appendIndicator writes what a JSON line says of an indicator.
func appendIndicator(b []byte, f *detect.Finding) []byte {
	in := f.Indicator
	b = appendPair(b, `,"indicator":{"kind":`, in.Kind.String())
	b = appendPair(b, `,"value":`, in.Value)
	if in.Match != intel.MatchOrdinary {
		b = appendPair(b, `,"match":`, in.Match.String())
	}
	if in.Port != 0 {
		b = strconv.AppendUint(append(b, `,"port":`...), uint64(in.Port), 10)
	}
	b = appendPair(b, `,"source":`, in.Source)
	b = appendPair(b, `,"family":`, in.Label)
	b = appendPair(b, `,"tlp":`, in.Marking.String())
	b = strconv.AppendInt(append(b, `,"confidence":`...), int64(in.ConfidenceAt(f.Time)), 10)
	b = appendPair(b, `,"action":`, in.Action.String())
	return append(b, '}')
}
