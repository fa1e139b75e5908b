package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/api"
	"tocsin/client"
	"tocsin/internal/document"
	"tocsin/internal/output"
	"tocsin/plan/report"
)

// incidentReportCmd is the verbs of reports, from the draft to the receipt.
type incidentReportCmd struct {
	List   reportListCmd   `cmd:"" help:"List the reports of an incident."`
	Draft  reportDraftCmd  `cmd:"" help:"Draft a report from the case, or draw one that is in work anew."`
	Show   reportShowCmd   `cmd:"" help:"Show a report: what it says, what it lacks, who signed it."`
	Write  reportWriteCmd  `cmd:"" help:"Write into a field, in place of what is drawn from the case."`
	Review reportReviewCmd `cmd:"" help:"Approve a report, or return it."`
	Sign   reportSignCmd   `cmd:"" help:"Put your name under a report. Two people must where the level is one of the two highest."`
	Submit reportSubmitCmd `cmd:"" help:"Record that recipients have a signed report: its clock is met."`
	Diff   reportDiffCmd   `cmd:"" help:"Show how a report changed from one version to another."`
	Export reportExportCmd `cmd:"" help:"Write a report as JSON, HTML or PDF, as a recipient gets it."`
}

type reportListCmd struct {
	ofIncident
	Format string `help:"table or json (one report a line)." enum:"table,json" default:"table"`
}

func (l *reportListCmd) Run(ctx context.Context, c *console) error {
	var all []report.Summary
	if err := l.read(ctx, l.path("/reports"), nil, &all); err != nil {
		return err
	}
	if l.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		s := &all[k]
		state := "in work"
		if s.Submitted {
			state = "submitted"
		}
		p.line("%-14s  %-9s  version %-3d  %s %s  by %s", s.Number, state, s.Version, s.Regime, orDash(s.Clock), s.MadeBy)
	}
	p.line("%s", output.Count(len(all), "report", "reports"))
	return p.err
}

type reportDraftCmd struct {
	ofIncident
	reportShown
	Regime  string `arg:"" help:"The regime."`
	Clock   string `help:"The clock that asks for it, as 'tocsin regime show' names it."`
	Ref     string `help:"Which, where several of the kind run."`
	Form    string `help:"A form of the regime, where no clock asks for it."`
	Marking string `help:"Its label of TLP 2.0, as TLP:AMBER."`
}

func (d *reportDraftCmd) Run(ctx context.Context, c *console) error {
	asked := api.NewReport{Regime: d.Regime, Clock: d.Clock, Ref: d.Ref, Form: d.Form, Marking: document.Marking(d.Marking)}
	var drafted report.Report
	if err := d.post(ctx, d.path("/reports"), asked, &drafted); err != nil {
		return err
	}
	return d.show(c, &drafted)
}

// reportShown is how a report is printed.
type reportShown struct {
	Language string `help:"en or zh." enum:"en,zh" default:"en"`
	Format   string `help:"table or json." enum:"table,json" default:"table"`

	texts map[string]string // what fields say, by their ID, where it was asked for
}

func (s *reportShown) show(c *console, r *report.Report) error {
	if s.Format == "json" {
		return json.NewEncoder(c.out).Encode(r)
	}
	p := &page{out: c.out}
	p.line("%s  %s, version %d  %s, %s", r.Number, string(r.Status), r.Version, r.Content.Regime.Title.In(s.Language), r.Content.Form.Title.In(s.Language))
	for k := range r.Content.Fields {
		f := &r.Content.Fields[k]
		p.line("  %-18s  %s  [%s, %s]", f.ID, f.Title.In(s.Language), neededWhen[f.Need], filledBy(f))
		for line := range strings.Lines(s.texts[f.ID]) {
			p.line("                        %s", strings.TrimRight(line, "\n"))
		}
	}
	for _, m := range r.Missing {
		p.line("  missing %s: %s", neededWhen[m.Need], m.Title.In(s.Language))
	}
	if len(r.MovedOn) > 0 {
		p.line("  the case moved on since these were written: %s", strings.Join(r.MovedOn, ", "))
	}
	for _, signature := range r.Signatures {
		p.line("  %s by %s, %s", string(signature.Act), signature.Name, signature.Role)
	}
	if r.Status != report.Signed && r.Status != report.Submitted {
		p.line("  %s must sign", output.Count(r.Signers, "person", "people"))
	}
	if r.Status == report.Signed && len(r.Content.To) > 0 {
		p.line("  for %s: say with 'tocsin incident report submit %s --to … --proof …' that they have it", strings.Join(r.Content.To, ", "), r.Number)
	}
	for k := range r.Deliveries {
		d := &r.Deliveries[k]
		p.line("  submitted %s to %s: %s", d.At.Format(time.RFC3339), strings.Join(d.Recipients, ", "), d.Proof)
	}
	return p.err
}

// neededWhen is how soon a field is asked for, in words.
var neededWhen = map[string]string{"now": "now", "later": "later", "if_known": "if known"}

func filledBy(f *report.Field) string {
	switch {
	case f.Written != nil:
		return "written by " + output.Plain(f.Written.By)
	case f.Filled():
		return "from the case"
	}
	return "empty"
}

// ofReport names a report.
type ofReport struct {
	Report string `arg:"" help:"Its number, or ID."`
}

type reportShowCmd struct {
	atNode
	ofReport
	reportShown
	Version int64 `help:"Which version; by default the last."`
}

func (s *reportShowCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{}
	if s.Version > 0 {
		query.Set("version", strconv.FormatInt(s.Version, 10))
	}
	var r report.Report
	if err := s.read(ctx, reportPath(s.Report, ""), query, &r); err != nil {
		return err
	}
	if s.Format == "table" {
		if err := s.readTexts(ctx, &r); err != nil {
			return err
		}
	}
	return s.show(c, &r)
}

// readTexts reads what the fields say, as an export has it.
func (s *reportShowCmd) readTexts(ctx context.Context, r *report.Report) error {
	query := url.Values{"format": {"json"}, "language": {s.Language}, "version": {strconv.FormatInt(r.Version, 10)}}
	var exported struct {
		Fields []struct {
			ID   string `json:"id"`
			Text string `json:"text"`
		} `json:"fields"`
	}
	if err := s.read(ctx, reportPath(s.Report, "/export"), query, &exported); err != nil {
		return err
	}
	s.texts = map[string]string{}
	for _, f := range exported.Fields {
		s.texts[f.ID] = f.Text
	}
	return nil
}

type reportWriteCmd struct {
	atNode
	ofReport
	reportShown
	Fields []string `arg:"" name:"field" help:"FIELD=TEXT, in Markdown; FIELD= has the case fill it again."`
	Why    string   `help:"The reason."`
}

func (w *reportWriteCmd) Run(ctx context.Context, c *console) error {
	edit := api.ReportEdit{Fields: map[string]*string{}, Why: w.Why}
	for _, field := range w.Fields {
		id, text, ok := strings.Cut(field, "=")
		if !ok {
			return usageError{fmt.Errorf("field %q: write FIELD=TEXT", field)}
		}
		edit.Fields[id] = nil
		if text != "" {
			edit.Fields[id] = &text
		}
	}
	var r report.Report
	path := reportPath(w.Report, "")
	if err := w.change(ctx, http.MethodPatch, path, path, edit, &r); err != nil {
		return err
	}
	return w.show(c, &r)
}

type reportReviewCmd struct {
	asPerson
	ofReport
	reportShown
	Return  bool   `help:"Changes are wanted: it is not to be signed as it is."`
	Note    string `help:"What is to be changed."`
	Version int64  `help:"The version that you read; refused when somebody changed it since. By default the last."`
}

func (v *reportReviewCmd) Run(ctx context.Context, c *console) error {
	var r report.Report
	if err := v.post(ctx, c, reportPath(v.Report, "/review"), versionTag(v.Version), api.Opinion{Approve: !v.Return, Note: v.Note}, &r); err != nil {
		return err
	}
	return v.show(c, &r)
}

type reportSignCmd struct {
	asPerson
	ofReport
	reportShown
	Version int64  `help:"The version that you read and sign; refused when somebody changed it since." required:""`
	Role    string `help:"What you sign as; by default what you are to the node."`
}

// versionTag is the ETag of a version; empty for none in particular.
func versionTag(version int64) string {
	if version <= 0 {
		return ""
	}
	return `"v` + strconv.FormatInt(version, 10) + `"`
}

func (s *reportSignCmd) Run(ctx context.Context, c *console) error {
	var r report.Report
	if err := s.post(ctx, c, reportPath(s.Report, "/sign"), versionTag(s.Version), api.Signing{Role: s.Role}, &r); err != nil {
		return err
	}
	return s.show(c, &r)
}

type reportSubmitCmd struct {
	atNode
	ofReport
	reportShown
	To    []string `help:"Recipient, as the regime names it; repeatable." sep:"none" required:""`
	At    moment   `help:"When they had it; by default now." placeholder:"TIME"`
	Proof string   `help:"What shows it: a receipt, a number, who took the call." required:""`
}

func (s *reportSubmitCmd) Run(ctx context.Context, c *console) error {
	var r report.Report
	if err := s.post(ctx, reportPath(s.Report, "/submit"), api.Submission{To: s.To, At: s.At.Time, Proof: s.Proof}, &r); err != nil {
		return err
	}
	return s.show(c, &r)
}

type reportDiffCmd struct {
	atNode
	ofReport
	From     int64  `arg:"" help:"The version before."`
	To       int64  `arg:"" optional:"" help:"The version after; by default the last."`
	Language string `help:"en or zh." enum:"en,zh" default:"en"`
}

func (d *reportDiffCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{"from": {strconv.FormatInt(d.From, 10)}, "language": {d.Language}}
	if d.To > 0 {
		query.Set("to", strconv.FormatInt(d.To, 10))
	}
	var diff api.Difference
	if err := d.read(ctx, reportPath(d.Report, "/difference"), query, &diff); err != nil {
		return err
	}
	p := &page{out: c.out}
	for _, change := range diff.Changes {
		var text strings.Builder
		for _, part := range change.Parts {
			switch part.Op {
			case "added":
				text.WriteString("[+" + part.Text + "+]")
			case "removed":
				text.WriteString("[-" + part.Text + "-]")
			default:
				text.WriteString(part.Text)
			}
		}
		p.line("%-8s  %s: %s", change.Op, change.Where, text.String())
	}
	if len(diff.Changes) == 0 {
		p.line("they say the same")
	}
	return p.err
}

type reportExportCmd struct {
	atNode
	ofReport
	paperFlags
	Version   int64  `help:"Which version; by default the last."`
	Recipient string `help:"As this recipient gets it; by default whole."`
}

// paperFlags say how a paper is written.
type paperFlags struct {
	Format   string `help:"json, html or pdf; csv and xlsx where there are tables." enum:"json,html,pdf,csv,xlsx" default:"json"`
	Language string `help:"en or zh." enum:"en,zh" default:"en"`
	Output   string `short:"o" help:"File to write; else standard output." placeholder:"FILE"`
}

func (f *paperFlags) query() url.Values {
	return url.Values{"format": {f.Format}, "language": {f.Language}}
}

func (e *reportExportCmd) Run(ctx context.Context, c *console) error {
	query := e.query()
	set(query, "recipient", e.Recipient)
	if e.Version > 0 {
		query.Set("version", strconv.FormatInt(e.Version, 10))
	}
	return e.download(ctx, c, client.Request{Path: reportPath(e.Report, "/export"), Query: query}, e.Output)
}

type incidentExportCmd struct {
	ofIncident
	paperFlags
	Paper string `help:"case: all of it; review: the after-action review of a closed one." enum:"case,review" default:"case"`
}

func (e *incidentExportCmd) Run(ctx context.Context, c *console) error {
	query := e.query()
	query.Set("paper", e.Paper)
	return e.download(ctx, c, client.Request{Path: e.path("/export"), Query: query}, e.Output)
}

// statisticsCmd writes what an authority asks for every year.
type statisticsCmd struct {
	atNode
	paperFlags
	Year int `arg:"" help:"The year."`
}

func (s *statisticsCmd) Run(ctx context.Context, c *console) error {
	return s.download(ctx, c, client.Request{Path: "/api/v1/statistics/" + strconv.Itoa(s.Year), Query: s.query()}, s.Output)
}
