package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/bus/federation"
	"tocsin/internal/store"
)

// cannedMember answers every warning the same, without a memory and without a
// database, over a real connection: in the form of alliance/link, which it keeps to
// as far as one goes that never fails.
type cannedMember struct {
	hub      alliance.NodeID
	identity *envelope.Identity
	conn     *federation.Member
	epoch    string
	sent     int64 // its log's last position; owned by Receive
	answers  *atomic.Int64
}

// place is the first line of a frame of alliance/link.
type place struct {
	Epoch     string `json:"epoch,omitempty"`
	Position  int64  `json:"position,omitempty"`
	Before    int64  `json:"before,omitempty"`
	Confirmed int64  `json:"confirmed,omitempty"`
}

// linkFrame is the first byte of a frame of alliance/carrier that holds one of links.
const linkFrame = 1

func (h *hosted) canned(ctx context.Context, _ *envelope.Passport) error {
	all := make([]*cannedMember, len(h.Members))
	answers := &atomic.Int64{}
	err := atOnce(len(all), func(n int) error {
		one := &h.Members[n]
		m := &cannedMember{hub: h.Hub, answers: answers, epoch: store.NewID(time.Now())}
		var err error
		if m.identity, err = envelope.Load(filepath.Join(one.Dir, "identity")); err != nil {
			return err
		}
		if m.conn, err = federation.Dial(federation.Config{URLs: one.Addresses, Credential: one.Credential, Seed: one.Seed, Pin: one.Pin}); err != nil {
			return err
		}
		all[n] = m
		go func() { _ = m.conn.Receive(ctx, m.take) }()
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Println(`"open"`)
	return answerWords(os.Stdin, func(word string) (any, error) {
		switch word {
		case "connected":
			n := 0
			for _, m := range all {
				if m.conn.State().Connected {
					n++
				}
			}
			return n, nil
		case "answers":
			return answers.Load(), nil
		}
		return nil, fmt.Errorf("%q is not answered here", word)
	})
}

// take answers a warning; what else comes it confirms alone.
func (m *cannedMember) take(ctx context.Context, _ string, data []byte) error {
	if len(data) == 0 || data[0] != linkFrame {
		return nil
	}
	line, text, ok := bytes.Cut(data[1:], []byte("\n"))
	var at place
	if err := json.Unmarshal(line, &at); err != nil || !ok || at.Position == 0 {
		return nil //nolint:nilerr // a receipt, which asks for nothing
	}
	e, err := envelope.Parse(text)
	if err != nil {
		return nil //nolint:nilerr // it cannot be answered, and would come again for ever
	}
	h, err := e.Open()
	if err == nil && h.Kind == alliance.WarningKind {
		err = m.answer(ctx, e.Body, &h)
	}
	if err != nil {
		return err
	}
	receipt, err := json.Marshal(map[string]any{"epoch": at.Epoch, "after": 0, "up_to": at.Position})
	if err != nil {
		return err
	}
	return m.send(ctx, place{}, "link.receipt", "", receipt)
}

// answer says that all is clear, or in one of ten that something was seen.
func (m *cannedMember) answer(ctx context.Context, body []byte, h *envelope.Header) error {
	var b struct {
		Warning  string
		Revision int
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return nil //nolint:nilerr // its body travels apart: it is none to answer
	}
	a := alliance.Answer{Warning: b.Warning, Revision: b.Revision, Member: m.identity.ID(), Sequence: b.Revision, At: time.Now().UTC(), Verdict: alliance.Clear}
	if m.identity.ID()[5] < 'd' {
		a.Verdict, a.Sightings = alliance.Hit, alliance.Sightings{Events: 3, Hosts: 1, First: &h.Issued, Last: &h.Issued}
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	m.sent++
	if err := m.send(ctx, place{Epoch: m.epoch, Position: m.sent, Before: m.sent - 1}, alliance.AnswerKind, h.ID, text); err != nil {
		m.sent--
		return err
	}
	m.answers.Add(1)
	return nil
}

func (m *cannedMember) send(ctx context.Context, at place, kind, about string, body []byte) error {
	now := time.Now()
	e, err := m.identity.Seal(envelope.Header{
		ID: store.NewID(now), Kind: kind, Schema: 1, Audience: alliance.To(m.hub), Marking: intel.TLPAmber, Issued: now, Expires: now.Add(time.Hour), About: about,
	}, body)
	if err != nil {
		return err
	}
	text, err := e.Bytes()
	if err != nil {
		return err
	}
	line, err := json.Marshal(at)
	if err != nil {
		return err
	}
	frame := append(append(append([]byte{linkFrame}, line...), '\n'), text...)
	return m.conn.Publish(ctx, kind+strconv.FormatInt(at.Position, 10)+"."+store.NewID(now), frame)
}
