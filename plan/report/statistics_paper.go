package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/plan/fact"
)

// Export writes statistics as JSON, CSV (one table of all), XLSX (a sheet for
// each) or HTML, the same bytes each time.
func (s *Statistics) Export(language string, format Format) ([]byte, error) {
	l, err := ParseLanguage(language)
	if err != nil {
		return nil, err
	}
	w := &statisticsWriter{writer: writer{language: l}, Statistics: s}
	switch format {
	case JSON:
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		err := e.Encode(s)
		return b.Bytes(), err
	case CSV:
		// Excel reads Chinese only behind a mark.
		return w.all().CSV(l, document.CSVOptions{Mark: l == document.Chinese})
	case XLSX:
		return w.paper().XLSX()
	case HTML:
		return w.paper().HTML()
	}
	return nil, fmt.Errorf("format %.20q: statistics are %s, %s, %s or %s: %w", format, JSON, CSV, XLSX, HTML, fault.Invalid)
}

type statisticsWriter struct {
	writer
	*Statistics
}

// counted is one table of counts.
type counted struct {
	title  string
	counts []Count
}

func (w *statisticsWriter) tables() []counted {
	return []counted{
		{w.say("By kind", "按性质"), w.Kinds},
		{w.say("By category", "按类别"), w.Categories},
		{w.say("By cause", "按原因"), w.Causes},
		{w.say("By sector", "按行业"), w.Sectors},
		{w.say("By level", "按级别"), w.Levels},
		{w.say("By month", "按月份"), w.Months},
		{w.say("Left out", "未计入"), w.LeftOut},
	}
}

// paper has a table for each kind of count.
func (w *statisticsWriter) paper() *document.Paper {
	p := &document.Paper{
		Title: w.say("Incidents of the year ", "年度事件统计 ") + strconv.Itoa(w.Year), Language: w.language,
		Issuer: document.Party{Name: w.Organisation},
		// A year's statistics are of the year: they change with its incidents, not with
		// the day on which they are printed.
		Written: document.Moment{At: time.Date(w.Year, 12, 31, 0, 0, 0, 0, time.UTC), Zone: "UTC"},
	}
	p.Sections = append(p.Sections, document.Section{Title: w.say("Total", "总数"), Blocks: document.Blocks{document.Fields{Fields: []document.Field{
		{Label: w.say("Incidents", "事件数"), Value: strconv.FormatInt(w.Incidents, 10)},
		{Label: w.say("Time zone", "时区"), Value: w.Zone},
	}}}})
	for _, t := range w.tables() {
		table := document.Table{Columns: []document.Column{{Title: w.say("Code", "代码")}, {Title: t.title}, {Title: w.say("Incidents", "事件数"), Numeric: true}}}
		for _, c := range t.counts {
			table.Rows = append(table.Rows, []document.Cell{{Text: c.Code}, {Text: in(c.Title, w.language)}, {Number: strconv.FormatInt(c.Count, 10)}})
		}
		p.Sections = append(p.Sections, document.Section{Title: t.title, Blocks: document.Blocks{table}})
	}
	p.Sections = append(p.Sections,
		document.Section{Title: w.say("Reported in time", "按时报告情况"), Blocks: document.Blocks{w.clocks()}},
		document.Section{Title: w.say("Durations", "处置时长"), Blocks: document.Blocks{w.times()}})
	return p
}

func (w *statisticsWriter) clocks() document.Table {
	t := document.Table{Columns: []document.Column{
		{Title: w.say("Regime", "制度")},
		{Title: w.say("Clock", "时限")},
		{Title: w.say("In time", "按时"), Numeric: true},
		{Title: w.say("Missed", "逾期"), Numeric: true},
		{Title: w.say("Open", "未到期"), Numeric: true},
		{Title: w.say("In time, %", "按时率（%）"), Numeric: true},
	}}
	for _, c := range w.Clocks {
		t.Rows = append(t.Rows, []document.Cell{
			{Text: c.Regime}, {Text: in(c.Title, w.language)}, count(c.Met), count(c.Missed), count(c.Open), percent(c.Share),
		})
	}
	return t
}

func count(n int64) document.Cell { return document.Cell{Number: strconv.FormatInt(n, 10)} }

// percent writes hundredths of a percent; nothing for a share of none.
func percent(share int64) document.Cell {
	if share < 0 {
		return document.Cell{}
	}
	return document.Cell{Number: fmt.Sprintf("%d.%02d", share/100, share%100)}
}

// durations are the three, with what they are.
func (w *statisticsWriter) durations() []struct {
	title fact.Title
	times Times
} {
	return []struct {
		title fact.Title
		times Times
	}{
		{both("Occurred to detected", "发生至发现"), w.Detect},
		{both("Detected to contained", "发现至遏制"), w.Contain},
		{both("Detected to recovered", "发现至恢复"), w.Recover},
	}
}

func (w *statisticsWriter) times() document.Table {
	t := document.Table{Columns: []document.Column{
		{Title: w.say("Time", "时长")},
		{Title: w.say("Incidents", "事件数"), Numeric: true},
		{Title: w.say("Median, min", "中位数（分钟）"), Numeric: true},
		{Title: w.say("90 % within, min", "90%分位（分钟）"), Numeric: true},
	}}
	for _, d := range w.durations() {
		row := []document.Cell{{Text: in(d.title, w.language)}, count(d.times.Counted), {}, {}}
		if d.times.Counted > 0 {
			row[2], row[3] = count(d.times.Median), count(d.times.P90)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// all is everything as one table, for a program that reads CSV.
func (w *statisticsWriter) all() document.Table {
	t := document.Table{Columns: []document.Column{
		{Title: w.say("Table", "统计项")},
		{Title: w.say("Code", "代码")},
		{Title: w.say("Title", "名称")},
		{Title: w.say("Measure", "指标")},
		{Title: w.say("Value", "数值"), Numeric: true},
	}}
	row := func(table, code, title, measure string, value document.Cell) {
		if value.Number != "" {
			t.Rows = append(t.Rows, []document.Cell{{Text: table}, {Text: code}, {Text: title}, {Text: measure}, value})
		}
	}
	incidents := w.say("incidents", "事件数")
	row(w.say("Total", "总数"), strconv.Itoa(w.Year), "", incidents, count(w.Incidents))
	for _, of := range w.tables() {
		for _, c := range of.counts {
			row(of.title, c.Code, in(c.Title, w.language), incidents, count(c.Count))
		}
	}
	clocks := w.say("Reported in time", "按时报告情况")
	for _, c := range w.Clocks {
		code, title := c.Regime+"/"+c.Clock, in(c.Title, w.language)
		row(clocks, code, title, w.say("in time", "按时"), count(c.Met))
		row(clocks, code, title, w.say("missed", "逾期"), count(c.Missed))
		row(clocks, code, title, w.say("open", "未到期"), count(c.Open))
		row(clocks, code, title, w.say("in time, %", "按时率（%）"), percent(c.Share))
	}
	for _, d := range w.durations() {
		title := in(d.title, w.language)
		table := w.say("Durations", "处置时长")
		row(table, "", title, incidents, count(d.times.Counted))
		if d.times.Counted > 0 {
			row(table, "", title, w.say("median, min", "中位数（分钟）"), count(d.times.Median))
			row(table, "", title, w.say("90 % within, min", "90%分位（分钟）"), count(d.times.P90))
		}
	}
	return t
}
