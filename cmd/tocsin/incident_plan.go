package main

import (
	"context"
	"errors"
	"net/url"

	"tocsin/api"
	"tocsin/incident"
	"tocsin/plan/duty"
	"tocsin/plan/regime"
)

type incidentGradeCmd struct {
	changing
	Regime  string `arg:"" help:"The regime."`
	Level   string `arg:"" help:"The level, as the regime names it."`
	Why     string `help:"The reason; needed unless --accept takes what the facts prove."`
	Accept  bool   `help:"Take the level because the facts prove it."`
	Since   moment `help:"When the level was reached; by default now." placeholder:"TIME"`
	Respond bool   `help:"Activate the regime's response to the level, if it has one."`
}

func (g *incidentGradeCmd) Run(ctx context.Context, c *console) error {
	if g.Why == "" && !g.Accept {
		return usageError{errors.New("say --why, or take what the facts prove with --accept")}
	}
	d := duty.Decision{Regime: g.Regime, Level: g.Level, Why: g.Why, Accept: g.Accept, Since: g.Since.Time, Respond: g.Respond}
	return g.send(ctx, c, "/grades", d)
}

type incidentRespondCmd struct {
	ofIncident
	answered
	Regime string `arg:"" help:"The regime."`
	End    bool   `help:"The response is over; say why."`
	Why    string `help:"The reason, or who decided."`
}

func (a *incidentRespondCmd) Run(ctx context.Context, c *console) error {
	path := a.path("/responses")
	if a.End {
		path += "/end"
	}
	var i incident.Incident
	if err := a.post(ctx, path, api.Activation{Regime: a.Regime, Why: a.Why}, &i); err != nil {
		return err
	}
	return a.say(c, &i)
}

type incidentMomentCmd struct {
	changing
	Event  string `arg:"" help:"aware, noticed, payment_made, report_received, … as regimes name what starts clocks."`
	At     moment `help:"When it happened; by default now." placeholder:"TIME"`
	Regime string `help:"Count it for this regime only."`
	Why    string `help:"How that is known." required:""`
}

func (m *incidentMomentCmd) Run(ctx context.Context, c *console) error {
	asked := api.NewMoment{Happened: duty.Happened{Event: regime.Event(m.Event), At: m.At.Time, Regime: m.Regime}, Why: m.Why}
	return m.send(ctx, c, "/moments", asked)
}

type incidentSuspendCmd struct {
	changing
	Regime    string `arg:"" help:"The regime."`
	Clock     string `help:"Only this clock."`
	Authority string `help:"Who granted it." required:""`
	From      moment `help:"From when; by default now." placeholder:"TIME"`
	Until     expiry `help:"Until when; by default until it is ended." placeholder:"TIME"`
	Why       string `help:"The decision." required:""`
}

func (s *incidentSuspendCmd) Run(ctx context.Context, c *console) error {
	asked := api.NewSuspension{Delay: duty.Delay{Regime: s.Regime, Clock: s.Clock, From: s.From.Time, Until: s.Until.Time, Authority: s.Authority}, Why: s.Why}
	return s.send(ctx, c, "/suspensions", asked)
}

type incidentToldCmd struct {
	changing
	Regime  string   `arg:"" help:"The regime that asks for it."`
	Clock   string   `arg:"" help:"The clock, as 'tocsin incident show' names it."`
	Ref     string   `help:"Which, where several of the kind run."`
	At      moment   `help:"When; by default now." placeholder:"TIME"`
	To      []string `help:"Recipient, as 'tocsin regime show' names it; by default all. Repeatable." sep:"none"`
	Channel string   `help:"Telephone, portal, mail, …" required:""`
	Proof   string   `help:"What shows it: a number, who took the call." required:""`
}

func (t *incidentToldCmd) Run(ctx context.Context, c *console) error {
	asked := api.Told{Regime: t.Regime, Clock: t.Clock, Ref: t.Ref, At: t.At.Time, To: t.To, Channel: t.Channel, Proof: t.Proof}
	return t.send(ctx, c, "/told", asked)
}

type incidentExplainCmd struct {
	changing
	Regime string `arg:"" help:"The regime."`
	Clock  string `arg:"" help:"The clock that was missed."`
	Reason string `arg:"" help:"Why."`
	Ref    string `help:"Which, where several of the kind ran."`
}

func (e *incidentExplainCmd) Run(ctx context.Context, c *console) error {
	asked := api.Explanation{ClockID: duty.ClockID{Regime: e.Regime, Clock: e.Clock, Ref: e.Ref}, Reason: e.Reason}
	return e.send(ctx, c, "/misses", asked)
}

// reportPath is that of a part of a report.
func reportPath(report, part string) string {
	return "/api/v1/reports/" + url.PathEscape(report) + part
}
