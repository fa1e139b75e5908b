package report

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/incident"
	"tocsin/internal/document"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// categoryOf is the title of a category or type by its code, or nil.
func categoryOf(p *regime.Pack, code string) *fact.Title {
	for k := range p.Categories {
		c := &p.Categories[k]
		if c.Code == code {
			return &c.Title
		}
		for t := range c.Types {
			if c.Code+"."+c.Types[t].Code == code {
				return &c.Types[t].Title
			}
		}
	}
	return nil
}

// categories are those under the regime; where it has none that fits, what
// somebody called the incident.
func (s *source) categories(part string) []Piece {
	f := s.facts().Facts[regime.CategoryFact]
	if f.State != fact.Known || len(f.Words) == 0 {
		return line(part, said(s.whole.Incident.Category))
	}
	var all []fact.Title
	for _, code := range f.Words {
		if t := categoryOf(s.pack, code); t != nil {
			all = append(all, *t)
		}
	}
	return line(part, titled(list(all...)))
}

// level is the one in force, or what facts prove while nobody graded.
func (s *source) level(part string) []Piece {
	if s.standing != nil && len(s.standing.Levels) > 0 {
		now := s.standing.Levels[len(s.standing.Levels)-1]
		since := plainMoment(now.At, s.zone).String()
		return line(part, titled(joinTitles("", "", s.levelTitle(now.Level), both(", since "+since, "（自"+since+"起）"))))
	}
	text := joinTitles("", "", s.levelTitle(s.grading.Level), both(" (proposed by the facts; not graded yet)", "（按已知事实初判，尚未定级）"))
	return []Piece{{Part: part, Line: titled(text), Empty: len(s.grading.Fired) == 0}}
}

func (s *source) levelTitle(code string) fact.Title {
	if l := s.pack.Level(code); l != nil {
		return l.Title
	}
	return same(code)
}

// criteria are those that hold, each with the facts that it rests on.
func (s *source) criteria(part string) []Piece {
	var all []Piece
	for _, r := range s.grading.Fired {
		p := Piece{Part: part, Label: r.Title}
		var facts []fact.Title
		for _, f := range r.Facts {
			d := s.pack.Dictionary().Definition(f.Key)
			if d == nil {
				continue
			}
			w, _ := shown(d, s.facts().Facts[f.Key], s.now, s.zone)
			facts = append(facts, joinTitles(": ", "：", d.Title, fact.Title{EN: w.in(document.English), ZH: w.in(document.Chinese)}))
			p.Keys = append(p.Keys, f.Key)
		}
		p.Line = titled(joinTitles("; ", "；", facts...))
		all = append(all, p)
	}
	return all
}

// trend is what grows, and when that will change the level.
func (s *source) trend(part string) []Piece {
	var all []Piece
	for _, key := range s.sheet.Growing(s.now) {
		if p, ok := s.fact(part, key, true); ok {
			all = append(all, p)
		}
	}
	for _, c := range s.grading.Ahead {
		at := plainMoment(c.At, s.zone).String()
		en, zh := " is reached at "+at+" if nothing changes", "：如无变化，将于"+at+"达到"
		if !c.Sure {
			en, zh = " may be reached from "+at, "：自"+at+"起可能达到"
		}
		all = append(all, Piece{Part: part, Line: titled(joinTitles("", "", s.levelTitle(c.Level), both(en, zh)))})
	}
	return all
}

func text(words string) Cell { return Cell{Words: said(words)} }

// sized is a table as a part; none where it has no rows.
func sized(part string, t *Table) []Piece {
	if len(t.Rows) == 0 {
		return nil
	}
	return []Piece{{Part: part, Table: t}}
}

func (s *source) tasks(part string, state incident.TaskState) []Piece {
	t := &Table{Columns: []fact.Title{both("Measure", "措施"), both("By", "负责人"), both("Done", "完成时间")}}
	if state == incident.TaskOpen {
		t.Columns[2] = both("Due", "期限")
	}
	for _, task := range s.whole.Tasks {
		if task.State != state {
			continue
		}
		at := task.Ended
		if state == incident.TaskOpen {
			at = task.Due
		}
		what := task.Title
		if task.Detail != "" {
			what += "\n" + task.Detail
		}
		t.Rows = append(t.Rows, []Cell{text(what), text(task.Assignee), {At: plainMoment(at, s.zone)}})
	}
	return sized(part, t)
}

// told are the entries of a timeline that a reader outside is told: what
// happened and what was done, not what people said to each other while working,
// nor what the plan reminds them of.
func told(k incident.EntryKind) bool {
	switch k {
	case incident.EntryOpened, incident.EntryState, incident.EntryLevel, incident.EntryEvent, incident.EntryTask, incident.EntryEvidence,
		incident.EntryObservable, incident.EntryAsset, incident.EntryAlert, incident.EntryLink, incident.EntryReport:
		return true
	}
	return false
}

func (s *source) timeline(part string) []Piece {
	when := map[string]time.Time{}
	kind := map[string]incident.EntryKind{}
	var entries []Entry
	for _, e := range s.whole.Timeline {
		when[e.ID], kind[e.ID] = e.At, e.Kind
		if e.Kind == incident.EntryCorrection {
			kind[e.ID] = kind[e.Corrects]
		}
		if !told(kind[e.ID]) {
			continue
		}
		one := entry(&e, when, s.zone)
		one.Kind = kind[e.ID]
		entries = append(entries, one)
	}
	if len(entries) == 0 {
		return nil
	}
	inOrder(entries)
	return []Piece{{Part: part, Timeline: entries}}
}

// inOrder puts entries in the order in which things happened; a correction has
// the time of what it corrects, and stays behind it.
func inOrder(all []Entry) {
	slices.SortStableFunc(all, func(a, b Entry) int { return a.At.At.Compare(b.At.At) })
}

// entry is an entry of a timeline, with the time of what it corrects.
func entry(e *incident.Entry, when map[string]time.Time, zone *time.Location) Entry {
	out := Entry{At: plainMoment(e.At, zone), Kind: e.Kind, Who: e.By, Text: e.Text}
	if e.Corrects != "" {
		out.Corrects = plainMoment(when[e.Corrects], zone)
	}
	return out
}

func (s *source) assets(part string) []Piece {
	t := &Table{Columns: []fact.Title{both("Affected", "受影响对象"), both("Kind", "类别"), both("Remark", "备注")}}
	for _, a := range s.whole.Assets {
		t.Rows = append(t.Rows, []Cell{text(a.Name), {Words: titled(assetTitle(a.Kind))}, text(a.Note)})
	}
	return sized(part, t)
}

func assetTitle(kind string) fact.Title {
	switch kind {
	case "host":
		return both("host", "主机")
	case "service":
		return both("service", "服务")
	case "account":
		return both("account", "账户")
	case "data":
		return both("data", "数据")
	case "site":
		return both("site", "场所")
	case "device":
		return both("device", "设备")
	}
	return same(kind)
}

func (s *source) observables(part string) []Piece {
	t := &Table{Columns: []fact.Title{both("Observable", "可观测项"), both("Kind", "类型"), both("Remark", "备注")}}
	for _, o := range s.whole.Observables {
		t.Rows = append(t.Rows, []Cell{text(o.Value), text(o.Kind.String()), text(o.Note)})
	}
	return sized(part, t)
}

func (s *source) evidence(part string) []Piece {
	t := &Table{Columns: []fact.Title{both("Evidence", "证据"), both("Bytes", "字节数"), both("Secured", "固定时间")}}
	for k := range s.whole.Evidence {
		e := &s.whole.Evidence[k]
		name := e.Name
		if e.Note != "" {
			name += "\n" + e.Note
		}
		name += "\nSHA-256 " + string(e.SHA256)
		t.Rows = append(t.Rows, []Cell{text(name), {Number: strconv.FormatInt(e.Bytes, 10)}, {At: plainMoment(e.Added, s.zone)}})
	}
	return sized(part, t)
}

func (s *source) links(part string) []Piece {
	t := &Table{Columns: []fact.Title{both("Incident", "事件"), both("How linked", "关联方式"), both("Title", "标题")}}
	for _, l := range s.whole.Links {
		t.Rows = append(t.Rows, []Cell{text(l.Number), {Words: titled(linkTitle(l.Kind))}, text(l.Title)})
	}
	return sized(part, t)
}

func linkTitle(k incident.LinkKind) fact.Title {
	switch k {
	case incident.DuplicateOf:
		return both("duplicate", "重复")
	case incident.Campaign:
		return both("same campaign", "同一攻击活动")
	case incident.MergedInto:
		return both("merged", "合并")
	case incident.SplitFrom:
		return both("split", "拆分")
	}
	return both("related", "相关")
}

func (s *source) sectors(part string) []Piece {
	var all []fact.Title
	for _, code := range s.organisation.Sectors {
		all = append(all, sectorTitle(s.taxonomy.Sectors, code))
	}
	if len(all) == 0 {
		return nil
	}
	return line(part, titled(list(all...)))
}

// sectorTitle is a sector's title, behind that of what it is part of: "Water"
// alone does not say that it is transport.
func sectorTitle(all []organisation.Sector, code string) fact.Title {
	for k := range all {
		if all[k].Code != code {
			continue
		}
		if at := strings.LastIndexByte(code, '.'); at > 0 {
			return joinTitles(": ", "：", sectorTitle(all, code[:at]), all[k].Title)
		}
		return all[k].Title
	}
	return same(code)
}

func (s *source) earlier(part string) []Piece {
	t := &Table{Columns: []fact.Title{both("Report", "报告"), both("Version", "版本"), both("To", "报送对象"), both("Sent", "报送时间")}}
	for k := range s.previous {
		b := &s.previous[k]
		var to []fact.Title
		for _, id := range b.delivery.Recipients {
			title := same(id)
			if r := s.pack.Recipient(id); r != nil {
				title = r.Title
			}
			to = append(to, title)
		}
		t.Rows = append(t.Rows, []Cell{
			text(b.number), {Number: strconv.FormatInt(b.version, 10)}, {Words: titled(list(to...))}, {At: plainMoment(b.delivery.At, s.zone)},
		})
	}
	return sized(part, t)
}
