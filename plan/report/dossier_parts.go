package report

import (
	"strconv"
	"time"

	"tocsin/incident"
	"tocsin/internal/document"
	"tocsin/plan"
	"tocsin/plan/fact"
)

func (p *casePaper) tasks() document.Checklist {
	var out document.Checklist
	for _, t := range p.Case.Tasks {
		one := document.Check{Text: t.Title, Note: t.Assignee}
		switch t.State {
		case incident.TaskDone:
			one.State = document.Done
			one.Note = join(one.Note, plainMoment(t.Ended, p.zone).String(), p.say(", ", "，"))
		case incident.TaskDropped:
			one.State = document.NotApplicable
		case incident.TaskOpen:
			if !t.Due.IsZero() {
				one.Note = join(one.Note, p.say("due ", "期限 ")+plainMoment(t.Due, p.zone).String(), p.say(", ", "，"))
			}
		}
		one.Note = join(one.Note, t.Why, p.say(": ", "："))
		out.Checks = append(out.Checks, one)
	}
	return out
}

// timeline is every entry, comments too: it is for the people of the house.
func (p *casePaper) timeline() document.Timeline {
	when := map[string]time.Time{}
	var all []Entry
	for k := range p.Case.Timeline {
		e := &p.Case.Timeline[k]
		when[e.ID] = e.At
		all = append(all, entry(e, when, p.zone))
	}
	inOrder(all)
	return p.writer.timeline(all)
}

func (p *casePaper) assets() document.Table {
	t := document.Table{Columns: columns(p.say("Affected", "受影响对象"), p.say("Kind", "类别"), p.say("Remark", "备注"), p.say("Added", "登记时间"))}
	for _, a := range p.Case.Assets {
		t.Rows = append(t.Rows, []document.Cell{{Text: a.Name}, {Text: in(assetTitle(a.Kind), p.language)}, {Text: a.Note}, {Moment: plainMoment(a.Added, p.zone)}})
	}
	return t
}

func (p *casePaper) observables() document.Table {
	t := document.Table{Columns: columns(p.say("Observable", "可观测项"), p.say("Kind", "类型"), p.say("Remark", "备注"), p.say("Added", "登记时间"))}
	for _, o := range p.Case.Observables {
		t.Rows = append(t.Rows, []document.Cell{{Text: o.Value}, {Text: o.Kind.String()}, {Text: o.Note}, {Moment: plainMoment(o.Added, p.zone)}})
	}
	return t
}

func (p *casePaper) alerts() document.Table {
	t := document.Table{Columns: columns(p.say("Alert", "告警"), p.say("Host", "主机"), p.say("Findings", "命中数"), p.say("First", "首次"), p.say("Last", "末次"))}
	t.Columns[2].Numeric = true
	for _, a := range p.Case.Alerts {
		t.Rows = append(t.Rows, []document.Cell{
			{Text: a.Title}, {Text: a.Host}, {Number: strconv.FormatInt(a.Findings, 10)}, {Moment: plainMoment(a.First, p.zone)}, {Moment: plainMoment(a.Last, p.zone)},
		})
	}
	return t
}

func (p *casePaper) links() document.Table {
	t := document.Table{Columns: columns(p.say("Incident", "事件"), p.say("How linked", "关联方式"), p.say("Title", "标题"), p.say("Why", "原因"))}
	for _, l := range p.Case.Links {
		t.Rows = append(t.Rows, []document.Cell{{Text: l.Number}, {Text: in(linkTitle(l.Kind), p.language)}, {Text: l.Title}, {Text: l.Why}})
	}
	return t
}

// evidence is the files, and below each who had it in hand.
func (p *casePaper) evidence() []document.Block {
	var blocks []document.Block
	for k := range p.Case.Evidence {
		e := &p.Case.Evidence[k]
		t := document.Table{
			Caption: p.say("Chain of custody", "保管链"),
			Columns: columns(p.say("When", "时间"), p.say("What", "操作"), p.say("By", "经手人"), p.say("To or from", "对方"), p.say("Why", "原因")),
		}
		for _, c := range e.Chain {
			t.Rows = append(t.Rows, []document.Cell{{Moment: plainMoment(c.At, p.zone)}, {Text: in(custodyTitle(c.Action), p.language)}, {Text: c.By}, {Text: c.Person}, {Text: c.Why}})
		}
		blocks = append(blocks, document.Heading{Text: e.Name}, document.Fields{Fields: []document.Field{
			{Label: "SHA-256", Value: string(e.SHA256)},
			{Label: p.say("Bytes", "字节数"), Value: strconv.FormatInt(e.Bytes, 10)},
			{Label: p.say("Remark", "备注"), Value: e.Note},
		}}, t)
	}
	return blocks
}

func custodyTitle(a incident.CustodyAction) fact.Title {
	switch a {
	case incident.Received:
		return both("received", "接收")
	case incident.ReadOut:
		return both("copied", "调取副本")
	case incident.HandedOver:
		return both("handed over", "移交")
	case incident.Returned:
		return both("returned", "归还")
	case incident.Verified:
		return both("verified", "校验")
	}
	return same(string(a))
}

func stateTitle(s incident.State) fact.Title {
	switch s {
	case incident.Reported:
		return both("reported", "已报告")
	case incident.Graded:
		return both("graded", "已定级")
	case incident.Responding:
		return both("responding", "处置中")
	case incident.Contained:
		return both("contained", "已遏制")
	case incident.Recovered:
		return both("recovered", "已恢复")
	case incident.Closed:
		return both("closed", "已结案")
	case incident.Reviewed:
		return both("reviewed", "已评估")
	}
	return same(string(s))
}

func resolutionTitle(r incident.Resolution) fact.Title {
	switch r {
	case "":
		return fact.Title{}
	case incident.Resolved:
		return both("resolved", "已解决")
	case incident.FalseAlarm:
		return both("false alarm", "误报")
	case incident.Duplicate:
		return both("duplicate", "重复")
	case incident.Merged:
		return both("merged into another", "并入其他事件")
	case incident.NearMiss:
		return both("near miss", "未遂")
	}
	return same(string(r))
}

func incidentTitle(k incident.Kind) fact.Title {
	switch k {
	case incident.Happened:
		return both("incident", "事件")
	case incident.NearMissKind:
		return both("near miss", "未遂事件")
	case incident.Threat:
		return both("threat", "威胁")
	case incident.Vulnerability:
		return both("vulnerability", "漏洞")
	}
	return same(string(k))
}

func clockTitle(s plan.State) fact.Title {
	switch s {
	case plan.Provisional:
		return both("provisional", "暂定")
	case plan.Running:
		return both("running", "计时中")
	case plan.Suspended:
		return both("suspended", "暂停")
	case plan.Met:
		return both("met", "按时完成")
	case plan.Missed:
		return both("missed", "逾期")
	case plan.Cancelled:
		return both("cancelled", "取消")
	case plan.Waiting:
		return both("waiting", "未起算")
	}
	return same(string(s))
}
