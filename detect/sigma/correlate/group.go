package correlate

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"tocsin/detect/sigma"
)

// group is the state of one correlation for one set of group-by values.
type group struct {
	owner  *linked
	key    string
	values []GroupValue
	kept   []observation // sorted by time
	window tally         // over the window that ends with the newest of kept
	first  int           // the first of kept within that window
	last   int64         // when it was last reported
	cost   int

	newer, older *group // in groupList
}

// observe takes a match into account in one correlation, and in those that
// build on it.
func (c *Correlator) observe(f feed, at int64, value func(string) (string, bool)) {
	n := f.to
	o, ok := n.observation(f.source, at, value)
	var key string
	var values []GroupValue
	if ok {
		key, values, ok = n.groupOf(f.source, value)
	}
	if !ok {
		c.stats.Ungrouped++
		return
	}
	g := n.groups[key]
	if g == nil {
		g = c.newGroup(n, key, values)
	}
	c.recent.touch(g)
	if len(g.kept) > 0 && at < g.kept[len(g.kept)-1].at-int64(c.limits.Lateness) {
		c.stats.Late++
		return
	}
	result, held := c.insert(g, o)
	if !held {
		return
	}
	c.hold(g, result, f.source, value)
}

// hold reports a correlation that holds, unless it was reported lately, and
// tells those that build on it.
func (c *Correlator) hold(g *group, r Reached, source int, value func(string) (string, bool)) {
	n := g.owner
	at := r.Time.UnixNano()
	fresh := g.last == never || at-g.last >= int64(n.Timespan) || g.last-at >= int64(n.Timespan)
	if fresh {
		g.last = at
		if !n.silent {
			c.stats.Reached++
			c.reached = append(c.reached, r)
		}
	}
	inner := func(field string) (string, bool) { return value(n.field(field, source)) }
	for _, parent := range n.parents {
		if fresh || parent.to.Kind == sigma.Temporal || parent.to.Kind == sigma.TemporalOrdered {
			c.observe(parent, at, inner)
		}
	}
}

// observation makes what is remembered of a match; ok is false when it lacks
// the field that the condition looks at.
func (n *linked) observation(source int, at int64, value func(string) (string, bool)) (o observation, ok bool) {
	o = observation{at: at, source: source}
	if n.Kind == sigma.ValueCount {
		var b strings.Builder
		for _, field := range n.Fields {
			text, ok := value(n.field(field, source))
			if !ok {
				return o, false
			}
			writePart(&b, text)
		}
		o.value = b.String()
		return o, true
	}
	if len(n.Fields) == 0 {
		return o, true
	}
	text, ok := value(n.field(n.Fields[0], source))
	if ok {
		o.number, ok = sigma.ParseNumber([]byte(text))
	}
	return o, ok
}

// groupOf returns the key and the values of a match's group; ok is false when
// it has none of the fields.
func (n *linked) groupOf(source int, value func(string) (string, bool)) (key string, values []GroupValue, ok bool) {
	var b strings.Builder
	values = make([]GroupValue, len(n.GroupBy))
	ok = len(n.GroupBy) == 0
	for i, field := range n.GroupBy {
		text, present := value(n.field(field, source))
		ok = ok || present
		writePart(&b, text)
		values[i] = GroupValue{field, cut(text)}
	}
	return b.String(), values, ok
}

// writePart appends one part of a key so that different lists of parts never
// make the same key. A long part is replaced by its hash, lest values of many
// kilobytes fill memory.
func writePart(b *strings.Builder, text string) {
	size := binary.AppendUvarint(nil, uint64(len(text)))
	b.Write(size)
	if len(text) > 2*sha256.Size {
		sum := sha256.Sum256([]byte(text))
		b.Write(sum[:])
		return
	}
	b.WriteString(text)
}

// cut copies a value to be shown.
func cut(text string) string {
	if len(text) <= valueKept {
		return strings.Clone(text)
	}
	return strings.ToValidUTF8(text[:valueKept], "") + "…"
}

func (c *Correlator) newGroup(n *linked, key string, values []GroupValue) *group {
	g := &group{owner: n, key: key, values: values, window: newTally(n.Correlation), last: never}
	g.cost = groupCost + len(key)
	if n.Kind == sigma.TemporalOrdered {
		g.cost += 8 * len(n.Rules) * len(n.Rules)
	}
	for _, v := range values {
		g.cost += len(v.Value)
	}
	c.memory += g.cost
	n.groups[key] = g
	return g
}

// insert adds a match and reports whether the condition holds in a window that
// the match belongs to: the last such window.
func (c *Correlator) insert(g *group, o observation) (Reached, bool) {
	c.charge(g, observationCost+len(o.value))
	if len(g.kept) > 0 && o.at < g.kept[len(g.kept)-1].at {
		return c.insertLate(g, o)
	}
	g.kept = append(g.kept, o)
	g.window.add(o)
	g.slide()
	c.trim(g)
	if !g.owner.mayHold(o) || !g.owner.Holds(g.window.value()) {
		return Reached{}, false
	}
	return g.reached(g.kept[g.first:], g.window.value()), true
}

// mayHold spares the work of asking a condition that a match cannot bring to
// hold: rules in order are complete with the last of them.
func (n *linked) mayHold(o observation) bool {
	if n.Kind != sigma.TemporalOrdered || len(n.Bounds) != 1 {
		return true
	}
	all := sigma.Bound{Op: sigma.GreaterOrEqual, Value: float64(len(n.Rules))}
	return n.Bounds[0] != all || o.source == len(n.Rules)-1
}

// slide takes out of the window what is older than the timespan.
func (g *group) slide() {
	end := g.kept[len(g.kept)-1].at
	for g.first < len(g.kept) && end-g.kept[g.first].at > int64(g.owner.Timespan) {
		g.window.remove(g.kept[g.first])
		g.first++
	}
}

// trim forgets matches that no window can need any more, and the oldest of a
// group that is full.
func (c *Correlator) trim(g *group) {
	end := g.kept[len(g.kept)-1].at
	horizon := int64(g.owner.Timespan) + int64(c.limits.Lateness)
	n := 0
	for n < g.first && end-g.kept[n].at > horizon {
		n++
	}
	for len(g.kept)-n > g.owner.limit {
		if n >= g.first {
			g.window.remove(g.kept[n])
			g.first++
			c.stats.Dropped++
		}
		n++
	}
	for i := range n {
		c.charge(g, -observationCost-len(g.kept[i].value))
		g.kept[i] = observation{}
	}
	g.kept = g.kept[n:]
	g.first -= n
}

func (c *Correlator) charge(g *group, bytes int) {
	g.cost += bytes
	c.memory += bytes
}

// insertLate adds a match that is older than the newest, and looks at its own
// window and at all that end after it and hold it.
func (c *Correlator) insertLate(g *group, o observation) (Reached, bool) {
	at, _ := slices.BinarySearchFunc(g.kept, o, func(a, b observation) int {
		if a.at == b.at {
			return -1 // after those of the same time
		}
		return cmp.Compare(a.at, b.at)
	})
	g.kept = slices.Insert(g.kept, at, o)
	g.rebuild()
	c.trim(g)
	at = slices.IndexFunc(g.kept, func(k observation) bool { return k == o })
	if at < 0 {
		return Reached{}, false
	}
	var found Reached
	held := false
	window := newTally(g.owner.Correlation)
	first := 0
	for end := 0; end < len(g.kept) && g.kept[end].at-o.at <= int64(g.owner.Timespan); end++ {
		window.add(g.kept[end])
		for g.kept[end].at-g.kept[first].at > int64(g.owner.Timespan) {
			window.remove(g.kept[first])
			first++
		}
		if end < at || !g.owner.mayHold(g.kept[end]) || !g.owner.Holds(window.value()) {
			continue
		}
		found, held = g.reached(g.kept[first:end+1], window.value()), true
	}
	return found, held
}

// rebuild makes the newest window anew.
func (g *group) rebuild() {
	g.window, g.first = newTally(g.owner.Correlation), 0
	for _, o := range g.kept {
		g.window.add(o)
	}
	g.slide()
}

func (g *group) reached(window []observation, value float64) Reached {
	return Reached{
		Correlation: g.owner.Correlation,
		Time:        time.Unix(0, window[len(window)-1].at).UTC(),
		Since:       time.Unix(0, window[0].at).UTC(),
		Group:       g.values,
		Value:       value,
		Matches:     len(window),
	}
}

// forgetExpired lets go of groups that no match can add to any more.
func (c *Correlator) forgetExpired() {
	for g := c.recent.oldest; g != nil && g.expired(c.newest, c.limits.Lateness); g = c.recent.oldest {
		c.forget(g)
	}
}

func (g *group) expired(newest int64, lateness time.Duration) bool {
	if len(g.kept) == 0 {
		return true
	}
	last := max(g.kept[len(g.kept)-1].at, g.last)
	return newest-last > int64(g.owner.Timespan)+int64(lateness)
}

// forgetSurplus keeps to the limits.
func (c *Correlator) forgetSurplus() {
	for c.recent.length > c.limits.Groups || c.memory > c.limits.Memory && c.recent.length > 1 {
		c.stats.Evicted++
		c.forget(c.recent.oldest)
	}
}

func (c *Correlator) forget(g *group) {
	c.recent.remove(g)
	delete(g.owner.groups, g.key)
	c.memory -= g.cost
}
