package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/api"
	"tocsin/client"
	"tocsin/internal/output"
)

// answerCmd is what a member does about warnings.
type answerCmd struct {
	List    answerListCmd    `cmd:"" help:"Warnings that arrived here, and how this node answers them."`
	Show    answerShowCmd    `cmd:"" help:"One answer: what was found, what it rests on, what was or will be sent."`
	Release answerReleaseCmd `cmd:"" help:"Decide what goes out of an answer that waits."`
	Policy  answerPolicyCmd  `cmd:"" help:"How answers are released: list, set, remove."`
	Measure answerMeasureCmd `cmd:"" help:"Say how far we are with a demanded measure."`
}

const answersPath = "/api/v1/answers"

// table returns what writes columns, for the caller to flush.
func (c *console) table() *tabwriter.Writer { return tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0) }

type answerListCmd struct {
	atNode
	Open   bool   `help:"Only warnings that are still answered."`
	Format string `help:"table or json (one warning a line)." enum:"table,json" default:"table"`
	Limit  int    `help:"How many at most." default:"100"`
}

func (l *answerListCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{}
	setBool(query, "open", l.Open)
	list, more, err := readPages[answer.Warned](ctx, &l.atNode, answersPath, query, l.Limit)
	if err != nil {
		return err
	}
	if l.Format == "json" {
		return eachLine(c.out, list)
	}
	t := c.table()
	fmt.Fprintln(t, "WARNING\tCOLOUR\tSTATE\tVERDICT\tANSWERED\tTITLE")
	for i := range list {
		w := &list[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", output.Plain(w.Number), w.Colour, standing(w), verdictText(w.Verdict, w.Partial), when(w.Answered), output.Plain(w.Title))
	}
	if more {
		fmt.Fprintln(t, "… there are more: --limit")
	}
	return t.Flush()
}

func standing(w *answer.Warned) string {
	if w.Open {
		return "open"
	}
	return "over"
}

func verdictText(v alliance.Verdict, partial bool) string {
	text := strings.ToUpper(strings.ReplaceAll(string(v), "_", " "))
	switch {
	case text == "":
		return "not yet"
	case partial:
		return text + " (partial)"
	}
	return text
}

func when(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format("2006-01-02 15:04:05Z")
}

// aboutWarning is the argument of verbs about one warning.
type aboutWarning struct {
	atNode
	Warning string `arg:"" help:"The warning's number or ID."`
}

func (w *aboutWarning) path(rest string) string {
	return answersPath + "/" + url.PathEscape(w.Warning) + rest
}

type answerShowCmd struct {
	aboutWarning
	Format string `help:"text or json." enum:"text,json" default:"text"`
}

func (s *answerShowCmd) Run(ctx context.Context, c *console) error {
	var shown answer.Shown
	if err := s.read(ctx, s.path(""), nil, &shown); err != nil {
		return err
	}
	if s.Format == "json" {
		return eachLine(c.out, []answer.Shown{shown})
	}
	t := c.table()
	showAnswer(t, &shown)
	return t.Flush()
}

func showAnswer(t io.Writer, s *answer.Shown) {
	fmt.Fprintf(t, "warning %s, revision %d, %s, %s: %s\n", output.Plain(s.Number), s.Revision, s.Colour, standing(&s.Warned), output.Plain(s.Title))
	if a := s.Answer; a != nil {
		fmt.Fprintf(t, "answer %d, %s: %s", a.Sequence, when(a.At), verdictText(a.Verdict, a.Partial))
		if a.Reason != "" {
			fmt.Fprintf(t, ": %s", output.Plain(a.Reason))
		}
		fmt.Fprintln(t)
		for i := range a.Hits {
			h := &a.Hits[i]
			fmt.Fprintf(t, "  %s\t%s\t%s\n", verdictText(h.Verdict, false), output.Plain(s.Asked[min(h.Question, len(s.Asked)-1)]), sightings(&h.Sightings))
		}
		for _, g := range a.Rest {
			fmt.Fprintf(t, "  %s\tquestions %s\t%s\n", verdictText(g.Verdict, false), g.Questions, output.Plain(g.Reason))
		}
	}
	for _, r := range s.Releases {
		fmt.Fprintf(t, "release of answer %d: %s", r.Sequence, r.State)
		switch r.State {
		case answer.Waiting:
			fmt.Fprintf(t, " until %s, then %s", when(r.Due), s.Policy.AtDeadline)
		case answer.Sent, answer.Withheld:
			fmt.Fprintf(t, " by %s, %s", output.Plain(r.By), when(r.Decided))
		}
		fmt.Fprintf(t, "\n  %s\n", output.Plain(string(r.Body)))
	}
	if p := s.Peers; p != nil {
		hit := 0
		for _, s := range p.Sectors {
			hit += s.Verdicts[alliance.Hit]
		}
		fmt.Fprintf(t, "of all who have answered, as the hub tells: %d of %d hit\n", hit, p.Members)
		for _, sector := range slices.Sorted(maps.Keys(p.Sectors)) {
			s := p.Sectors[sector]
			fmt.Fprintf(t, "  %s\t%d\t%s\n", output.Plain(sector), s.Members, inWords(alliance.Verdicts(), s.Verdicts))
		}
	}
	for i := range s.Measures {
		m := &s.Measures[i]
		late := ""
		if m.Overdue {
			late = " OVERDUE"
		}
		fmt.Fprintf(t, "measure %s, due %s: %s%s: %s\n", output.Plain(m.Measure), when(m.Due), m.State, late, output.Plain(m.Text))
	}
	for _, h := range s.History {
		fmt.Fprintf(t, "history: answer %d, %s, %s, because %s\n", h.Sequence, when(h.At), verdictText(h.Verdict, h.Partial), h.Why)
	}
}

func sightings(s *alliance.Sightings) string {
	text := output.Count(int(s.Events), "event", "events") + " on " + output.Count(int(s.Hosts), "host", "hosts")
	if s.First != nil && s.Last != nil {
		text += ", " + when(*s.First) + " to " + when(*s.Last)
	}
	if s.Estimated {
		text += ", to the day"
	}
	return text
}

type answerReleaseCmd struct {
	aboutWarning
	As string `help:"What leaves: automatic (all of it), verdict, anonymous (added up by the association) or nothing." enum:"automatic,verdict,anonymous,nothing" default:"automatic"`
}

func (r *answerReleaseCmd) Run(ctx context.Context, c *console) error {
	var released answer.Release
	if err := r.post(ctx, r.path("/release"), api.Releasing{As: answer.How(r.As)}, &released); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "%s\n%s\n", released.State, output.Plain(string(released.Body)))
	return err
}

type answerMeasureCmd struct {
	aboutWarning
	Measure string `arg:"" help:"The measure's ID; 'answer show' names it."`
	State   string `arg:"" help:"acknowledged, in_progress, done or cannot." enum:"acknowledged,in_progress,done,cannot"`
	Said    string `help:"The evidence of what is done, or the reason of what is not." placeholder:"TEXT"`
}

func (m *answerMeasureCmd) Run(ctx context.Context, c *console) error {
	var now answer.Measure
	said := api.MeasureSaid{State: alliance.MeasureState(m.State), Said: m.Said}
	if err := m.post(ctx, m.path("/measures/"+url.PathEscape(m.Measure)), said, &now); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "measure %s: %s\n", output.Plain(now.Measure), now.State)
	return err
}

type answerPolicyCmd struct {
	List   answerPolicyListCmd   `cmd:"" help:"The policies that were made; where none fits, answers leave by themselves."`
	Set    answerPolicySetCmd    `cmd:"" help:"Make a policy, in the place of the one for that uplink and colour."`
	Remove answerPolicyRemoveCmd `cmd:"" help:"Take a policy away."`
}

const policiesPath = "/api/v1/release-policies"

type answerPolicyListCmd struct {
	atNode
	Format string `help:"table or json (one policy a line)." enum:"table,json" default:"table"`
}

func (l *answerPolicyListCmd) Run(ctx context.Context, c *console) error {
	var all []api.ReleasePolicy
	if err := l.read(ctx, policiesPath, nil, &all); err != nil {
		return err
	}
	if l.Format == "json" {
		return eachLine(c.out, all)
	}
	t := c.table()
	fmt.Fprintln(t, "UPLINK\tCOLOUR\tRELEASE\tWAIT\tTHEN\tMADE BY")
	for _, p := range append(all, api.ReleasePolicy{How: answer.DefaultPolicy().How, By: "default"}) {
		wait := ""
		if p.WaitSeconds > 0 {
			wait = (time.Duration(p.WaitSeconds) * time.Second).String()
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", orAnyOne(string(p.Uplink)), orAnyOne(string(p.Colour)), p.How, wait, p.AtDeadline, output.Plain(p.By))
	}
	return t.Flush()
}

func orAnyOne(text string) string {
	if text == "" {
		return "any"
	}
	return text
}

type answerPolicySetCmd struct {
	atNode
	How    string        `arg:"" help:"automatic (all of it, at once), verdict (no more than that), ask (a person first) or anonymous (added up by the association)." enum:"automatic,verdict,ask,anonymous"`
	Uplink string        `help:"Node ID of the uplink; any by default." placeholder:"NODE"`
	Colour string        `help:"blue, yellow, orange or red; any by default."`
	Wait   time.Duration `help:"How long a person may take; 30m by default. With ask." placeholder:"DURATION"`
	Then   string        `help:"What leaves when nobody decided: automatic, verdict or nothing; verdict by default. With ask."`
}

func (s *answerPolicySetCmd) Run(ctx context.Context, c *console) error {
	p := api.ReleasePolicy{
		Uplink: alliance.NodeID(s.Uplink), Colour: alliance.Colour(s.Colour), How: answer.How(s.How),
		WaitSeconds: int(s.Wait / time.Second), AtDeadline: answer.How(s.Then),
	}
	var made api.ReleasePolicy
	if _, err := s.call(ctx, client.Request{Method: http.MethodPut, Path: policiesPath, In: p}, &made); err != nil {
		return err
	}
	text, err := json.Marshal(made)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, string(text))
	return err
}

type answerPolicyRemoveCmd struct {
	atNode
	Uplink string `help:"Node ID of the uplink; the policy for any by default." placeholder:"NODE"`
	Colour string `help:"The colour; the policy for any by default."`
}

func (r *answerPolicyRemoveCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{}
	set(query, "uplink", r.Uplink)
	set(query, "colour", r.Colour)
	if _, err := r.call(ctx, client.Request{Method: http.MethodDelete, Path: policiesPath, Query: query}, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.out, "removed")
	return err
}
