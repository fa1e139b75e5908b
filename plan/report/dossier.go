package report

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"tocsin/incident"
	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// Dossier is everything of a case: what is exported for another program, kept in
// a file, or handed to a court.
type Dossier struct {
	Case *incident.Case `json:"case"`
	// Organisation is whose case it is.
	Organisation string     `json:"organisation"`
	Standings    []Standing `json:"standings"`
	Reports      []Told     `json:"reports"`
}

// Told is a report with all of its versions.
type Told struct {
	Summary
	Versions   []ToldVersion `json:"versions"`
	Deliveries []Delivery    `json:"deliveries"`
}

// ToldVersion is a version with what it says and who signed it.
type ToldVersion struct {
	Version
	Content    Content     `json:"content"`
	Signatures []Signature `json:"signatures"`
}

// dossier reads everything of a case at one moment.
func (r *Reports) dossier(ctx context.Context, tx *store.Tx, o *organisation.Organisation, word string) (*Dossier, error) {
	c, err := r.config.Incidents.CaseIn(ctx, tx, word)
	if err != nil {
		return nil, err
	}
	d := &Dossier{Case: c, Organisation: o.Name, Reports: []Told{}}
	if d.Standings, err = r.config.Duties.Standings(ctx, tx, c.Incident.ID); err != nil {
		return nil, err
	}
	reports, err := selectReports(ctx, tx, c.Incident.ID)
	if err != nil {
		return nil, err
	}
	for _, s := range reports {
		t, err := r.told(ctx, tx, s)
		if err != nil {
			return nil, err
		}
		d.Reports = append(d.Reports, t)
	}
	return d, nil
}

func (r *Reports) told(ctx context.Context, tx *store.Tx, s Summary) (Told, error) {
	t := Told{Summary: s}
	versions, err := selectVersions(ctx, tx, s.ID)
	if err != nil {
		return t, err
	}
	for _, v := range versions {
		p, err := r.whole(ctx, tx, s, v.Version)
		if err != nil {
			return t, err
		}
		t.Versions = append(t.Versions, ToldVersion{v, p.Content, p.Signatures})
		t.Deliveries = p.Deliveries
	}
	return t, nil
}

// ExportCase writes one JSON object with everything of an incident and, under
// "paper", the printable paper about it in a language, from which other formats
// can be made again.
func (r *Reports) ExportCase(ctx context.Context, word, language string) ([]byte, error) {
	l, err := ParseLanguage(language)
	if err != nil {
		return nil, err
	}
	d, o, err := r.read(ctx, word)
	if err != nil {
		return nil, err
	}
	paper, err := r.about(d, o, l).whole().JSON()
	if err != nil {
		return nil, fmt.Errorf("incident %s: %w", d.Case.Incident.Number, err)
	}
	out, err := json.MarshalIndent(struct {
		*Dossier
		Paper json.RawMessage `json:"paper"`
	}{d, paper}, "", "  ")
	return append(out, '\n'), err
}

// CasePaper writes the printable paper about a case, with everything of it, as
// HTML, PDF, XLSX or the paper's own JSON.
func (r *Reports) CasePaper(ctx context.Context, word, language string, format Format) ([]byte, error) {
	l, err := ParseLanguage(language)
	if err != nil {
		return nil, err
	}
	d, o, err := r.read(ctx, word)
	if err != nil {
		return nil, err
	}
	return r.render(r.about(d, o, l).whole(), format)
}

// AfterAction writes the review of a closed incident: how it went, what was
// known when, what was due and met or missed and why, what was done and what is
// to be learned. The error is fault.Conflict for one that is open.
func (r *Reports) AfterAction(ctx context.Context, word, language string, format Format) ([]byte, error) {
	l, err := ParseLanguage(language)
	if err != nil {
		return nil, err
	}
	d, o, err := r.read(ctx, word)
	if err != nil {
		return nil, err
	}
	if i := &d.Case.Incident; i.State.Open() {
		return nil, fmt.Errorf("incident %s is %s: it is reviewed once it is closed: %w", i.Number, i.State, fault.Conflict)
	}
	return r.render(r.about(d, o, l).review(), format)
}

func (r *Reports) read(ctx context.Context, word string) (d *Dossier, o *organisation.Organisation, err error) {
	if o, _, err = r.config.Duties.Organisation(ctx); err != nil {
		return nil, nil, err
	}
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, err = r.dossier(ctx, tx, o, word)
		return err
	})
	return d, o, err
}

func (r *Reports) about(d *Dossier, o *organisation.Organisation, l document.Language) *casePaper {
	return &casePaper{writer: writer{language: l}, Dossier: d, zone: zoneOf(o), library: r.config.Library()}
}

// casePaper writes the papers about a case.
type casePaper struct {
	writer
	*Dossier
	zone    *time.Location
	library *regime.Library
}

// whole is the paper with everything.
func (p *casePaper) whole() *document.Paper {
	out := p.paper(p.say("Incident", "事件") + " " + p.Case.Incident.Number)
	p.add(out, p.say("Overview", "概况"), p.overview()...)
	p.course(out)
	p.add(out, p.say("Affected", "受影响对象"), p.assets())
	p.add(out, p.say("Observables", "可观测项"), p.observables())
	p.add(out, p.say("Alerts", "告警"), p.alerts())
	p.add(out, p.say("Linked incidents", "关联事件"), p.links())
	p.add(out, p.say("Cause", "原因"), p.prose(p.Case.Incident.Cause)...)
	p.add(out, p.say("Lessons", "经验教训"), p.prose(p.Case.Incident.Lessons)...)
	p.annex(out, p.say("Evidence and chain of custody", "证据及保管链"), p.evidence()...)
	p.annex(out, p.say("Timeline", "时间线"), p.timeline())
	return out
}

// review is the after-action review.
func (p *casePaper) review() *document.Paper {
	out := p.paper(p.say("After-action review", "事后总结评估") + " " + p.Case.Incident.Number)
	p.add(out, p.say("Overview", "概况"), p.overview()...)
	p.add(out, p.say("Cause", "原因"), p.prose(p.Case.Incident.Cause)...)
	p.add(out, p.say("Lessons", "经验教训"), p.prose(p.Case.Incident.Lessons)...)
	p.course(out)
	p.annex(out, p.say("Timeline", "时间线"), p.timeline())
	return out
}

// course is how the case went: what both papers have.
func (p *casePaper) course(out *document.Paper) {
	p.add(out, p.say("Levels", "定级"), p.levels())
	p.add(out, p.say("Clocks", "时限"), p.clocks())
	p.add(out, p.say("Reports", "报告"), p.reports())
	p.add(out, p.say("Facts and their history", "事实及其变更"), p.facts())
	p.add(out, p.say("Tasks", "任务"), p.tasks())
}

func (p *casePaper) paper(title string) *document.Paper {
	i := &p.Case.Incident
	return &document.Paper{
		Title: title + p.say(": ", "：") + i.Title, Reference: i.Number, Version: int(i.Version), Status: in(stateTitle(i.State), p.language),
		Language: p.language, Issuer: document.Party{Name: p.Organisation}, Written: moment(i.Changed, p.zone),
	}
}

func (p *casePaper) add(out *document.Paper, title string, blocks ...document.Block) {
	if len(blocks) > 0 {
		out.Sections = append(out.Sections, document.Section{Title: title, Blocks: blocks})
	}
}

// annex adds what is long, on a page of its own.
func (p *casePaper) annex(out *document.Paper, title string, blocks ...document.Block) {
	p.add(out, title, blocks...)
	if len(blocks) > 0 {
		out.Sections[len(out.Sections)-1].Appendix = true
	}
}

// prose is a text as somebody wrote it.
func (p *casePaper) prose(text string) []document.Block {
	if text == "" {
		return []document.Block{document.Text(p.say("Nothing was written down.", "未记录。"))}
	}
	return []document.Block{document.Text(text)}
}

func (p *casePaper) overview() []document.Block {
	i := &p.Case.Incident
	fields := document.Fields{}
	add := func(label, value string) {
		if value != "" {
			fields.Fields = append(fields.Fields, document.Field{Label: label, Value: value})
		}
	}
	add(p.say("Title", "标题"), i.Title)
	add(p.say("Kind", "性质"), in(incidentTitle(i.Kind), p.language))
	add(p.say("Category", "类别"), i.Category)
	add(p.say("Level", "级别"), i.Level)
	add(p.say("State", "状态"), in(stateTitle(i.State), p.language))
	add(p.say("Resolution", "处理结果"), in(resolutionTitle(i.Resolution), p.language))
	add(p.say("Owner", "负责人"), i.Owner)
	add(p.say("Opened", "立案时间"), plainMoment(i.Opened, p.zone).String()+" ("+i.OpenedBy+")")
	add(p.say("Closed", "结案时间"), plainMoment(i.Closed, p.zone).String())
	add(p.say("Times in", "时区"), p.zone.String())
	blocks := []document.Block{fields}
	if i.Summary != "" {
		blocks = append(blocks, document.Heading{Text: p.say("Summary", "摘要")}, document.Text(i.Summary))
	}
	return blocks
}

// title of a regime by its name.
func (p *casePaper) regimeTitle(name string) string {
	pack, err := p.library.Pack(name)
	if err != nil {
		return name // it was taken out
	}
	return in(pack.Title, p.language)
}

func (p *casePaper) levels() document.Table {
	t := document.Table{Columns: columns(p.say("Regime", "制度"), p.say("Level", "级别"), p.say("Since", "自"), p.say("By", "定级人"))}
	for _, s := range p.Standings {
		pack, _ := p.library.Pack(s.Regime) // of one that was taken out the code is shown
		for _, g := range s.Levels {
			level := g.Level
			if pack != nil && pack.Level(g.Level) != nil {
				level = in(pack.Level(g.Level).Title, p.language)
			}
			t.Rows = append(t.Rows, []document.Cell{{Text: p.regimeTitle(s.Regime)}, {Text: level}, {Moment: plainMoment(g.At, p.zone)}, {Text: g.By}})
		}
	}
	return t
}

func (p *casePaper) clocks() document.Table {
	t := document.Table{Columns: columns(p.say("Clock", "时限"), p.say("Due", "到期"), p.say("Sent", "报送"), p.say("Outcome", "结果"), p.say("Why", "原因"))}
	for _, s := range p.Standings {
		for k := range s.Clocks {
			c := &s.Clocks[k]
			name := p.regimeTitle(s.Regime) + p.say(": ", "：") + in(c.Title, p.language)
			if c.Ref != "" {
				name += " #" + c.Ref
			}
			t.Rows = append(t.Rows, []document.Cell{
				{Text: name}, {Moment: plainMoment(c.Due, p.zone)}, {Moment: plainMoment(c.Sent, p.zone)}, {Text: in(clockTitle(c.State), p.language)}, {Text: c.Reason},
			})
		}
	}
	return t
}

func (p *casePaper) reports() document.Table {
	t := document.Table{Columns: columns(p.say("Report", "报告"), p.say("Version", "版本"), p.say("To", "报送对象"), p.say("Sent", "报送"), p.say("Proof", "回执"))}
	t.Columns[1].Numeric = true
	for k := range p.Reports {
		r := &p.Reports[k]
		name := r.Number + " " + r.title(p.language)
		if len(r.Deliveries) == 0 {
			t.Rows = append(t.Rows, []document.Cell{{Text: name}, {Number: strconv.FormatInt(r.Version, 10)}, {}, {}, {Text: p.say("not submitted", "未报送")}})
		}
		for _, d := range r.Deliveries {
			var to []fact.Title
			for _, id := range d.Recipients {
				title, _ := r.last().recipient(id)
				to = append(to, title)
			}
			t.Rows = append(t.Rows, []document.Cell{
				{Text: name}, {Number: strconv.FormatInt(d.Version, 10)}, {Text: in(list(to...), p.language)}, {Moment: plainMoment(d.At, p.zone)}, {Text: d.Proof},
			})
		}
	}
	return t
}

func (t *Told) last() *Content { return &t.Versions[len(t.Versions)-1].Content }

func (t *Told) title(l document.Language) string { return in(t.last().Form.Title, l) }

func (p *casePaper) facts() document.Table {
	t := document.Table{Columns: columns(p.say("Fact", "事实"), p.say("What was said", "陈述"), p.say("When", "时间"), p.say("By", "陈述人"))}
	dictionary := p.library.Dictionary()
	for _, key := range dictionary.Keys() {
		d := dictionary.Definition(key)
		for n, s := range p.Case.Facts[key] {
			name := in(d.Title, p.language)
			if n > 0 {
				name = p.say("… then", "……随后")
			}
			said := string(s.Statement)
			if f, err := dictionary.Read(key, s.Statement); err == nil {
				w, _ := shown(d, f, s.At, p.zone)
				said = w.in(p.language)
			}
			t.Rows = append(t.Rows, []document.Cell{{Text: name}, {Text: said}, {Moment: plainMoment(s.At, p.zone)}, {Text: s.By}})
		}
	}
	return t
}

func columns(titles ...string) []document.Column {
	all := make([]document.Column, len(titles))
	for k, title := range titles {
		all[k].Title = title
	}
	return all
}
