package main

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/output"
)

// verified is what is told of one thing that was verified.
type verified struct {
	What     string `json:"what"` // message, bundle, passport, damaged
	Line     int    `json:"line,omitempty"`
	Verifies bool   `json:"verifies"`
	Reason   string `json:"reason,omitempty"`
	Detail   string `json:"detail,omitempty"`

	Kind     string            `json:"kind,omitempty"`
	ID       string            `json:"id,omitempty"`
	About    string            `json:"about,omitempty"`
	Author   *signerShown      `json:"author,omitempty"`
	Signed   *time.Time        `json:"signed,omitempty"`
	Expires  *time.Time        `json:"expires,omitempty"`
	Relays   []signerShown     `json:"relays,omitempty"`
	Audience *alliance.Scope   `json:"audience,omitempty"`
	Marking  *intel.Marking    `json:"tlp,omitempty"`
	Exercise bool              `json:"exercise,omitempty"`
	Body     *bodyShown        `json:"body,omitempty"`
	Receipt  *alliance.Receipt `json:"receipt,omitempty"`
	Keys     []envelope.KeyOf  `json:"keys,omitempty"`
}

// signerShown is a node that signed.
type signerShown struct {
	Node        alliance.NodeID `json:"node"`
	Name        string          `json:"name,omitempty"`
	Fingerprint string          `json:"fingerprint"`
	Key         string          `json:"key,omitempty"` // its fingerprint
	At          *time.Time      `json:"at,omitempty"`
	Against     string          `json:"against,omitempty"` // where the passport is from
}

type bodyShown struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Here   bool   `json:"here"`
	Chunks int    `json:"chunks,omitempty"`
}

func (v *verified) refused(err error) {
	v.Verifies, v.Reason, v.Detail = false, string(envelope.Malformed), err.Error()
	if r, ok := envelope.RefusalOf(err); ok {
		v.Reason, v.Detail = string(r.Reason), r.Detail
	}
}

func (w *verifying) describe(line int, e *envelope.Envelope, h *envelope.Header) *verified {
	v := &verified{
		What: "message", Line: line, Verifies: true, Kind: h.Kind, ID: h.ID, About: h.About, Exercise: h.Exercise,
		Signed: &h.Issued, Expires: &h.Expires, Audience: &h.Audience, Marking: &h.Marking,
		Body: &bodyShown{h.Body.SHA256, h.Body.Size, e.Body != nil || h.Body.Size == 0, len(h.Body.Chunks)},
	}
	for n, s := range e.Signatures {
		if n == 0 {
			v.Author = w.signer(s.Node, s.Key)
			continue
		}
		relay := w.signer(s.Node, s.Key)
		relay.At = &s.At
		v.Relays = append(v.Relays, *relay)
	}
	if h.Kind == alliance.ReceiptKind && e.Body != nil {
		var r alliance.Receipt
		if json.Unmarshal(e.Body, &r) == nil && r.Check() == nil {
			v.Receipt = &r
		}
	}
	return v
}

func (w *verifying) signer(node alliance.NodeID, key ed25519.PublicKey) *signerShown {
	s := &signerShown{Node: node, Against: w.from[node]}
	if node.Valid() {
		s.Fingerprint = node.Fingerprint()
	}
	if len(key) > 0 {
		s.Key = alliance.KeyFingerprint(key)
	}
	if p := w.known[node]; p != nil {
		if card, err := p.Card(); err == nil {
			s.Name = card.Name("en")
		}
	}
	return s
}

func (w *verifying) write(v *verified) error {
	if w.Format == "json" {
		return json.NewEncoder(w.to).Encode(v)
	}
	_, err := fmt.Fprint(w.to, v.text())
	return err
}

// text is what is told to people.
func (v *verified) text() string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s  %s\n", name, output.Plain(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintln(&b, v.title())
	if !v.Verifies {
		row("because", "%s: %s", v.Reason, v.Detail)
	}
	if v.Author != nil && v.Author.Node != "" {
		v.Author.row("signed by", row)
	}
	if v.Signed != nil && !v.Signed.IsZero() {
		row("signed", "%s", minute(*v.Signed))
	}
	for i := range v.Relays {
		v.Relays[i].row("passed by", row)
		row("passed", "%s", minute(*v.Relays[i].At))
	}
	if v.What == "message" && v.ID != "" {
		v.messageRows(row)
	}
	if r := v.Receipt; r != nil {
		row("receipt", "of message %s, sha256 %s, at %s, number %q", r.Message, r.SHA256, minute(r.At), r.Number)
	}
	_ = writeKeys(&b, v.Keys) // it is written to memory
	return b.String()
}

func (v *verified) title() string {
	what := v.What
	if v.What == "message" {
		what = strings.TrimSpace(v.Kind + " " + v.ID)
	}
	if v.Line > 0 {
		what = fmt.Sprintf("line %d: %s", v.Line, what)
	}
	if v.Verifies {
		return output.Plain("VERIFIED      " + what)
	}
	return output.Plain("NOT VERIFIED  " + what)
}

func (s *signerShown) row(name string, row func(string, string, ...any)) {
	row(name, "%s %s", s.Node, s.Name)
	row("", "fingerprint %s", s.Fingerprint)
	if s.Key != "" {
		row("", "key         %s", s.Key)
	}
	switch s.Against {
	case "":
	case "the bundle":
		row("", "by the card that the bundle itself brings: compare the fingerprint by telephone")
	default:
		row("", "by the card of %s", s.Against)
	}
}

func (v *verified) messageRows(row func(string, string, ...any)) {
	row("for", "%s", audience(v.Audience))
	marking := "not marked"
	if *v.Marking != intel.Unmarked {
		marking = "TLP:" + strings.ToUpper(v.Marking.String())
	}
	row("marking", "%s", marking)
	if v.Exercise {
		row("EXERCISE", "it is one")
	}
	row("expires", "%s", minute(*v.Expires))
	if v.About != "" {
		row("about", "message %s", v.About)
	}
	where := "here, and the one that was signed"
	switch {
	case !v.Verifies && v.Body.Here:
		where = "here"
	case !v.Body.Here && v.Body.Chunks > 0:
		where = fmt.Sprintf("in %d chunks of its own", v.Body.Chunks)
	case !v.Body.Here:
		where = "not here"
	}
	row("body", "%d bytes, %s", v.Body.Size, where)
}

// audience is whom a message is for, in a line.
func audience(s *alliance.Scope) string {
	if s.Everyone() {
		return "everyone"
	}
	var parts []string
	add := func(what string, list []string) {
		const most = 10
		if n := len(list); n > most {
			list = append(list[:most:most], fmt.Sprintf("and %d more", n-most))
		}
		if len(list) > 0 {
			parts = append(parts, what+" "+strings.Join(list, ", "))
		}
	}
	add("kinds", words(s.Kinds))
	add("sectors", s.Sectors)
	add("regions", s.Regions)
	add("members", words(s.Members))
	return strings.Join(parts, "; ")
}

func words[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = string(v)
	}
	return all
}
