package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"tocsin/api"
	"tocsin/client"
	"tocsin/incident"
	"tocsin/internal/output"
)

// incidentCmd is the verbs of incidents. All of them work at a node.
type incidentCmd struct {
	Open       incidentOpenCmd       `cmd:"" help:"Open an incident."`
	List       incidentListCmd       `cmd:"" help:"List incidents, those opened last first."`
	Show       incidentShowCmd       `cmd:"" help:"Show an incident: where it stands, its clocks, facts, tasks and timeline."`
	Set        incidentSetCmd        `cmd:"" help:"Change what an incident says of itself: title, owner, cause, lessons and the like."`
	Fact       incidentFactCmd       `cmd:"" help:"State facts, or show those that are stated."`
	Grade      incidentGradeCmd      `cmd:"" help:"Grade an incident under a regime."`
	Respond    incidentRespondCmd    `cmd:"" help:"Activate the response that a regime has for the level, or end it."`
	Moment     incidentMomentCmd     `cmd:"" help:"Record something that starts clocks, with its own time."`
	Suspend    incidentSuspendCmd    `cmd:"" help:"Record that an authority granted a delay."`
	Advance    incidentAdvanceCmd    `cmd:"" help:"Take an incident to its next state."`
	Comment    incidentCommentCmd    `cmd:"" help:"Comment on an incident, in Markdown."`
	Task       incidentTaskCmd       `cmd:"" help:"Add a task, or end or assign one."`
	Note       incidentNoteCmd       `cmd:"" help:"Write into the timeline what happened, with its own time."`
	Correct    incidentCorrectCmd    `cmd:"" help:"Say what is right where an entry of the timeline is wrong."`
	Evidence   incidentEvidenceCmd   `cmd:"" help:"Add a file to an incident, take a copy of one, say who had it."`
	Observable incidentObservableCmd `cmd:"" help:"What was seen: addresses, names, hashes."`
	Asset      incidentAssetCmd      `cmd:"" help:"What of the organisation is touched."`
	Link       incidentLinkCmd       `cmd:"" help:"Say that an incident has to do with another."`
	Merge      incidentMergeCmd      `cmd:"" help:"Make one incident of two: the other is taken over, and closed."`
	Split      incidentSplitCmd      `cmd:"" help:"Make two incidents of one."`
	Told       incidentToldCmd       `cmd:"" help:"Record that recipients were told by telephone, portal or another way."`
	Explain    incidentExplainCmd    `cmd:"" help:"Say why a deadline was missed."`
	Report     incidentReportCmd     `cmd:"" help:"Draft, write, sign, submit and export the reports of an incident."`
	Export     incidentExportCmd     `cmd:"" help:"Write everything of an incident, or its after-action review, as JSON, HTML, PDF or XLSX."`
}

// ofIncident names an incident.
type ofIncident struct {
	atNode
	Incident string `arg:"" help:"Its number, as 2026-0042, or ID."`
}

// path is that of a part of the incident.
func (o *ofIncident) path(part string) string {
	return "/api/v1/incidents/" + url.PathEscape(o.Incident) + part
}

// answered prints what an incident is after a change.
type answered struct {
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

func (a *answered) say(c *console, i *incident.Incident) error {
	if a.Format == "json" {
		return json.NewEncoder(c.out).Encode(i)
	}
	p := &page{out: c.out}
	p.line("%s  %s  %s  %s", i.Number, string(i.State), levelOf(i), i.Title)
	return p.err
}

// changing is the flags of verbs that change an incident and print what it is then.
type changing struct {
	ofIncident
	answered
}

// send posts what is new to a part of the incident.
func (g *changing) send(ctx context.Context, c *console, part string, in any) error {
	var i incident.Incident
	if err := g.post(ctx, g.path(part), in, &i); err != nil {
		return err
	}
	return g.say(c, &i)
}

func levelOf(i *incident.Incident) string {
	if i.Level == "" {
		return "ungraded"
	}
	return i.Level
}

type incidentOpenCmd struct {
	atNode
	answered
	Title       string            `arg:"" help:"What happened, in one line."`
	Summary     string            `help:"What is known."`
	Kind        incident.Kind     `help:"incident, near_miss, threat or vulnerability." enum:"incident,near_miss,threat,vulnerability" default:"incident"`
	Category    string            `help:"As a regime names it, such as MI."`
	Owner       string            `help:"Who leads the response."`
	CrossBorder string            `help:"Whether it has an effect in another country: yes, no or unknown." enum:"yes,no,unknown" default:"unknown"`
	Fact        map[string]string `help:"A fact, as KEY=VALUE; the value is JSON, or a word. Repeatable." mapsep:"none"`
	Facts       string            `help:"File of facts, as 'tocsin regime grade' reads it." placeholder:"FILE"`
}

func (o *incidentOpenCmd) Run(ctx context.Context, c *console) error {
	facts, err := readFacts(o.Facts, o.Fact)
	if err != nil {
		return err
	}
	asked := api.Opening{
		Title: o.Title, Summary: o.Summary, Kind: o.Kind, Category: o.Category, Owner: o.Owner,
		CrossBorder: incident.Answer(o.CrossBorder), Facts: facts,
	}
	var i incident.Incident
	if err := o.post(ctx, "/api/v1/incidents", asked, &i); err != nil {
		return err
	}
	return o.say(c, &i)
}

// readFacts reads facts from a file and from a command line, which counts more.
func readFacts(file string, given map[string]string) (map[string]json.RawMessage, error) {
	facts := map[string]json.RawMessage{}
	if file != "" {
		text, err := limitedFile(file)
		if err != nil {
			return nil, err
		}
		var sheet struct {
			Facts map[string]json.RawMessage `json:"facts"`
		}
		if err := json.Unmarshal(text, &sheet); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		facts = sheet.Facts
		if facts == nil {
			return nil, fmt.Errorf(`%s: it has no "facts"`, file)
		}
	}
	for key, text := range given {
		value := json.RawMessage(text)
		if !json.Valid(value) {
			word, err := json.Marshal(text)
			if err != nil {
				return nil, err
			}
			value = word
		}
		facts[key] = value
	}
	return facts, nil
}

type incidentListCmd struct {
	atNode
	Search      string   `help:"Only those whose number, title or summary hold these words, English or Chinese." short:"s" placeholder:"WORDS"`
	Open        bool     `help:"Only those that are not closed."`
	State       []string `help:"Only those in this state; repeatable." sep:"none" placeholder:"STATE"`
	Owner       string   `help:"Only those of this owner."`
	Category    string   `help:"Only those of this category."`
	Level       string   `help:"Only those of this level."`
	CrossBorder string   `help:"Only those with (yes), without (no) or with an unknown effect across borders." placeholder:"ANSWER"`
	Observable  string   `help:"Only those in which this was seen." placeholder:"VALUE"`
	Since       moment   `help:"Only those opened then or later." placeholder:"TIME"`
	Until       moment   `help:"Only those opened before." placeholder:"TIME"`
	Limit       int      `help:"How many at most." default:"100"`
	Format      string   `help:"table or json (one incident a line)." enum:"table,json" default:"table"`
}

func (l *incidentListCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{"state": l.State}
	set(query, "q", l.Search)
	set(query, "owner", l.Owner)
	set(query, "category", l.Category)
	set(query, "level", l.Level)
	set(query, "cross_border", l.CrossBorder)
	set(query, "observable", l.Observable)
	setTime(query, "since", l.Since.Time)
	setTime(query, "until", l.Until.Time)
	setBool(query, "open", l.Open)
	list, more, err := readPages[incident.Incident](ctx, &l.atNode, "/api/v1/incidents", query, l.Limit)
	if err != nil {
		return err
	}
	if l.Format == "json" {
		return eachLine(c.out, list)
	}
	p := &page{out: c.out}
	for k := range list {
		i := &list[k]
		p.line("%-10s  %-10s  %-18s  %s  %-12s  %s", i.Number, string(i.State), levelOf(i), minute(i.Opened), orDash(i.Owner), i.Title)
	}
	p.line("%s%s", output.Count(len(list), "incident", "incidents"), andMore(more))
	return p.err
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// andMore says that a list goes on.
func andMore(more bool) string {
	if more {
		return ", and more: raise --limit"
	}
	return ""
}

type incidentSetCmd struct {
	ofIncident
	answered
	Title       *string `help:"What happened, in one line."`
	Summary     *string `help:"What is known."`
	Category    *string `help:"As a regime names it."`
	Owner       *string `help:"Who leads the response."`
	Cause       *string `help:"What made it possible, or that it was not found."`
	Lessons     *string `help:"What is to be learned from it."`
	CrossBorder *string `help:"Whether it has an effect in another country: yes, no or unknown."`
}

func (s *incidentSetCmd) Run(ctx context.Context, c *console) error {
	d := incident.Details{
		Title: s.Title, Summary: s.Summary, Category: s.Category, Owner: s.Owner, Cause: s.Cause, Lessons: s.Lessons,
		CrossBorder: (*incident.Answer)(s.CrossBorder),
	}
	var i incident.Incident
	if err := s.change(ctx, http.MethodPatch, s.path(""), s.path(""), d, &i); err != nil {
		return err
	}
	return s.say(c, &i)
}

type incidentFactCmd struct {
	ofIncident
	Facts  []string `arg:"" optional:"" name:"fact" help:"KEY=VALUE; the value is JSON, or a word; 'tocsin regime facts' lists the keys. Without any, those stated are shown."`
	File   string   `short:"f" help:"File of facts, as 'tocsin regime grade' reads it." placeholder:"FILE"`
	Format string   `help:"table or json." enum:"table,json" default:"table"`
}

func (f *incidentFactCmd) Run(ctx context.Context, c *console) error {
	given := map[string]string{}
	for _, fact := range f.Facts {
		key, value, ok := strings.Cut(fact, "=")
		if !ok {
			return usageError{fmt.Errorf("fact %q: write KEY=VALUE", fact)}
		}
		given[key] = value
	}
	if f.File != "" || len(given) > 0 {
		facts, err := readFacts(f.File, given)
		if err != nil {
			return err
		}
		if err := f.change(ctx, http.MethodPatch, f.path("/facts"), f.path(""), facts, nil); err != nil {
			return err
		}
	}
	var stated map[string]incident.Stated
	if err := f.read(ctx, f.path("/facts"), nil, &stated); err != nil {
		return err
	}
	if f.Format == "json" {
		return json.NewEncoder(c.out).Encode(stated)
	}
	zone, err := f.zone(ctx)
	if err != nil {
		return err
	}
	p := &page{out: c.out}
	printFacts(p, stated, zone)
	return p.err
}

type incidentAdvanceCmd struct {
	changing
	To         string `arg:"" help:"graded, responding, contained, recovered, closed, reviewed; responding or reported to open it again."`
	Resolution string `help:"How a closed one ended: resolved, false_alarm, duplicate, near_miss."`
	Why        string `help:"The reason; some steps need one."`
}

func (a *incidentAdvanceCmd) Run(ctx context.Context, c *console) error {
	step := api.Step{To: incident.State(a.To), Resolution: incident.Resolution(a.Resolution), Why: a.Why}
	return a.send(ctx, c, "/advance", step)
}

type incidentCommentCmd struct {
	changing
	Text string `arg:"" help:"The comment."`
}

func (m *incidentCommentCmd) Run(ctx context.Context, c *console) error {
	return m.send(ctx, c, "/comments", api.Comment{Text: m.Text})
}

type incidentTaskCmd struct {
	Add    incidentTaskAddCmd    `cmd:"" help:"Add a task."`
	End    incidentTaskEndCmd    `cmd:"" help:"Say that a task is done, or dropped."`
	Assign incidentTaskAssignCmd `cmd:"" help:"Give a task to somebody."`
}

type incidentTaskAddCmd struct {
	changing
	Title    string `arg:"" help:"What is to be done."`
	Detail   string `help:"More about it."`
	Assignee string `help:"Who does it."`
	Due      expiry `help:"By when: a time, or how long from now (4h)." placeholder:"TIME"`
}

func (t *incidentTaskAddCmd) Run(ctx context.Context, c *console) error {
	asked := api.NewTask{Title: t.Title, Detail: t.Detail, Assignee: t.Assignee, Due: t.Due.Time}
	return t.send(ctx, c, "/tasks", asked)
}

type incidentTaskEndCmd struct {
	changing
	Task string `arg:"" help:"The task's ID."`
	Drop bool   `help:"It is not done and need not be; say why."`
	Why  string `help:"The reason."`
}

func (t *incidentTaskEndCmd) Run(ctx context.Context, c *console) error {
	end := api.TaskEnd{State: incident.TaskDone, Why: t.Why}
	if t.Drop {
		end.State = incident.TaskDropped
	}
	return t.send(ctx, c, "/tasks/"+url.PathEscape(t.Task)+"/end", end)
}

type incidentTaskAssignCmd struct {
	changing
	Task     string `arg:"" help:"The task's ID."`
	Assignee string `arg:"" help:"Who does it."`
}

func (t *incidentTaskAssignCmd) Run(ctx context.Context, c *console) error {
	return t.send(ctx, c, "/tasks/"+url.PathEscape(t.Task)+"/assign", api.Assignment{Assignee: t.Assignee})
}

type incidentEvidenceCmd struct {
	Add    incidentEvidenceAddCmd  `cmd:"" help:"Add a file."`
	List   incidentEvidenceListCmd `cmd:"" help:"List the files."`
	Copy   incidentEvidenceCopyCmd `cmd:"" help:"Take a copy of a file, which is recorded."`
	Chain  evidenceChainCmd        `cmd:"" help:"Show who had a file in hand, when and why."`
	Hand   evidenceHandCmd         `cmd:"" help:"Record that a file was handed to somebody outside, or came back."`
	Verify evidenceVerifyCmd       `cmd:"" help:"Reckon a file's SHA-256 again, and compare."`
}

type incidentEvidenceAddCmd struct {
	ofIncident
	File string `arg:"" help:"The file."`
	Note string `help:"What it is, and where it comes from."`
}

func (e *incidentEvidenceAddCmd) Run(ctx context.Context, c *console) (err error) {
	file, err := os.Open(e.File)
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	defer file.Close()
	asked, err := e.client()
	if err != nil {
		return err
	}
	query := url.Values{"name": {filepath.Base(e.File)}}
	set(query, "note", e.Note)
	var added incident.Evidence
	if err := asked.Send(ctx, e.path("/evidence")+"?"+query.Encode(), "application/octet-stream", file, &added); err != nil {
		return err
	}
	return sayEvidence(c, &added)
}

type incidentEvidenceListCmd struct {
	ofIncident
	Format string `help:"table or json (one file a line)." enum:"table,json" default:"table"`
}

func (e *incidentEvidenceListCmd) Run(ctx context.Context, c *console) error {
	var all []incident.Evidence
	if err := e.read(ctx, e.path("/evidence"), nil, &all); err != nil {
		return err
	}
	if e.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		p.line("%s  %s  %10s  %s  %s", all[k].ID, string(all[k].SHA256), output.ByteSize(uint64(all[k].Bytes)), all[k].Name, all[k].Note)
	}
	p.line("%s", output.Count(len(all), "file", "files"))
	return p.err
}

type incidentEvidenceCopyCmd struct {
	ofIncident
	Evidence string `arg:"" help:"The file's ID."`
	Output   string `short:"o" help:"File to write; else standard output." placeholder:"FILE"`
	Why      string `help:"Why a copy is taken; kept in the chain of custody."`
}

func (e *incidentEvidenceCopyCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{}
	set(query, "why", e.Why)
	return e.download(ctx, c, client.Request{Path: e.path("/evidence/" + url.PathEscape(e.Evidence) + "/content"), Query: query}, e.Output)
}
