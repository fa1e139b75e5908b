package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"tocsin/incident"
	"tocsin/internal/document"
	"tocsin/internal/notify"
	"tocsin/internal/printout"
	"tocsin/internal/store"
	"tocsin/people"
	"tocsin/plan/duty"
)

// printedCases bounds what is printed of what is due and of what is worked on: a
// paper of some thirty pages.
const printedCases = 500

// current is the clocks that run and the incidents that are open, for the paper.
func (r *incidentRooms) current(ctx context.Context, language document.Language) (clocks []printout.Clock, cases []printout.Case, err error) {
	in := "en"
	if language == document.Chinese {
		in = "zh"
	}
	due, _, err := r.office.Clocks(ctx, duty.Filter{Open: true}, duty.Page{Most: printedCases})
	if err != nil {
		return nil, nil, err
	}
	for i := range due {
		k := &due[i]
		clocks = append(clocks, printout.Clock{Case: k.Number, Title: k.Regime + ": " + k.Name.In(in), Due: k.Act, AtOnce: k.Due.IsZero() && k.Target.IsZero(), State: string(k.State), To: r.recipients(k, in)})
	}
	open, _, err := r.register.List(ctx, incident.Filter{Open: true}, incident.Page{Most: printedCases})
	for i := range open {
		o := &open[i]
		cases = append(cases, printout.Case{Number: o.Number, Title: o.Title, Level: o.Level, State: string(o.State), Lead: o.Owner, Opened: o.Opened})
	}
	return clocks, cases, err
}

// recipients are to whom a clock's report goes.
func (r *incidentRooms) recipients(k *duty.Listed, language string) string {
	pack, err := r.office.Library().Pack(k.Regime)
	if err != nil {
		return "" // its pack is no longer installed
	}
	clock := pack.Clock(k.Clock)
	if clock == nil {
		return ""
	}
	var names []string
	for _, id := range clock.To {
		names = append(names, pack.Recipient(id).Title.In(language))
	}
	return strings.Join(names, ", ")
}

// notice posts what the plan wants told. Reminders of one duty of one incident
// are one conversation.
func (t *telling) notice(ctx context.Context, tx *store.Tx, n *duty.Notice) error {
	data, err := noticeData(n)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(n.Key))
	m := notify.Message{
		ID: "plan-" + hex.EncodeToString(sum[:16]), Event: "clock." + string(n.Kind), About: "incident " + n.Number,
		Title: n.Subject, Text: n.Text, Data: data,
	}
	for _, role := range n.To {
		m.To = append(m.To, noticeAddress(role))
	}
	_, err = t.Post(ctx, tx, m)
	return err
}

// opened tells webhooks that want it of an incident. Nobody is mailed: who works on
// incidents sees it, and the clocks that follow are told of.
func (t *telling) opened(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
	short := *i
	short.Summary = "" // it may be longer than receivers take, and is in the text
	data, err := json.Marshal(short)
	if err != nil {
		return err
	}
	_, err = t.Post(ctx, tx, notify.Message{
		ID: "opened-" + i.ID, Event: "incident.opened", About: "incident " + i.Number,
		Title: "[" + i.Number + "] " + i.Title, Text: i.Title + "\n\n" + i.Summary, Data: data,
	})
	return err
}

// noticeData is what webhooks get beside the text. A notice that quotes so much
// that it does not fit goes without it: what cannot be posted would keep its
// clock from ever being looked at.
func noticeData(n *duty.Notice) (json.RawMessage, error) {
	data, err := json.Marshal(n)
	if err != nil || len(data) <= notify.MaxData {
		return data, err
	}
	short := *n
	short.Text = ""
	if data, err = json.Marshal(short); len(data) > notify.MaxData {
		return nil, err
	}
	return data, err
}

// noticeAddress is where a notice goes that is for a role: who has the duty is
// who is on duty when it is sent.
func noticeAddress(role string) notify.Address {
	if people.Role(role) == people.DutyOfficer {
		return notify.To("duty", "")
	}
	return notify.To("role", role)
}
