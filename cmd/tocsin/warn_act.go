package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"tocsin/alliance/warning"
	"tocsin/api"
	"tocsin/client"
)

type warnApproveCmd struct {
	asPerson
	warned
	ofWarning
	Draft string `help:"The draft that you read, as 'tocsin warn show' names it; refused when somebody changed it since." required:"" placeholder:"HASH"`
	Note  string `help:"What you have to say to it."`
}

func (a *warnApproveCmd) Run(ctx context.Context, c *console) error {
	return a.session(ctx, c, func(asked *client.Client) error {
		var v warning.View
		tag, err := asked.Call(ctx, client.Request{Method: http.MethodGet, Path: warningPath(a.Warning, "")}, &v)
		if err != nil {
			return err
		}
		if !sameDraft(a.Draft, v.SHA256) {
			return fmt.Errorf("the draft of warning %s is %s, not %s: read it again with 'tocsin warn show', and approve what it says now", v.Name(), orDash(short(v.SHA256)), a.Draft)
		}
		var r warning.Record
		asking := client.Request{Method: http.MethodPost, Path: warningPath(a.Warning, "/approve"), In: api.Approving{SHA256: v.SHA256, Note: a.Note}, Version: tag}
		if _, err := asked.Call(ctx, asking, &r); err != nil {
			return err
		}
		return a.say(c, &r)
	})
}

// acted is the flags of what a person does to a warning.
type acted struct {
	asPerson
	warned
	ofWarning
}

func (a *acted) act(ctx context.Context, c *console, part, why string) error {
	var r warning.Record
	if err := a.post(ctx, c, warningPath(a.Warning, part), "", api.Reason{Why: why}, &r); err != nil {
		return err
	}
	return a.say(c, &r)
}

type warnIssueCmd struct {
	acted
	Alone bool   `help:"Break the glass: issue orange or red alone. The warning shows it, all commanders are told, another must ratify within 24 h."`
	Why   string `help:"With --alone: why nobody else could be asked."`
}

func (i *warnIssueCmd) Run(ctx context.Context, c *console) error {
	switch {
	case i.Alone && i.Why == "":
		return usageError{errors.New("--alone needs --why: say why nobody else could be asked")}
	case i.Alone:
		return i.act(ctx, c, "/issue-alone", i.Why)
	}
	return i.act(ctx, c, "/issue", i.Why)
}

type warnRatifyCmd struct {
	acted
	Why string `help:"What recipients read about it."`
}

func (r *warnRatifyCmd) Run(ctx context.Context, c *console) error {
	return r.act(ctx, c, "/ratify", r.Why)
}

type warnLiftCmd struct {
	acted
	Why string `help:"The reason, which recipients read." required:""`
}

func (l *warnLiftCmd) Run(ctx context.Context, c *console) error {
	return l.act(ctx, c, "/lift", l.Why)
}

type warnRecallCmd struct {
	acted
	Why string `help:"The reason, which recipients read." required:""`
}

func (r *warnRecallCmd) Run(ctx context.Context, c *console) error {
	return r.act(ctx, c, "/recall", r.Why)
}

func arrivalPath(name, part string) string { return "/api/v1/arrivals/" + url.PathEscape(name) + part }

type warnReleaseCmd struct {
	atNode
	ofWarning
	Question int    `arg:"" help:"The question's number, as 'tocsin warn show' lists it."`
	Why      string `help:"Why what it finds is meant." required:""`
}

func (r *warnReleaseCmd) Run(ctx context.Context, c *console) error {
	var a warning.Arrived
	if err := r.post(ctx, arrivalPath(r.Warning, fmt.Sprintf("/questions/%d/release", r.Question)), api.Reason{Why: r.Why}, &a); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("question %d of warning %s is let through", r.Question, a.Number)
	return p.err
}

type warnDoneCmd struct {
	atNode
	ofWarning
	Duty string `arg:"" help:"The duty's ID, as 'tocsin warn show' lists it."`
	Why  string `help:"What was done."`
}

func (d *warnDoneCmd) Run(ctx context.Context, c *console) error {
	var a warning.Arrived
	if err := d.post(ctx, arrivalPath(d.Warning, "/duties/"+url.PathEscape(d.Duty)+"/end"), api.Reason{Why: d.Why}, &a); err != nil {
		return err
	}
	p := &page{out: c.out}
	p.line("the duty under warning %s is done", a.Number)
	return p.err
}
