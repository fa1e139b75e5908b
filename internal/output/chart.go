package output

import (
	"fmt"
	"time"

	"tocsin/intel"
)

// The chart's size in its own units, which are pixels where it is drawn as wide
// as the page's column.
const (
	chartWidth  = 1120
	chartLeft   = 108 // names of levels
	chartRight  = 92  // peaks
	laneHeight  = 34
	laneGap     = 6
	axisHeight  = 34
	chartBars   = 200 // at most, gaps counted
	sparkWidth  = 96
	sparkHeight = 16
	sparkBars   = 32
)

// chart shows when findings of each level occurred: a lane a level, each with
// its own scale, since a thousand low findings must not hide one critical.
type chart struct {
	Width, Height int
	Left, Right   int
	Bottom        int
	Bar           string // how long a bar is, "5 minutes"
	Lanes         []lane
	Ticks         []tick
	Rows          []chartRow // the same as a table
	Heads         []string   // of the table: the lanes' names
	NotDrawn      []string   // few findings, far away from the rest
	from, to      time.Time
}

type lane struct {
	Name, Class string
	Base        int // y of the lane's line
	Label       int // y of its name
	Peak        string
	Bars        []rect
}

type rect struct {
	X, Y, W, H string
	Title      string
}

type tick struct {
	X           string
	Label, Date string
}

type chartRow struct {
	When   string
	Counts []string
}

// newChart returns nil when no finding says when it was.
func newChart(t *timeline) *chart {
	if t.first.IsZero() {
		return nil
	}
	bars, step, before, after := t.chart(chartBars)
	from := bars[0].start
	to := bars[len(bars)-1].start.Add(step)
	c := &chart{Width: chartWidth, Left: chartLeft, Right: chartWidth - chartRight, Bar: stepName(step), from: from, to: to}
	if before > 0 {
		c.NotDrawn = append(c.NotDrawn, Count(before, "finding", "findings")+" before "+moment(from))
	}
	if after > 0 {
		c.NotDrawn = append(c.NotDrawn, Count(after, "finding", "findings")+" after "+moment(to))
	}
	scale := float64(c.Right-c.Left) / to.Sub(from).Seconds()
	place := func(at time.Time) float64 { return float64(c.Left) + at.Sub(from).Seconds()*scale }

	for level := intel.Critical; ; level-- {
		if l, ok := newLane(bars, step, level, place); ok {
			l.place(len(c.Lanes))
			c.Lanes = append(c.Lanes, l)
			c.Heads = append(c.Heads, l.Name)
		}
		if level == intel.Unrated {
			break
		}
	}
	c.Bottom = len(c.Lanes)*(laneHeight+laneGap) + laneGap
	c.Height = c.Bottom + axisHeight
	c.Ticks = ticks(from, to, place)
	c.Rows = chartRows(bars)
	return c
}

// newLane draws the bars of one level from its line upwards, the line at 0.
func newLane(bars []*bar, step time.Duration, level intel.Severity, place func(time.Time) float64) (lane, bool) {
	peak := uint64(0)
	for _, b := range bars {
		peak = max(peak, b.byLevel[level])
	}
	if peak == 0 {
		return lane{}, false
	}
	l := lane{Name: capital(level.String()), Class: level.String(), Peak: "peak " + number(peak)}
	for _, b := range bars {
		n := b.byLevel[level]
		if n == 0 {
			continue
		}
		const least = 3 // a single finding must be seen
		height := max(float64(n)/float64(peak)*laneHeight, least)
		x, end := place(b.start), place(b.start.Add(step))
		l.Bars = append(l.Bars, rect{
			X: decimal(x), Y: decimal(-height), W: decimal(max(end-x-1, 2)), H: decimal(height),
			Title: fmt.Sprintf("%s: %s", moment(b.start), Count(n, "finding", "findings")),
		})
	}
	return l, true
}

// place puts the lane under those before it.
func (l *lane) place(before int) {
	l.Base = (before + 1) * (laneHeight + laneGap)
	l.Label = l.Base - 4
}

func chartRows(bars []*bar) []chartRow {
	var present []intel.Severity
	for level := intel.Critical; ; level-- {
		for _, b := range bars {
			if b.byLevel[level] > 0 {
				present = append(present, level)
				break
			}
		}
		if level == intel.Unrated {
			break
		}
	}
	var rows []chartRow
	for _, b := range bars {
		row := chartRow{When: moment(b.start)}
		for _, level := range present {
			row.Counts = append(row.Counts, number(b.byLevel[level]))
		}
		rows = append(rows, row)
	}
	return rows
}

// spark draws one rule's findings over the time that the chart of all spans.
func spark(t *timeline, from, to time.Time) []rect {
	slotWidth := max(to.Sub(from).Seconds()/sparkBars, 1)
	var counts [sparkBars]uint64
	peak := uint64(0)
	for _, b := range t.bars {
		if b.start.Add(steps[t.step]).Before(from) || b.start.After(to) {
			continue
		}
		i := min(max(int(b.start.Sub(from).Seconds()/slotWidth), 0), sparkBars-1)
		counts[i] += b.total()
		peak = max(peak, counts[i])
	}
	var rects []rect
	for i, n := range counts {
		if n == 0 {
			continue
		}
		height := max(float64(n)/float64(peak)*sparkHeight, 2)
		rects = append(rects, rect{
			X: decimal(float64(i) * sparkWidth / sparkBars), Y: decimal(sparkHeight - height), W: decimal(sparkWidth/sparkBars - 0.5), H: decimal(height),
		})
	}
	return rects
}

func decimal(f float64) string { return fmt.Sprintf("%.1f", f) }

// tickSteps are the distances between marks of the axis.
var tickSteps = [...]time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 2 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour,
}

// maxTicks is how many labels of the axis stand side by side without touching.
const maxTicks = 10

// ticks marks the axis at round times: clock times within days, days within
// months, then months and years.
func ticks(from, to time.Time, place func(time.Time) float64) []tick {
	for _, step := range tickSteps {
		if to.Sub(from)/step < maxTicks {
			return clockTicks(from, to, step, place)
		}
	}
	return monthTicks(from, to, place)
}

func clockTicks(from, to time.Time, step time.Duration, place func(time.Time) float64) []tick {
	var all []tick
	day := ""
	at := from.Truncate(step)
	if at.Before(from) {
		at = at.Add(step)
	}
	for ; !at.After(to); at = at.Add(step) {
		t := tick{X: decimal(place(at))}
		switch {
		case step >= 24*time.Hour:
			t.Label = at.Format("2 Jan")
		case step >= time.Minute:
			t.Label = at.Format("15:04")
		default:
			t.Label = at.Format("15:04:05")
		}
		date := at.Format("2 Jan 2006")
		if step >= 24*time.Hour {
			date = at.Format("2006")
		}
		if date != day {
			t.Date, day = date, date
		}
		all = append(all, t)
	}
	return all
}

func monthTicks(from, to time.Time, place func(time.Time) float64) []tick {
	const hoursAMonth = 24 * 30.44
	months := max(int(to.Sub(from).Hours()/hoursAMonth)/maxTicks, 0) + 1
	for _, round := range []int{1, 3, 6, 12, 24, 60, 120, 600, 1200, 6000, 12000} {
		if months <= round {
			months = round
			break
		}
	}
	var all []tick
	year := ""
	first := from.Year()*12 + int(from.Month()) - 1
	for m := (first + months - 1) / months * months; ; m += months {
		at := time.Date(m/12, time.Month(m%12+1), 1, 0, 0, 0, 0, time.UTC)
		if at.After(to) {
			return all
		}
		if at.Before(from) {
			continue
		}
		t := tick{X: decimal(place(at)), Label: at.Format("Jan")}
		if y := at.Format("2006"); months >= 12 {
			t.Label = y
		} else if y != year {
			t.Date, year = y, y
		}
		all = append(all, t)
	}
}

// stepName says how long a bar is.
func stepName(step time.Duration) string {
	switch {
	case step < time.Minute:
		return Count(int(step/time.Second), "second", "seconds")
	case step < time.Hour:
		return Count(int(step/time.Minute), "minute", "minutes")
	case step < 24*time.Hour:
		return Count(int(step/time.Hour), "hour", "hours")
	default:
		return Count(int(step/(24*time.Hour)), "day", "days")
	}
}
