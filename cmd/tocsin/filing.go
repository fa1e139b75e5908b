package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/envelope"
	"tocsin/alliance/filing"
	"tocsin/alliance/link"
	"tocsin/alliance/transparency"
	"tocsin/incident"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/internal/store"
	"tocsin/plan/report"
)

// openFiling opens what hands reports over links, over the rooms of incidents.
func (r *running) openFiling() (err error) {
	f := filer{r}
	r.alliance.filing, err = filing.New(filing.Config{
		DB: r.people.db, Trail: r.people.trail, Identity: r.alliance.identity, Links: r.alliance.links, Way: r.alliance.members.Way,
		Export: f.export, Delivered: f.delivered, Arrived: f.arrived, Heard: f.heard, Merged: f.merged,
		Logged: func(ctx context.Context, tx *store.Tx, receipt *envelope.Envelope) error {
			return r.logged(ctx, tx, transparency.Receipt, receipt)
		},
		Receipted: func(ctx context.Context, tx *store.Tx, in link.Received) error {
			received := answer.Received(in)
			return r.expectInLog(ctx, tx, transparency.Receipt, &received)
		},
	})
	return err
}

// filer is what the rooms of incidents do about filings.
type filer struct{ *running }

// export reads a report as one of its recipients gets it.
func (f filer) export(ctx context.Context, word, recipient, language string) (filing.Exported, error) {
	p, err := f.incidents.reports.Get(ctx, word)
	if err != nil {
		return filing.Exported{}, err
	}
	if p.Status != report.Signed && p.Status != report.Submitted {
		return filing.Exported{}, fmt.Errorf("version %d of report %s is %s: it is sent once all who must have signed it: %w", p.Version, p.Number, p.Status, fault.Conflict)
	}
	text, err := f.incidents.reports.Export(ctx, p.ID, p.Version, recipient, language, report.JSON)
	if err != nil {
		return filing.Exported{}, err
	}
	marking, err := intel.ParseMarking(string(p.Content.Marking))
	if err != nil {
		return filing.Exported{}, err
	}
	i, err := f.incidents.register.Get(ctx, p.Incident)
	if err != nil {
		return filing.Exported{}, err
	}
	title := p.Content.Form.Title.EN
	return filing.Exported{ID: p.ID, IncidentID: p.Incident, Marking: marking, Report: filing.Report{
		Number: p.Number, Version: p.Version, Incident: p.Content.Incident, Regime: p.Regime, Recipient: recipient, Clock: p.Clock,
		Form: p.Content.Form.ID, Title: cmp.Or(i.Title, title), Category: i.Category, Level: p.Content.Level, Content: text,
	}}, nil
}

// byLink is who records what came over a link.
func byLink(node alliance.NodeID) audit.Actor {
	return audit.Actor{ID: string(node), Name: string(node), From: "link"}
}

// delivered meets the clock of a report whose receipt came.
func (f filer) delivered(ctx context.Context, tx *store.Tx, sent *filing.Filing) error {
	return f.incidents.reports.SubmittedIn(ctx, tx, report.Change{Who: byLink(sent.Node), Report: sent.Report, Version: sent.Version, Why: "receipt"}, report.Sending{
		To: []string{sent.Recipient}, At: sent.Received,
		Proof: fmt.Sprintf("receipt %s, signed by node %s (fingerprint %s)", sent.Theirs, sent.Node, sent.Node.Fingerprint()),
	})
}

// arrived opens an incident for a report that came in: what this node owes others
// about it counts from then.
func (f filer) arrived(ctx context.Context, tx *store.Tx, in *filing.Incoming) (string, error) {
	card, err := f.alliance.members.Card(ctx, tx, in.Author)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return "", err
	}
	name := cmp.Or(card.Name("en"), string(in.Author))
	i, _, err := f.incidents.register.OpenedIn(ctx, tx, byLink(in.Author), incident.Draft{
		Title:   cut(name+": "+in.Report.Title, 200),
		Summary: fmt.Sprintf("Report %s, version %d, of %s, received as %s over the link.", in.Report.Number, in.Report.Version, name, in.Number),
		Origin:  incident.ByReport, Category: in.Report.Category, Once: "report " + in.Report.Number,
	})
	return i.ID, err
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-3], "") + "…"
}

// heard tells the case of an inquiry, a reply or guidance, and who is on duty.
func (f filer) heard(ctx context.Context, tx *store.Tx, h *filing.Heard) error {
	words := map[string]string{
		filing.InquiryKind: "asks for more about report", filing.ReplyKind: "replies about report", filing.GuidanceKind: "advises about report",
	}[h.Kind]
	text := fmt.Sprintf("node %s %s %s: %s", h.Author, words, h.Number, h.Text)
	if h.Incident != "" {
		change := incident.Change{Who: byLink(h.Author), Incident: h.Incident}
		_, err := f.incidents.register.AlterIn(ctx, tx, change, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
			if h.Kind == filing.InquiryKind {
				task := incident.Task{Title: "Answer the authority about report " + h.Number, Detail: h.Text, Duty: "inquiry/" + h.ID}
				if h.Due != nil {
					task.Due = *h.Due
				}
				if err := f.incidents.register.AddTaskIn(ctx, tx, change.Who, i, task); err != nil {
					return err
				}
			}
			return f.incidents.register.TellIn(ctx, tx, change.Who, i, incident.Entry{Kind: incident.EntryComment, Text: cut(text, 8000)})
		})
		if err != nil {
			return err
		}
	}
	_, err := f.telling.Post(ctx, tx, notify.Message{
		ID: h.Kind + "-" + h.ID, Event: "report." + h.Kind, About: "report " + h.Number, Title: "Report " + h.Number + ": " + h.Kind, Text: text,
		To: []notify.Address{notify.To(toDuty, "")},
	})
	return err
}

// merged returns an incident and all that were merged into it.
func (f filer) merged(ctx context.Context, tx *store.Tx, word string) ([]string, error) {
	i, err := f.incidents.register.GetIn(ctx, tx, word)
	if err != nil {
		return nil, err
	}
	all := []string{i.ID}
	for k := 0; k < len(all) && len(all) < maxMerged; k++ {
		links, err := f.incidents.register.LinksIn(ctx, tx, all[k])
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			if l.Kind == incident.MergedInto && l.Other == all[k] && l.Incident != all[k] {
				all = append(all, l.Incident)
			}
		}
	}
	return all, nil
}

// maxMerged bounds how many cases one national case is made of, for guidance.
const maxMerged = 10_000
