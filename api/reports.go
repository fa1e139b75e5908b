package api

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/people"
	"tocsin/plan/regime"
	"tocsin/plan/report"
)

func (a *api) listReports(r *http.Request) ([]report.Summary, error) {
	return listOf(a, r, func(id string) ([]report.Summary, error) { return a.Reports.List(r.Context(), id) })
}

// NewReport says which report to draft: one that a clock asks for, or one by a
// form.
type NewReport struct {
	Regime  string           `json:"regime"`
	Clock   string           `json:"clock,omitempty"`
	Ref     string           `json:"ref,omitempty"` // of the clock, where several of the kind run
	Form    string           `json:"form,omitempty"`
	Kind    regime.Kind      `json:"kind,omitempty"`
	Marking document.Marking `json:"marking,omitempty"`
}

func (a *api) draftReport(r *http.Request, in *NewReport) (report.Report, error) {
	c, err := adds(r, "")
	if err != nil {
		return report.Report{}, err
	}
	return a.Reports.Draft(r.Context(), c, report.Ask{Regime: in.Regime, Clock: in.Clock, Ref: in.Ref, Form: in.Form, Kind: in.Kind, Marking: in.Marking})
}

// ofVersion is the query that names a version.
type ofVersion struct {
	Version int64 `query:"version" doc:"Which version; by default the last."`
}

func (a *api) readReport(r *http.Request, q *ofVersion) (report.Report, error) {
	return a.Reports.At(r.Context(), r.PathValue("report"), q.Version)
}

func (a *api) reportVersions(r *http.Request) ([]report.Version, error) {
	all, err := a.Reports.Versions(r.Context(), r.PathValue("report"))
	return listed(all), err
}

func (a *api) reportMoved(r *http.Request) ([]report.Moved, error) {
	all, err := a.Reports.Moved(r.Context(), r.PathValue("report"))
	return listed(all), err
}

// changesReport is a change of a report; one that writes over something must say
// what it has seen.
func changesReport(r *http.Request, why string) (report.Change, error) {
	version, err := ifMatch(r)
	return report.Change{Who: people.Actor(r.Context()), Report: r.PathValue("report"), Version: version, Why: why}, err
}

// ReportEdit is texts of a person's for the fields of a report, in Markdown; null
// takes one out again, so that the case fills the field.
type ReportEdit struct {
	Fields  map[string]*string `json:"fields,omitempty"`
	Marking *document.Marking  `json:"marking,omitempty"`
	Why     string             `json:"why,omitempty"`
}

func (a *api) writeReport(r *http.Request, in *ReportEdit) (report.Report, error) {
	if r.Header.Get("If-Match") == "" {
		return report.Report{}, fmt.Errorf("say which version you change: send If-Match with the ETag of the report: %w", errUnversioned)
	}
	c, err := changesReport(r, in.Why)
	if err != nil {
		return report.Report{}, err
	}
	return a.Reports.Write(r.Context(), c, report.Edit{Fields: in.Fields, Marking: in.Marking})
}

func (a *api) redrawReport(r *http.Request, in *Reason) (report.Report, error) {
	c, err := changesReport(r, in.Why)
	if err != nil {
		return report.Report{}, err
	}
	return a.Reports.Redraft(r.Context(), c)
}

// Opinion is what a reviewer thinks of a report.
type Opinion struct {
	Approve bool   `json:"approve"`
	Note    string `json:"note,omitempty"` // what is to be changed, of one that is returned
}

func (a *api) reviewReport(r *http.Request, in *Opinion) (report.Report, error) {
	c, err := changesReport(r, "")
	if err != nil {
		return report.Report{}, err
	}
	return a.Reports.Review(r.Context(), c, in.Approve, in.Note)
}

// Signing puts one's name under a report.
type Signing struct {
	Role string `json:"role,omitempty"` // as it is printed; absent is what one is to the node
}

func (a *api) signReport(r *http.Request, in *Signing) (report.Report, error) {
	who, err := account(r) // a signature is a person's
	if err != nil {
		return report.Report{}, err
	}
	c, err := changesReport(r, "")
	if err != nil {
		return report.Report{}, err
	}
	if c.Version == 0 { // nobody's name comes to stand under what somebody wrote since they read it
		return report.Report{}, fmt.Errorf("say which version you sign: send If-Match with the ETag of the report as you read it: %w", errUnversioned)
	}
	if in.Role == "" {
		in.Role = strings.ReplaceAll(string(who.Role), "-", " ")
	}
	return a.Reports.Sign(r.Context(), c, in.Role)
}

// Submission says that recipients have a report.
type Submission struct {
	To    []string  `json:"to"`
	At    time.Time `json:"at,omitzero"` // absent is now
	Proof string    `json:"proof"`       // a receipt, a number, who took the call
	Why   string    `json:"why,omitempty"`
}

func (a *api) submitReport(r *http.Request, in *Submission) (report.Report, error) {
	c, err := changesReport(r, in.Why)
	if err != nil {
		return report.Report{}, err
	}
	if in.At.IsZero() {
		in.At = time.Now()
	}
	return a.Reports.Submitted(r.Context(), c, report.Sending{To: in.To, At: in.At, Proof: in.Proof})
}

// comparing is the query that names two versions.
type comparing struct {
	From     int64  `query:"from" doc:"The version before."`
	To       int64  `query:"to" doc:"The version after; by default the last."`
	Language string `query:"language" doc:"en or zh; by default en."`
}

// Difference is how a report changed, part by part.
type Difference struct {
	Changes []Changed `json:"changes"`
}

// Changed is a part of a report that is new, gone or changed.
type Changed struct {
	Op    string `json:"op"` // added, removed, changed
	Where string `json:"where"`
	Parts []Text `json:"parts"`
}

// Text is a piece of text that is the same in both versions, added or removed.
type Text struct {
	Op   string `json:"op"`
	Text string `json:"text"`
}

func (a *api) compareReport(r *http.Request, q *comparing) (Difference, error) {
	diff, err := a.Reports.Diff(r.Context(), r.PathValue("report"), q.From, q.To, language(q.Language))
	told := Difference{Changes: []Changed{}}
	for _, change := range diff.Changes {
		one := Changed{Op: string(change.Op), Where: change.Where, Parts: []Text{}}
		for _, part := range change.Parts {
			one.Parts = append(one.Parts, Text{string(part.Op), part.Text})
		}
		told.Changes = append(told.Changes, one)
	}
	return told, err
}

// language is that of a paper: English, where none is asked for.
func language(asked string) string {
	if asked == "" {
		return string(document.English)
	}
	return asked
}

// exporting is the query of a paper.
type exporting struct {
	Format    string `query:"format" doc:"json, html or pdf; csv and xlsx where there are tables. By default json."`
	Language  string `query:"language" doc:"en or zh; by default en."`
	Version   int64  `query:"version" doc:"Of a report: which version; by default the last."`
	Recipient string `query:"recipient" doc:"Of a report: as this recipient gets it; by default whole."`
	Paper     string `query:"paper" doc:"Of an incident: case, all of it, or review, the after-action review. By default case."`
}

// media are the types of the formats.
var media = map[report.Format]string{
	report.JSON: "application/json", report.HTML: "text/html; charset=utf-8", report.PDF: "application/pdf",
	report.CSV: "text/csv; charset=utf-8", report.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

func (q *exporting) format() (report.Format, error) {
	f := report.Format(q.Format)
	if f == "" {
		f = report.JSON
	}
	if media[f] == "" {
		return f, &QueryError{"format", fmt.Sprintf("%.20q: use json, html, pdf, csv or xlsx", q.Format)}
	}
	return f, nil
}

func (a *api) exportReport(w http.ResponseWriter, r *http.Request) error {
	return export(w, r, "report-"+r.PathValue("report"), func(q *exporting, f report.Format) ([]byte, error) {
		return a.Reports.Export(r.Context(), r.PathValue("report"), q.Version, q.Recipient, language(q.Language), f)
	})
}

func (a *api) exportIncident(w http.ResponseWriter, r *http.Request) error {
	return export(w, r, "incident-"+r.PathValue("id"), func(q *exporting, f report.Format) ([]byte, error) {
		switch {
		case q.Paper == "review":
			return a.Reports.AfterAction(r.Context(), r.PathValue("id"), language(q.Language), f)
		case q.Paper != "" && q.Paper != "case":
			return nil, &QueryError{"paper", fmt.Sprintf("%.20q: use case or review", q.Paper)}
		case f == report.JSON:
			return a.Reports.ExportCase(r.Context(), r.PathValue("id"), language(q.Language))
		}
		return a.Reports.CasePaper(r.Context(), r.PathValue("id"), language(q.Language), f)
	})
}

func (a *api) exportStatistics(w http.ResponseWriter, r *http.Request) error {
	return export(w, r, "statistics-"+r.PathValue("year"), func(q *exporting, f report.Format) ([]byte, error) {
		year, err := strconv.Atoi(r.PathValue("year"))
		if err != nil {
			return nil, fmt.Errorf("year %.20q: write it as 2026: %w", r.PathValue("year"), fault.Invalid)
		}
		s, err := a.Reports.Statistics(r.Context(), year)
		if err != nil {
			return nil, err
		}
		return s.Export(language(q.Language), f)
	})
}

// export answers with a paper to be saved. What people wrote stands in it: a
// browser must not run any of it in the node's name.
func export(w http.ResponseWriter, r *http.Request, name string, of func(*exporting, report.Format) ([]byte, error)) error {
	var q exporting
	if err := readQuery(r.URL.Query(), &q); err != nil {
		return err
	}
	format, err := q.format()
	if err != nil {
		return err
	}
	text, err := of(&q, format)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", media[format])
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + "." + string(format)}))
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(text) // nobody is there any more
	return nil
}
