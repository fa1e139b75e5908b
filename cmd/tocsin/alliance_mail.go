package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/warning"
	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/internal/store"
)

// memberWords are what is written around a warning to a member, in a language.
type memberWords struct {
	changes                                           map[alliance.Change]string
	warning, reason, measures, by, answer, reply, ask string
}

// wordsFor returns the words in a language, else in English.
func wordsFor(language string) *memberWords {
	if base, _, _ := strings.Cut(strings.ToLower(language), "-"); base == "zh" {
		return &memberWords{
			changes: map[alliance.Change]string{
				alliance.IssuedChange: "新发布", alliance.AmendedChange: "已修订", alliance.RaisedChange: "已升级", alliance.LoweredChange: "已降级",
				alliance.RatifiedChange: "已确认", alliance.LiftedChange: "已解除", alliance.RecalledChange: "已撤回",
			},
			warning: "预警 %s（%s）：%s", reason: "原因：%s", measures: "要求的措施：", by: "%s 之前", answer: "请确认并答复预警 %s",
			reply: "%s：请在 %s 之前通过以下链接确认收到并答复（仅可使用一次）：\n%s", ask: "%s：我们就预警 %s 向贵单位提出了询问，至今尚未收到答复。",
		}
	}
	return &memberWords{
		changes: map[alliance.Change]string{
			alliance.IssuedChange: "issued", alliance.AmendedChange: "amended", alliance.RaisedChange: "raised", alliance.LoweredChange: "lowered",
			alliance.RatifiedChange: "confirmed", alliance.LiftedChange: "lifted: it is over", alliance.RecalledChange: "recalled: it was sent by mistake",
		},
		warning: "Warning %s (%s): %s", reason: "Reason: %s", measures: "Measures demanded:", by: "by %s", answer: "Please confirm and answer warning %s",
		reply: "%s: please confirm that you have read this, and answer, until %s, once, at\n%s", ask: "%s: we asked you by warning %s and have no answer yet.",
	}
}

// textIn is what a warning says in a language, else in its first.
func textIn(w *alliance.Warning, language string) alliance.Text {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	var of *alliance.Text
	for k := range w.Texts {
		t := &w.Texts[k]
		own, _, _ := strings.Cut(strings.ToLower(t.Language), "-")
		switch {
		case strings.EqualFold(t.Language, language):
			return *t
		case own == base && of == nil:
			of = t
		}
	}
	if of == nil {
		of = &w.Texts[0]
	}
	return *of
}

// mailText is a warning as a mail says it.
func mailText(w *alliance.Warning, language string) string {
	words, said := wordsFor(language), textIn(w, language)
	var b strings.Builder
	fmt.Fprintf(&b, words.warning+"\n", w.Number, w.Colour, said.Title)
	if w.Marking.String() != "" {
		fmt.Fprintf(&b, "%s\n", w.Marking)
	}
	for _, part := range [...]string{said.Body, said.Impact} {
		if part != "" {
			fmt.Fprintf(&b, "\n%s\n", part)
		}
	}
	if len(w.Measures) > 0 {
		fmt.Fprintf(&b, "\n%s\n", words.measures)
	}
	for _, m := range w.Measures {
		fmt.Fprintf(&b, "- %s (%s)\n", m.Text, fmt.Sprintf(words.by, mailTime(m.Due)))
	}
	return b.String()
}

func mailTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// mailWarning tells members without a node what became of a warning. The first that
// they hear of it is the mail with the form (mailAnswer), which says all of it.
func (r *running) mailWarning(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, w *alliance.Warning, to []warning.Recipient) error {
	for k := range to {
		asked, err := r.answers.OnBoard(ctx, tx, b.Warning, to[k].Node)
		if err != nil {
			return err
		}
		if !asked {
			continue
		}
		mails, language, err := r.mailsOf(ctx, tx, to[k].Node)
		if err != nil {
			return err
		}
		words := wordsFor(language)
		m := notify.Message{
			Event: "warning." + string(b.Change), About: "warning " + b.Warning, To: mails,
			Title: fmt.Sprintf(words.warning, b.Number, words.changes[b.Change], textIn(w, language).Title),
		}
		if b.Reason != "" {
			m.Text = fmt.Sprintf(words.reason, b.Reason) + "\n"
		}
		if !b.Change.Ends() {
			m.Text += "\n" + mailText(w, language)
		}
		if m.Text == "" {
			m.Text = m.Title + "\n"
		}
		if err := r.mail(ctx, tx, m, b.Warning, b.Revision, string(to[k].Node)); err != nil {
			return err
		}
	}
	return nil
}

// mailAnswer asks a member for its answer, at the contacts on its card.
func (r *running) mailAnswer(ctx context.Context, tx *store.Tx, n *answer.Notice) error {
	mails, language, err := r.mailsOf(ctx, tx, n.Member)
	if errors.Is(err, fault.NotFound) {
		return nil // it is gone
	}
	if err != nil {
		return err
	}
	words := wordsFor(language)
	m := notify.Message{Event: string(n.Kind), About: "warning " + n.Warning, To: mails, Title: fmt.Sprintf(words.answer, n.Number)}
	if n.Kind != answer.FormLink {
		m.Text = fmt.Sprintf(words.ask, n.Name, n.Number+" ("+n.Title+")") + "\n"
		return r.mail(ctx, tx, m, string(n.Kind), 0, n.Warning+string(n.Member))
	}
	m.Text = fmt.Sprintf(words.reply, n.Name, mailTime(n.Due), r.url()+"/answer/"+n.Link) + "\n"
	if n.Asked != nil && len(n.Asked.Texts) > 0 {
		m.Text += "\n" + mailText(n.Asked, language)
	}
	return r.mail(ctx, tx, m, string(n.Kind), 0, n.Link)
}

// mail posts a message once for each key.
func (r *running) mail(ctx context.Context, tx *store.Tx, m notify.Message, key string, revision int, also string) error {
	if len(m.To) == 0 {
		return nil
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%s", key, revision, also))
	m.ID = "member-" + hex.EncodeToString(sum[:16])
	_, err := r.telling.Post(ctx, tx, m)
	return err
}

// mailsOf are where a member reads mail, and in which language.
func (r *running) mailsOf(ctx context.Context, tx *store.Tx, node alliance.NodeID) (to []notify.Address, language string, err error) {
	m, err := r.alliance.members.Member(ctx, tx, node)
	if err != nil {
		return nil, "", err
	}
	for _, c := range m.Card.Contacts {
		if c.Mail != "" {
			to = append(to, notify.Mail(c.Mail))
		}
	}
	return to, m.Language, nil
}
