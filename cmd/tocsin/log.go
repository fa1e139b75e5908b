package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/transparency"
	"tocsin/client"
	"tocsin/internal/output"
)

// logCmd is the verbs of the log of what was warned.
type logCmd struct {
	Verify logVerifyCmd `cmd:"" help:"Verify exports, proofs and checkpoints of a log, without a node; or the log of a running node."`
	Show   logShowCmd   `cmd:"" help:"Show how the node's log does, who saw what of it, and its newest entries."`
	Export logExportCmd `cmd:"" help:"Write a part of a log, its checkpoint or the proof of an entry into a file that anybody can verify."`
	Watch  logWatchCmd  `cmd:"" help:"Show the logs of this node's hubs, as far as they were verified; compare a checkpoint that somebody else saw."`
	Alarms logAlarmsCmd `cmd:"" help:"List what is wrong with the logs of hubs."`

	Recover logRecoverCmd `cmd:"" help:"Put back entries that the node's log lost, from a member's export."`
	Resume  logResumeCmd  `cmd:"" help:"Have a restored log go on although not every member said what it saw."`
	Anew    logAnewCmd    `cmd:"" help:"Close the log and begin another that says how far it was known."`
}

type logShowCmd struct {
	atNode
	Last   int64  `help:"How many of the newest entries." default:"10"`
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

// logRecord is an entry as the API gives it.
type logRecord struct {
	Index  int64  `json:"index"`
	Record string `json:"record"`
}

func (l *logShowCmd) Run(ctx context.Context, c *console) error {
	var s transparency.Status
	if err := l.read(ctx, "/api/v1/log", nil, &s); err != nil {
		return err
	}
	var entries []logRecord
	if n := min(max(l.Last, 0), s.Size, most); n > 0 {
		query := url.Values{"limit": {strconv.FormatInt(n, 10)}, "first": {strconv.FormatInt(s.Size-n, 10)}}
		if err := l.read(ctx, "/api/v1/log/entries", query, &entries); err != nil {
			return err
		}
	}
	if l.Format == "json" {
		return eachLine(c.out, []any{struct {
			transparency.Status
			Entries []logRecord `json:"entries"`
		}{s, entries}})
	}
	p := &page{out: c.out}
	printLogStatus(p, &s)
	for _, e := range entries {
		p.line("%6d  %s", e.Index, logLine(e.Record))
	}
	return p.err
}

func printLogStatus(p *page, s *transparency.Status) {
	p.line("log      %s", s.Origin)
	p.line("state    %s", string(s.State))
	if s.Reason != "" {
		p.line("because  %s", s.Reason)
	}
	p.line("entries  %d", s.Size)
	p.line("root     %s", s.Root)
	p.line("key      %s", s.Key)
	for _, w := range s.Witnesses {
		if w.Origin == "" {
			p.line("seen by  %s: nothing, %s", string(w.Member), minute(w.At))
			continue
		}
		p.line("seen by  %s: %d entries, %s", string(w.Member), w.Size, minute(w.At))
	}
}

// logLine is an entry on one line.
func logLine(record string) string {
	e, err := transparency.ParseRecord(record)
	if err != nil {
		return "written by a newer version"
	}
	line := e.Time.Format("2006-01-02 15:04:05") + "  " + string(e.Kind)
	if !e.Envelope.IsZero() {
		line += "  " + e.Envelope.String()
	}
	return line
}

type logExportCmd struct {
	atNode
	Out        string `help:"Write it here rather than to standard output." placeholder:"FILE"`
	First      int64  `help:"Begin with the entry of this index." default:"0"`
	Hub        string `help:"What is kept here of this hub's log, rather than the node's own." placeholder:"NODE"`
	Checkpoint bool   `help:"Only the checkpoint: what to hand to other members, and to keep."`
	Entry      string `help:"Only the proof that this envelope is in the log: the SHA-256 of its header, or a file with the envelope." placeholder:"SHA256|FILE"`
}

func (l *logExportCmd) Run(ctx context.Context, c *console) error {
	r := client.Request{Path: "/api/v1/log/export", Query: url.Values{}}
	if l.First > 0 {
		r.Query.Set("first", strconv.FormatInt(l.First, 10))
	}
	switch {
	case l.Checkpoint:
		r = client.Request{Path: "/api/v1/log/checkpoint"}
	case l.Entry != "":
		digest, err := envelopeDigest(l.Entry)
		if err != nil {
			return err
		}
		r = client.Request{Path: "/api/v1/log/proof/" + digest.String()}
	case l.Hub != "":
		hub, err := alliance.ParseNodeID(l.Hub)
		if err != nil {
			return usageError{err}
		}
		r.Path = "/api/v1/log/hubs/" + string(hub) + "/export"
	}
	return l.download(ctx, c, r, l.Out)
}

// envelopeDigest reads 64 hexadecimal digits, or the envelope in a file.
func envelopeDigest(text string) (transparency.Digest, error) {
	if d, err := transparency.ParseDigest(text); err == nil {
		return d, nil
	}
	content, err := os.ReadFile(text)
	if err != nil {
		return transparency.Digest{}, usageError{fmt.Errorf("%s is neither a SHA-256 nor a file: %w", text, unwrapped(err))}
	}
	e, err := envelope.Parse(content)
	if err != nil {
		return transparency.Digest{}, fmt.Errorf("%s: %w", text, err)
	}
	if _, err := e.Open(); err != nil {
		return transparency.Digest{}, fmt.Errorf("%s: %w", text, err)
	}
	return transparency.DigestOf(e.Header), nil
}

type logWatchCmd struct {
	atNode
	Heard  string `help:"Compare a checkpoint that somebody else saw: a file that 'log export --checkpoint' wrote." placeholder:"FILE"`
	Format string `help:"table or json (one hub a line)." enum:"table,json" default:"table"`
}

func (l *logWatchCmd) Run(ctx context.Context, c *console) error {
	if l.Heard != "" {
		return l.compare(ctx, c)
	}
	var hubs []transparency.Watched
	if err := l.read(ctx, "/api/v1/log/hubs", nil, &hubs); err != nil {
		return err
	}
	if l.Format == "json" {
		return eachLine(c.out, hubs)
	}
	p := &page{out: c.out}
	for i := range hubs {
		h := &hubs[i]
		p.line("%s  %d entries verified, %d kept; waiting for %d received, %d heard of", string(h.Hub), h.Size, h.Kept, h.Waits, h.Heard)
	}
	if len(hubs) == 0 {
		p.line("no hub's log was seen here yet")
	}
	return p.err
}

// compare hands what somebody else saw to the node. Two histories end with the
// status of something found.
func (l *logWatchCmd) compare(ctx context.Context, c *console) error {
	text, err := limitedFile(l.Heard)
	if err != nil {
		return err
	}
	heard, err := transparency.ReadCheckpoint(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", l.Heard, err)
	}
	hub, _, err := transparency.ParseOrigin(heard.Origin)
	if err != nil {
		return fmt.Errorf("%s: %w", l.Heard, err)
	}
	asked, err := l.client()
	if err != nil {
		return err
	}
	var told transparency.Compared
	if err := asked.Send(ctx, "/api/v1/log/hubs/"+string(hub)+"/heard", "text/plain", bytes.NewReader(text), &told); err != nil {
		return err
	}
	p := &page{out: c.out}
	switch {
	case len(told.Alarms) > 0:
		for i := range told.Alarms {
			p.line("%s: %s", string(told.Alarms[i].Kind), told.Alarms[i].Text)
		}
		return errors.Join(p.err, errFailOn)
	case told.Known:
		p.line("%d entries: of the history that was verified here", heard.Size)
	default:
		p.line("%d entries: not known here yet; the hub is asked how it goes on from there", heard.Size)
	}
	return p.err
}

type logAlarmsCmd struct {
	atNode
	Limit  int    `help:"How many, the newest first." default:"100"`
	Format string `help:"table or json (one alarm a line, with the signed checkpoints)." enum:"table,json" default:"table"`
}

func (l *logAlarmsCmd) Run(ctx context.Context, c *console) error {
	var alarms []transparency.Alarm
	if err := l.read(ctx, "/api/v1/log/alarms", url.Values{"limit": {strconv.Itoa(l.Limit)}}, &alarms); err != nil {
		return err
	}
	if l.Format == "json" {
		return eachLine(c.out, alarms)
	}
	p := &page{out: c.out}
	for i := range alarms {
		p.line("%s  %s  %s", minute(alarms[i].At), string(alarms[i].Kind), alarms[i].Text)
	}
	if len(alarms) == 0 {
		p.line("no alarms")
	}
	return p.err
}

type logRecoverCmd struct {
	atNode
	File string `arg:"" help:"What a member exported with 'log export --hub'."`
}

func (l *logRecoverCmd) Run(ctx context.Context, c *console) (err error) {
	file, err := os.Open(l.File)
	if err != nil {
		return fmt.Errorf("%s: %w", l.File, unwrapped(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	asked, err := l.client()
	if err != nil {
		return err
	}
	var s transparency.Status
	if err := asked.Send(ctx, "/api/v1/log/recover", "text/plain", bufio.NewReader(file), &s); err != nil {
		return err
	}
	return sayLog(c, &s)
}

type logResumeCmd struct {
	atNode
	Reason string `help:"Why nothing is missing; it is in the audit trail." required:""`
}

func (l *logResumeCmd) Run(ctx context.Context, c *console) error {
	return l.decide(ctx, c, "/api/v1/log/resume", l.Reason)
}

type logAnewCmd struct {
	atNode
	Reason string `help:"Why the log can't go on; it is in the audit trail, and members are told of the new log." required:""`
}

func (l *logAnewCmd) Run(ctx context.Context, c *console) error {
	return l.decide(ctx, c, "/api/v1/log/anew", l.Reason)
}

func (a *atNode) decide(ctx context.Context, c *console, path, reason string) error {
	var s transparency.Status
	if _, err := a.call(ctx, client.Request{Method: http.MethodPost, Path: path, In: map[string]string{"reason": reason}}, &s); err != nil {
		return err
	}
	return sayLog(c, &s)
}

func sayLog(c *console, s *transparency.Status) error {
	_, err := fmt.Fprintf(c.out, "log %s is %s, with %s\n", s.Origin, s.State, output.Count(int(s.Size), "entry", "entries"))
	return err
}

// logKeys are whom a verb believes, of which node.
type logKeys struct {
	Key      []string `help:"The node's public key as 'log show' prints it; get it from the node itself, not from who gave you the file." placeholder:"KEY" sep:"none"`
	Passport []string `help:"The node's passport in a file, which holds its keys." placeholder:"FILE" sep:"none"`
}

// keys returns the keys, and which node's they are.
func (k *logKeys) keys() (map[alliance.NodeID][]ed25519.PublicKey, error) {
	all := map[alliance.NodeID][]ed25519.PublicKey{}
	for _, text := range k.Key {
		node, key, err := transparency.ParseVerifierKey(text)
		if err != nil {
			return nil, usageError{err}
		}
		all[node] = append(all[node], key)
	}
	for _, file := range k.Passport {
		text, err := limitedFile(file)
		if err != nil {
			return nil, err
		}
		p, err := envelope.ParsePassport(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all[p.Node()] = append(all[p.Node()], signingKeys(p)...)
	}
	return all, nil
}
