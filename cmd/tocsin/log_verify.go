package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"tocsin/alliance"
	"tocsin/alliance/transparency"
	"tocsin/client"
	"tocsin/internal/fault"
	"tocsin/internal/output"
)

// logVerifyCmd verifies files, or a running node. All that is said of one log must
// fit together: of two checkpoints of other histories each alone is right.
type logVerifyCmd struct {
	Files []string `arg:"" optional:"" help:"Exports, proofs, checkpoints and alarms (as 'log alarms --format json' writes them); without any the log of the node is verified." type:"path"`
	logKeys
	Has string `help:"The envelope that must be in the log: the SHA-256 of its header, or a file with it." placeholder:"SHA256|FILE"`
	atNode
}

func (l *logVerifyCmd) Run(ctx context.Context, c *console) error {
	keys, err := l.keys()
	if err != nil {
		return err
	}
	v := &logVerification{console: c, keys: keys}
	if l.Has != "" {
		if v.has, err = envelopeDigest(l.Has); err != nil {
			return err
		}
	}
	if len(l.Files) == 0 {
		err = v.node(ctx, &l.atNode)
	}
	for _, file := range l.Files {
		if err == nil {
			err = v.file(file)
		}
	}
	if err != nil {
		return err
	}
	return v.conclude()
}

// logVerification is what was verified so far.
type logVerification struct {
	*console
	keys  map[alliance.NodeID][]ed25519.PublicKey
	has   transparency.Digest
	found bool
	seen  []transparency.Checkpoint // not yet compared with each other
}

// of returns the keys of the node that a log is of.
func (v *logVerification) of(origin string) ([]ed25519.PublicKey, error) {
	node, _, err := transparency.ParseOrigin(origin)
	if err != nil {
		return nil, err
	}
	if len(v.keys[node]) == 0 {
		return nil, usageError{fmt.Errorf("the log is of node %s, fingerprint %s: give its public key with --key, or its passport with --passport", node, node.Fingerprint())}
	}
	return v.keys[node], nil
}

// any returns all keys: a note says by its name which of them it needs.
func (v *logVerification) any() ([]ed25519.PublicKey, error) {
	var all []ed25519.PublicKey
	for _, keys := range v.keys {
		all = append(all, keys...)
	}
	if len(all) == 0 {
		return nil, usageError{errors.New("give the public key of the log's node with --key, or its passport with --passport")}
	}
	return all, nil
}

// note takes up an entry.
func (v *logVerification) note(_ int64, record string) error {
	if e, err := transparency.ParseRecord(record); err == nil && e.Envelope == v.has && !v.has.IsZero() {
		v.found = true
	}
	return nil
}

// file verifies a file by what it begins with.
func (v *logVerification) file(name string) (err error) {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, unwrapped(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r := bufio.NewReader(file)
	head, err := r.Peek(len("tocsin log export"))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case strings.HasPrefix(string(head), "tocsin log export"):
		err = v.export(name, r)
	case strings.HasPrefix(string(head), "c2sp.org/tlog"):
		err = v.proof(name, r)
	case strings.HasPrefix(string(head), "{"):
		err = v.alarms(name, r)
	default:
		err = v.checkpoint(name, r)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (v *logVerification) export(name string, r *bufio.Reader) error {
	keys, err := v.any()
	if err != nil {
		return err
	}
	e, err := transparency.VerifyExport(r, v.note, keys...)
	if err != nil {
		return err
	}
	v.seen = append(append(v.seen, e.Checkpoint), e.Earlier...)
	return v.say("%s: log %s, entries %d to %d, %s: verified", name, e.Checkpoint.Origin, e.First, e.Checkpoint.Size-1,
		output.Count(1+len(e.Earlier), "checkpoint", "checkpoints"))
}

func (v *logVerification) proof(name string, r *bufio.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, maxInput))
	if err != nil {
		return err
	}
	keys, err := v.any()
	if err != nil {
		return err
	}
	p, err := transparency.VerifyProof(string(text), keys...)
	if err != nil {
		return err
	}
	v.seen = append(v.seen, p.Checkpoint)
	if err := v.note(p.Index, p.Record); err != nil {
		return err
	}
	return v.say("%s: log %s has, as entry %d of %d: %s", name, p.Checkpoint.Origin, p.Index, p.Checkpoint.Size, logLine(p.Record))
}

func (v *logVerification) checkpoint(name string, r *bufio.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, maxInput))
	if err != nil {
		return err
	}
	read, err := transparency.ReadCheckpoint(string(text))
	if err != nil {
		return err
	}
	keys, err := v.of(read.Origin)
	if err != nil {
		return err
	}
	c, err := transparency.OpenCheckpoint(string(text), keys...)
	if err != nil {
		return err
	}
	v.seen = append(v.seen, c)
	return v.say("%s: checkpoint of log %s at %s: its node signed it", name, c.Origin, output.Count(int(c.Size), "entry", "entries"))
}

// alarms verifies the evidence of alarms, one a line.
func (v *logVerification) alarms(name string, r *bufio.Reader) error {
	keys, err := v.any()
	if err != nil {
		return err
	}
	lines := json.NewDecoder(io.LimitReader(r, maxInput))
	for n := 1; ; n++ {
		var a transparency.Alarm
		if err := lines.Decode(&a); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("alarm %d: %w: %w", n, err, fault.Invalid)
		}
		if a.Evidence == nil {
			if err := v.say("%s, alarm %d: %s, which no file proves", name, n, string(a.Kind)); err != nil {
				return err
			}
			continue
		}
		if err := a.Evidence.Check(keys...); err != nil {
			return fmt.Errorf("alarm %d: %w", n, err)
		}
		if err := v.say("%s, alarm %d: PROVED: node %s signed two histories", name, n, string(a.Hub)); err != nil {
			return err
		}
	}
}

// node verifies the log of a running node: all its entries against the checkpoint
// that it signs now.
func (v *logVerification) node(ctx context.Context, at *atNode) error {
	asked, err := at.client()
	if err != nil {
		return err
	}
	if len(v.keys) == 0 {
		if err := v.trust(ctx, at); err != nil {
			return err
		}
	}
	if _, err := at.call(ctx, client.Request{Method: http.MethodGet, Path: "/api/v1/log"}, nil); err != nil {
		return err
	}
	from, to := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := asked.Download(ctx, client.Request{Path: "/api/v1/log/export"}, to)
		done <- err
		_ = to.CloseWithError(err) // nil is the end
	}()
	verified := v.export(at.Node, bufio.NewReader(from))
	_ = from.Close()
	if err := <-done; err != nil && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	return verified
}

// trust takes the key that the node itself says, and says so.
func (v *logVerification) trust(ctx context.Context, at *atNode) error {
	var s transparency.Status
	if err := at.read(ctx, "/api/v1/log", nil, &s); err != nil {
		return err
	}
	node, key, err := transparency.ParseVerifierKey(s.Key)
	if err != nil {
		return err
	}
	v.keys[node] = []ed25519.PublicKey{key}
	return v.say("the key is what the node itself says: compare its fingerprint, %s, or give --key", node.Fingerprint())
}

func (v *logVerification) say(format string, args ...any) error {
	p := &page{out: v.out}
	p.line(format, args...)
	return p.err
}

// conclude compares what was verified apart: of one log and size there is one root.
func (v *logVerification) conclude() error {
	known := map[string]transparency.Checkpoint{}
	for _, c := range v.seen {
		at := fmt.Sprintf("%s %d", c.Origin, c.Size)
		other, there := known[at]
		if there && other.Root != c.Root {
			return errors.Join(v.say("TWO HISTORIES of log %s: its node signed two roots for %d entries:\n\n%s\n%s", c.Origin, c.Size, other.Note, c.Note), errFailOn)
		}
		known[at] = c
	}
	if !v.has.IsZero() && !v.found {
		return fmt.Errorf("envelope %s is not in what was verified: %w", v.has, fault.NotFound)
	}
	if !v.has.IsZero() {
		return v.say("envelope %s is in the log", v.has.String())
	}
	return nil
}
