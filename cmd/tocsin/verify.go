package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
)

// verifyCmd verifies a file by itself: it asks no node.
type verifyCmd struct {
	File   string   `arg:"" help:"A signed message, a receipt, a bundle or a passport."`
	Card   []string `help:"Passport of a node ('tocsin identity export' there) to verify against; repeatable." placeholder:"FILE" sep:"none"`
	Had    moment   `help:"When you certainly had the file, by a record that others cannot change: keys that were revoked since a later moment count." placeholder:"TIME"`
	Format string   `help:"text, or json (one object a message)." enum:"text,json" default:"text"`
}

// errNotVerified says that something does not verify, after it was told what.
var errNotVerified = errors.New("it does not verify")

// Run says of everything in the file who signed it, and whether that holds.
func (v *verifyCmd) Run(c *console) (err error) {
	w := &verifying{verifyCmd: v, to: c.out, known: envelope.Passports{}, from: map[alliance.NodeID]string{}}
	if err := w.learn(c); err != nil {
		return err
	}
	f, err := os.Open(v.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in := bufio.NewReaderSize(f, 64<<10)
	switch head, _ := in.Peek(in.Size()); firstName(head) {
	case "bundle":
		err = w.bundle(in)
	case "header":
		err = w.message(in)
	case "root":
		err = w.passport(in)
	default:
		return fmt.Errorf("%s is no message, bundle or passport of ours: %w", v.File, fault.Invalid)
	}
	if err == nil && w.failed > 0 {
		err = fmt.Errorf("%s: %w", v.File, errNotVerified)
	}
	return err
}

// firstName is the first name of the first object in a file, by which kinds of files
// are told apart.
func firstName(head []byte) string {
	d := json.NewDecoder(bytes.NewReader(head))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return ""
	}
	name, _ := d.Token()
	text, _ := name.(string)
	return text
}

// verifying is one run.
type verifying struct {
	*verifyCmd
	to     io.Writer
	known  envelope.Passports
	from   map[alliance.NodeID]string // where each passport is from
	failed int
}

// learn reads the passports to verify against: those that are named, and the node's own.
func (w *verifying) learn(c *console) error {
	for _, path := range w.Card {
		p, err := readPassport(path)
		if err != nil {
			return err
		}
		if err := w.take(p, path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	i, err := envelope.Load(c.identityDir())
	switch {
	case errors.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	}
	return w.take(i.Passport(), "this node")
}

// take merges a passport with what is known; where it is from first counts.
func (w *verifying) take(p *envelope.Passport, from string) error {
	node := p.Node()
	merged, err := envelope.Merge(w.known[node], p)
	if err != nil {
		return err
	}
	w.known[node] = merged
	if w.from[node] == "" {
		w.from[node] = from
	}
	return nil
}

func (w *verifying) message(in io.Reader) error {
	const most = 360 << 20 // envelope.Parse says what is too long
	text, err := io.ReadAll(io.LimitReader(in, most))
	if err != nil {
		return err
	}
	e, err := envelope.Parse(text)
	if err != nil {
		return w.bad(0, err)
	}
	return w.tell(0, e)
}

// tell says of a message what it is, and whether it verifies.
func (w *verifying) tell(line int, e *envelope.Envelope) error {
	h, err := e.VerifyRecord(w.known, w.Had.Time)
	said := w.describe(line, e, &h)
	if err != nil {
		w.failed++
		said.refused(err)
	}
	return w.write(said)
}

// bad tells of what is no message at all.
func (w *verifying) bad(line int, err error) error {
	w.failed++
	said := &verified{What: "damaged", Line: line}
	said.refused(err)
	return w.write(said)
}

func (w *verifying) passport(in io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(in, envelope.MaxPassport+2))
	if err != nil {
		return err
	}
	p, err := envelope.ParsePassport(text)
	if err != nil {
		return w.bad(0, err)
	}
	said := &verified{What: "passport", Verifies: true, Author: w.signer(p.Node(), nil)}
	said.Author.Against = ""
	if known := w.known[p.Node()]; known != nil {
		merged, err := envelope.Merge(known, p)
		if err != nil {
			w.failed++
			said.refused(err)
		} else {
			p = merged
		}
		said.Author.Against = w.from[p.Node()]
	}
	if card, err := p.Card(); err == nil {
		said.Author.Name = card.Name("en")
	}
	said.Keys = p.Keys()
	return w.write(said)
}

// bundle tells of every line; passports in it are taken for what they say of their
// own node, which its fingerprint has to confirm.
func (w *verifying) bundle(in io.Reader) error {
	whole, maker, made := false, alliance.NodeID(""), time.Time{}
	var body *arriving
	for item, err := range envelope.ReadBundle(in) {
		if _, bad := errors.AsType[*envelope.BadLine](err); bad {
			if err := w.bad(item.Line, err); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		switch {
		case item.Head != nil:
			maker, made = item.Head.Maker, item.Head.Made
		case item.Passport != nil:
			if err := w.take(item.Passport, "the bundle"); err != nil {
				if err := w.bad(item.Line, err); err != nil {
					return err
				}
			}
		case item.Envelope != nil:
			if err := errors.Join(w.complete(body), w.tell(item.Line, item.Envelope)); err != nil {
				return err
			}
			body = newArriving(item.Line, item.Envelope)
		case item.Chunk != nil:
			body.chunks++
		case item.End != nil:
			whole = true
		}
	}
	if err := w.complete(body); err != nil {
		return err
	}
	said := &verified{What: "bundle", Verifies: whole, Signed: &made}
	if maker != "" {
		said.Author = w.signer(maker, nil)
	}
	if !whole {
		w.failed++
		said.Reason, said.Detail = "not_whole", "it is not as its maker signed it"
	}
	return w.write(said)
}

// arriving is a message whose body comes in the lines after it.
type arriving struct{ line, chunks, wanted int }

func newArriving(line int, e *envelope.Envelope) *arriving {
	a := &arriving{line: line}
	if h, err := e.Open(); err == nil && e.Body == nil {
		a.wanted = len(h.Body.Chunks)
	}
	return a
}

// complete tells of a body of which chunks are missing.
func (w *verifying) complete(a *arriving) error {
	if a == nil || a.chunks == a.wanted {
		return nil
	}
	return w.bad(a.line, fmt.Errorf("of the body %d of %d chunks are there: %w", a.chunks, a.wanted, fault.Invalid))
}
