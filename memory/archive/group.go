package archive

import (
	"errors"
	"fmt"
	"time"

	"tocsin/intel"
	"tocsin/telemetry"
)

// groupReader reads the rows of one row group, and of it only the columns that
// are asked for, when they are.
type groupReader struct {
	*segment
	number int // which row group
	names  *intel.Names
	// unbounded: the names are for what is read alone, and none may be lost.
	unbounded bool

	kinds   []int32 // by row, an index into the segment's; nil: all rows are of one
	shapes  *columnData
	parsed  map[span]shape
	plans   map[planKey]*plan
	lastKey planKey
	last    *plan

	fields       []*columnData // by column; nil until asked for
	restValues   *listData
	rawValues    *listData
	columnAt     map[string]int
	meta         *metaData
	wanted       []wanted // by kind of the segment
	sourceCopies map[source]*telemetry.Source
}

// wanted is what is asked of a kind.
type wanted struct {
	class  *intel.Class
	none   bool
	all    bool
	fields map[string]intel.Name
	clues  []Clue
}

// planKey is what decides how a row is put together.
type planKey struct {
	shape span
	kind  int32
	whole bool
}

// plan is how the fields that are asked for are put together.
type plan []step

type step struct {
	name  intel.Name
	kind  intel.Kind
	place place
	at    int // the column, or which of the row's rest or raw values
}

type place uint8

const (
	inColumn place = iota
	inRest
	inRaw
	isNull
)

var errShape = errors.New("an event's fields are not where its list says")

// begin prepares to read the rows.
func (g *groupReader) begin() (err error) {
	if g.shapes, err = g.column(g.number, g.leaves.shape); err != nil {
		return err
	}
	g.parsed, g.plans, g.last = map[span]shape{}, map[planKey]*plan{}, nil
	g.fields = make([]*columnData, len(g.segment.names))
	g.restValues, g.rawValues, g.meta, g.kinds = nil, nil, nil, nil
	if len(g.groups[g.number].kinds) > 1 {
		g.kinds, err = g.readKinds()
	}
	return err
}

// readKinds says of which kind each row is.
func (g *groupReader) readKinds() ([]int32, error) {
	keys, err := g.column(g.number, g.leaves.class)
	if err != nil {
		return nil, err
	}
	byKey := map[string]int32{}
	for i := range g.index.kinds {
		byKey[g.index.kinds[i].key] = int32(i)
	}
	known := map[span]int32{}
	kinds := make([]int32, len(keys.at))
	for i, at := range keys.at {
		n, ok := known[at]
		if !ok {
			if n, ok = byKey[string(at.of(keys.text))]; !ok {
				return nil, damaged(errIndex)
			}
			known[at] = n
		}
		kinds[i] = n
	}
	return kinds, nil
}

func (g *groupReader) kindOf(row int) int32 {
	if g.kinds == nil {
		return int32(g.groups[g.number].kinds[0])
	}
	return g.kinds[row]
}

// fill puts the fields that are asked for into a row's record.
func (g *groupReader) fill(row *Row, whole bool) error {
	row.Reset()
	p, err := g.plan(planKey{g.shapes.at[row.at], g.kindOf(row.at), whole})
	if err != nil {
		return err
	}
	for i := range *p {
		s := &(*p)[i]
		value, err := g.value(s, row.at)
		if err != nil {
			return err
		}
		row.Add(s.name, s.kind, value)
	}
	return nil
}

func (g *groupReader) value(s *step, row int) (value []byte, err error) {
	switch s.place {
	case isNull:
		return nil, nil
	case inRest:
		if g.restValues == nil {
			if g.restValues, err = g.list(g.number, g.leaves.restValue); err != nil {
				return nil, err
			}
		}
		return g.restValues.nth(row, s.at)
	case inRaw:
		if g.rawValues == nil {
			if g.rawValues, err = g.list(g.number, g.leaves.raw); err != nil {
				return nil, err
			}
		}
		return g.rawValues.nth(row, s.at)
	default:
		column := g.fields[s.at]
		if column == nil {
			if column, err = g.column(g.number, g.leaves.fields[s.at]); err != nil {
				return nil, err
			}
			g.fields[s.at] = column
		}
		return column.of(row), nil
	}
}

// nth returns the nth value of a row's list.
func (l *listData) nth(row, n int) ([]byte, error) {
	at := int(l.first[row]) + n
	if at >= int(l.first[row+1]) {
		return nil, damaged(errShape)
	}
	return l.of(at), nil
}

func (g *groupReader) plan(key planKey) (*plan, error) {
	if g.last != nil && key == g.lastKey {
		return g.last, nil
	}
	p, ok := g.plans[key]
	if !ok {
		var err error
		if p, err = g.newPlan(key); err != nil {
			return nil, err
		}
		g.plans[key] = p
	}
	g.lastKey, g.last = key, p
	return p, nil
}

func (g *groupReader) newPlan(key planKey) (*plan, error) {
	s, ok := g.parsed[key.shape]
	if !ok {
		var err error
		if s, err = parseShape(string(key.shape.of(g.shapes.text))); err != nil {
			return nil, damaged(err)
		}
		g.parsed[key.shape] = s
	}
	w := &g.wanted[key.kind]
	made := plan{}
	seen := map[string]bool{}
	rest, raw := 0, 0
	for _, f := range s {
		st := step{kind: f.kind}
		column, ok := g.columnAt[f.name]
		first := ok && !seen[f.name]
		seen[f.name] = true
		switch {
		case f.raw:
			st.place, st.at = inRaw, raw
			raw++
		case f.kind == intel.Null:
			st.place = isNull
		case first:
			st.place, st.at = inColumn, column
		default:
			st.place, st.at = inRest, rest
			rest++
		}
		name, asked := w.fields[f.name]
		switch {
		case asked:
			st.name = name
		case key.whole || w.all:
			st.name = g.intern(f.name)
		default:
			continue
		}
		made = append(made, st)
	}
	return &made, nil
}

// intern numbers a name of the archive. Names come from telemetry that was
// bounded when it was written, but over years there may be many.
func (g *groupReader) intern(text string) intel.Name {
	if g.unbounded || g.names.Len() < 2*intel.NamesLimit {
		return g.names.Intern(text)
	}
	return g.names.Path([]byte(text))
}

// metaData is what a row group says of its events beside their fields.
type metaData struct {
	hosts, sources, formats *columnData
	times, nanos            []int64
	numbers, offsets        []int64
}

func (g *groupReader) metadata() (m *metaData, err error) {
	if g.meta != nil {
		return g.meta, nil
	}
	m = &metaData{}
	for _, c := range [...]struct {
		to   **columnData
		leaf int
	}{{&m.hosts, g.leaves.host}, {&m.sources, g.leaves.source}, {&m.formats, g.leaves.format}} {
		if *c.to, err = g.column(g.number, c.leaf); err != nil {
			return nil, err
		}
	}
	if m.times, err = g.moments(g.number); err != nil {
		return nil, err
	}
	if g.leaves.nanos != none {
		if m.nanos, err = g.whole(g.number, g.leaves.nanos); err != nil {
			return nil, err
		}
	}
	if m.numbers, err = g.whole(g.number, g.leaves.number); err != nil {
		return nil, err
	}
	if m.offsets, err = g.whole(g.number, g.leaves.offset); err != nil {
		return nil, err
	}
	g.meta = m
	return m, nil
}

// complete fills a row with all there is.
func (g *groupReader) complete(row *Row) error {
	m, err := g.metadata()
	if err != nil {
		return err
	}
	row.Time = m.time(row.at)
	row.Host = m.hosts.of(row.at)
	row.Number, row.Offset = uint64(m.numbers[row.at]), m.offsets[row.at]
	row.Source = g.source(m, row.at)
	if err := g.fill(row, true); err != nil {
		return fmt.Errorf("event %d of row group %d: %w", row.at, g.number, err)
	}
	return nil
}

func (m *metaData) time(row int) time.Time {
	µs := m.times[row]
	if µs == noMoment {
		return time.Time{}
	}
	t := time.UnixMicro(µs).UTC()
	if m.nanos != nil {
		t = t.Add(time.Duration(m.nanos[row]))
	}
	return t
}

func (g *groupReader) source(m *metaData, row int) *telemetry.Source {
	name, format := m.sources.of(row), m.formats.of(row)
	if s, ok := g.sourceCopies[source{string(name), string(format)}]; ok {
		return s
	}
	s := &telemetry.Source{Name: string(name), Format: telemetry.Format(format)}
	g.sourceCopies[source{s.Name, string(s.Format)}] = s
	return s
}
