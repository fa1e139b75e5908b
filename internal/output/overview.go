package output

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tocsin/detect"
	"tocsin/intel"
)

const (
	// maxExamples is how many findings of one rule are kept to show: enough to
	// see whether they are all alike.
	maxExamples = 3
	// maxExampleFields bounds an example's fields; the largest Windows events
	// have about sixty.
	maxExampleFields = 120
	// maxValueBytes bounds a value in an example. Command lines that hide
	// something are long, and a reader wants to see that they are.
	maxValueBytes = 2048
	// maxRuleBars bounds the points in time kept for one rule's small chart.
	maxRuleBars = 64
	// maxBars bounds the points in time kept for the chart of all findings.
	maxBars = 2048
)

// Overview gathers findings by rule, host and time. Its memory is bounded by
// the number of rules, not of findings. It is not safe for concurrent use.
type Overview struct {
	ByLevel   [intel.Critical + 1]uint64 // findings by level
	Findings  uint64
	Timeless  uint64 // findings of events that do not say when
	first     [intel.Critical + 1]firstFinding
	timeline  *timeline
	hosts     *hostTable
	groups    map[any]*Group // by *sigma.Rule, *sigma.Correlation or indicatorGroup
	lastGroup *Group         // findings of one rule often follow each other
	lastKey   any
}

// firstFinding is where it began, as far as findings of a level say.
type firstFinding struct {
	time        time.Time
	host, title string
}

// Group is everything found by one rule or correlation, or by the indicators
// that say the same.
type Group struct {
	Meta        detect.Meta
	Correlation bool
	Indicator   bool
	LogSource   intel.LogSource // of the first finding's event
	Findings    uint64
	First, Last time.Time // zero when no event said when
	Examples    []*detect.Finding
	Techniques  []Technique

	hosts    hostSet
	timeline *timeline
}

// NewOverview returns an empty overview.
func NewOverview() *Overview {
	return &Overview{timeline: newTimeline(maxBars), hosts: newHostTable(), groups: map[any]*Group{}}
}

// Add counts a finding. It keeps nothing of f but bounded copies.
func (o *Overview) Add(f *detect.Finding) {
	g := o.group(f)
	level := min(g.Meta.Level, intel.Critical)
	o.Findings++
	o.ByLevel[level]++
	g.Findings++
	if f.Time.IsZero() {
		o.Timeless++
	} else {
		o.timeline.add(f.Time, level)
		if was := &o.first[level]; was.time.IsZero() || f.Time.Before(was.time) {
			*was = firstFinding{f.Time, clip(f.Host), g.Meta.Title}
		}
		g.see(f.Time, level)
	}
	o.hosts.add(f, g, level)
	g.keepExample(f)
}

func (o *Overview) group(f *detect.Finding) *Group {
	var key any = f.Rule
	if f.Correlation != nil {
		key = f.Correlation
	}
	if f.Indicator != nil {
		key = o.indicatorGroup(f)
	}
	if key == o.lastKey {
		return o.lastGroup
	}
	g := o.groups[key]
	if g == nil {
		meta := groupMeta(f)
		g = &Group{
			Meta: meta, Correlation: f.Correlation != nil, Indicator: f.Indicator != nil, LogSource: f.LogSource,
			Techniques: TaggedTechniques(meta.Tags), timeline: newTimeline(maxRuleBars),
		}
		o.groups[key] = g
	}
	o.lastKey, o.lastGroup = key, g
	return g
}

func (g *Group) see(t time.Time, level intel.Severity) {
	if g.First.IsZero() || t.Before(g.First) {
		g.First = t
	}
	if t.After(g.Last) {
		g.Last = t
	}
	g.timeline.add(t, level)
}

// keepExample keeps the first finding and others whose values or hosts differ.
func (g *Group) keepExample(f *detect.Finding) {
	if len(g.Examples) == maxExamples || slices.ContainsFunc(g.Examples, func(e *detect.Finding) bool { return alike(e, f) }) {
		return
	}
	kept := *f
	kept.Host = clip(f.Host)
	kept.Source = clip(f.Source)
	kept.Channel, kept.Provider, kept.EventID = clip(f.Channel), clip(f.Provider), clip(f.EventID)
	kept.Fields = clipAll(f.Fields)
	kept.Event = clipAll(f.Event)
	kept.GroupBy = clipAll(f.GroupBy)
	g.Examples = append(g.Examples, &kept)
}

// alike reports whether a finding says nothing that the kept one does not.
func alike(kept, f *detect.Finding) bool {
	return kept.Host == clip(f.Host) && slices.EqualFunc(kept.Fields, f.Fields[:min(len(f.Fields), maxExampleFields)],
		func(a, b detect.Value) bool { return a.Name == b.Name && a.Value == clip(b.Value) }) &&
		slices.Equal(kept.GroupBy, clipAll(f.GroupBy))
}

func clipAll(values []detect.Value) []detect.Value {
	if values == nil {
		return nil
	}
	kept := make([]detect.Value, 0, min(len(values), maxExampleFields))
	for _, v := range values[:min(len(values), maxExampleFields)] {
		kept = append(kept, detect.Value{Name: clip(v.Name), Value: clip(v.Value)})
	}
	return kept
}

// clip bounds a text that is kept, and frees it from what it was part of.
func clip(text string) string {
	if len(text) <= maxValueBytes {
		return strings.Clone(text)
	}
	return strings.ToValidUTF8(text[:maxValueBytes], "") + "…"
}

// Groups returns what was found by rule: gravest first, then most findings.
func (o *Overview) Groups() []*Group {
	groups := make([]*Group, 0, len(o.groups))
	for _, g := range o.groups {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *Group) int {
		return cmp.Or(
			cmp.Compare(b.Meta.Level, a.Meta.Level),
			cmp.Compare(b.Findings, a.Findings),
			strings.Compare(a.Meta.Title, b.Meta.Title),
			strings.Compare(a.Meta.ID, b.Meta.ID),
		)
	})
	return groups
}

// Highest returns the gravest level found, Unrated when nothing was.
func (o *Overview) Highest() intel.Severity {
	for level := intel.Critical; level > intel.Unrated; level-- {
		if o.ByLevel[level] > 0 {
			return level
		}
	}
	return intel.Unrated
}

// Rules returns how many rules and correlations found something.
func (o *Overview) Rules() int { return len(o.groups) }

// Span returns when the first and the last finding's events happened; zero
// times when none said.
func (o *Overview) Span() (first, last time.Time) { return o.timeline.first, o.timeline.last }
