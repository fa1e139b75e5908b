package link

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// A bundle is what goes to a neighbour as a file: the frames that a carrier would
// bring, and the pieces of bodies that they name. It is a line that says what it
// is, and parts; each part is a signed list of the hashes of its records, and then
// these. All is preceded by its length in a line.
const bundleLine = "tocsin link bundle 1"

const (
	// bundleKind is the kind of the envelope with the list.
	bundleKind = "link.bundle"
	// partRecords and partBytes bound a part: the list fits into an envelope, and a
	// part into memory.
	partRecords = 1000
	partBytes   = 16 << 20
	// importWait is how long one message of a file may take to be handled.
	importWait = 30 * time.Second
)

// bundlePart is the body of the list.
type bundlePart struct {
	Number  int      `json:"number"` // of the part, from 1
	Records []record `json:"records"`
}

type record struct {
	Type   string `json:"type"` // frame, piece
	SHA256 string `json:"sha256"`
}

// Exported is what an export wrote.
type Exported struct {
	Messages int   `json:"messages"`
	From     int64 `json:"from"` // the position after which it begins
	UpTo     int64 `json:"up_to"`
	Receipt  bool  `json:"receipt"` // it says what was received from there
}

// Export writes what goes to a neighbour as a file: everything after a position, or
// with -1 everything that the neighbour has not confirmed, and the receipt for what
// came from it. The same may go over the carrier as well; what arrives twice counts
// once.
func (l *Links) Export(ctx context.Context, to alliance.NodeID, w io.Writer, since int64) (Exported, error) {
	x := &exporter{Links: l, to: to, out: bufio.NewWriter(w)}
	if err := x.export(ctx, since); err != nil {
		return x.done, fmt.Errorf("export for node %s: %w", to, err)
	}
	return x.done, nil
}

// exporter writes one bundle.
type exporter struct {
	*Links
	to   alliance.NodeID
	out  *bufio.Writer
	done Exported

	part  bundlePart
	texts [][]byte
	size  int
}

func (x *exporter) export(ctx context.Context, since int64) error {
	if _, err := x.out.WriteString(bundleLine + "\n"); err != nil {
		return err
	}
	o, err := x.prepare(ctx, since)
	if err != nil {
		return err
	}
	if err := x.addReceipt(ctx); err != nil {
		return err
	}
	at, all := x.done.From, since >= 0
	for {
		var rows []delivery
		err := x.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			rows, err = toExport(ctx, tx, o, at, all, window)
			return err
		})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		for _, d := range rows {
			if err := x.addMessage(ctx, &o, d, at); err != nil {
				return err
			}
			at = d.Position
			x.done.Messages, x.done.UpTo = x.done.Messages+1, at
		}
	}
	if err := errors.Join(x.flush(), x.out.Flush()); err != nil {
		return err
	}
	return x.mark(ctx, &o, at)
}

// prepare reads where the log stands.
func (x *exporter) prepare(ctx context.Context, since int64) (o log, err error) {
	err = x.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		role, _, err := x.c.Neighbour(ctx, tx, x.to)
		if err != nil {
			return err
		}
		o, err = logOf(ctx, tx, x.to)
		if errors.Is(err, fault.NotFound) && role != "" {
			return nil // nothing was ever sent to it
		}
		return err
	})
	if since < 0 {
		since = o.Confirmed
	}
	x.done.From, x.done.UpTo = since, since
	return o, err
}

// mark writes down that it was sent, by file.
func (x *exporter) mark(ctx context.Context, o *log, upTo int64) error {
	if upTo <= o.Sent {
		return nil
	}
	return x.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		now, err := logOf(ctx, tx, x.to)
		if err != nil || now.Epoch != o.Epoch || upTo <= now.Sent || x.c.Carrier != nil && x.c.Carrier.Generation(x.to) != "" {
			return err // the carrier brings it as well, and says up to where
		}
		return markSent(ctx, tx, o, upTo, "file", x.now())
	})
}

func (x *exporter) addReceipt(ctx context.Context) error {
	var s standing
	err := x.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		in, err := inOf(ctx, tx, x.to)
		s = standing{epoch: in.epoch, received: in.received}
		return err
	})
	if err != nil || s.epoch == "" {
		return err
	}
	for s.there < s.received { // from the beginning: what was told before may be lost
		upTo, data, err := x.receipt(ctx, x.to, telling{standing: s})
		if err != nil {
			return err
		}
		if err := x.add("frame", data); err != nil {
			return err
		}
		s.there, x.done.Receipt = upTo, true
	}
	return nil
}

func (x *exporter) addMessage(ctx context.Context, o *log, d delivery, before int64) error {
	var text []byte
	err := x.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		text, err = messageText(ctx, tx, d.Author, d.ID)
		return err
	})
	if err != nil {
		return err
	}
	e, err := envelope.Parse(text)
	if err != nil {
		return err
	}
	h, err := e.Open()
	if err != nil {
		return err
	}
	for _, digest := range h.Body.Chunks {
		piece, err := x.readChunk(digest)
		if err != nil {
			return fmt.Errorf("message %s: %w", d.ID, err)
		}
		if err := x.add("piece", piece); err != nil {
			return err
		}
	}
	data, err := frame(place{o.Epoch, d.Position, before, o.Confirmed}, text)
	if err != nil {
		return err
	}
	return x.add("frame", data)
}

// add puts a record into the part, and writes the part when it is full.
func (x *exporter) add(kind string, data []byte) error {
	if len(x.texts) >= partRecords || x.size+len(data) > partBytes {
		if err := x.flush(); err != nil {
			return err
		}
	}
	x.part.Records = append(x.part.Records, record{kind, envelope.Sum(data)})
	x.texts = append(x.texts, data)
	x.size += len(data)
	return nil
}

// flush writes the part.
func (x *exporter) flush() error {
	if len(x.texts) == 0 {
		return nil
	}
	x.part.Number++
	body, err := json.Marshal(x.part)
	if err != nil {
		return err
	}
	now := x.now()
	e, err := x.c.Identity.Seal(envelope.Header{
		ID: x.ids.Next(now), Kind: bundleKind, Schema: 1, Audience: alliance.To(x.to),
		Marking: intel.TLPAmber, Issued: now, Expires: now.Add(receiptLasts),
	}, body)
	if err != nil {
		return err
	}
	head, err := e.Bytes()
	if err != nil {
		return err
	}
	for _, data := range append([][]byte{head}, x.texts...) {
		if _, err := fmt.Fprintf(x.out, "%d\n", len(data)); err != nil {
			return err
		}
		if _, err := x.out.Write(data); err != nil {
			return err
		}
	}
	x.part.Records, x.texts, x.size = nil, nil, 0
	return nil
}

// Imported is what an import brought.
type Imported struct {
	From     alliance.NodeID `json:"from"`
	Frames   int             `json:"frames"`   // messages and receipts
	Position int64           `json:"position"` // up to where the neighbour's log is handled now
	Accepted int64           `json:"accepted"` // of its messages so far
}

// Import takes in a file that a neighbour exported. What is in it goes the way of
// what a carrier brings: it is verified, counts once, and waits for what is missing
// before it. It needs Run. The error is fault.Invalid for what is no bundle or was
// changed, and a Refusal where it is not a neighbour's, or not for this node.
func (l *Links) Import(ctx context.Context, r io.Reader) (Imported, error) {
	im := &importer{Links: l, in: bufio.NewReader(r)}
	err := im.run(ctx)
	if err == nil {
		err = l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
			h := Health{Neighbour: im.done.From}
			err := readInward(ctx, tx, &h)
			im.done.Position, im.done.Accepted = h.In.Position, h.In.Accepted
			if errors.Is(err, fault.NotFound) {
				return nil
			}
			return err
		})
	}
	if err != nil {
		return im.done, fmt.Errorf("import: %w", err)
	}
	return im.done, nil
}

// importer reads one bundle.
type importer struct {
	*Links
	in   *bufio.Reader
	done Imported
	part int
}

func (im *importer) run(ctx context.Context) error {
	line, err := readLine(im.in, len(bundleLine))
	if err != nil || line != bundleLine {
		return fmt.Errorf("this is no bundle of a link: %w", fault.Invalid)
	}
	for {
		head, err := im.record(MaxFrame)
		if errors.Is(err, io.EOF) {
			if im.part == 0 {
				return fmt.Errorf("there is nothing in it: %w", fault.Invalid)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if err := im.readPart(ctx, head); err != nil {
			return fmt.Errorf("part %d: %w", im.part+1, err)
		}
		im.part++
	}
}

// readPart verifies the list, and takes in each record once its hash was compared.
func (im *importer) readPart(ctx context.Context, head []byte) error {
	part, err := im.list(head)
	if err != nil {
		return err
	}
	for _, want := range part.Records {
		data, err := im.record(MaxFrame)
		if err != nil {
			return fmt.Errorf("it was cut: %w: %w", err, fault.Invalid)
		}
		if envelope.Sum(data) != want.SHA256 {
			return fmt.Errorf("a record is not the one that was signed: %w", fault.Invalid)
		}
		if err := im.takeIn(ctx, want.Type, data); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) list(head []byte) (part bundlePart, err error) {
	e, err := envelope.Parse(head)
	if err != nil {
		return part, err
	}
	h, err := e.Verify(im.c.Ring, im.now())
	if err != nil {
		return part, err
	}
	switch {
	case h.Kind != bundleKind || len(e.Signatures) != 1 || im.done.From != "" && im.done.From != h.Author:
		return part, fmt.Errorf("its list is a %s of node %s: %w", h.Kind, h.Author, fault.Invalid)
	case !h.Audience.Means(&alliance.Card{Node: im.self}):
		return part, &envelope.Refusal{Reason: envelope.WrongAudience, Detail: "the file was made for another node"}
	}
	im.done.From = h.Author
	if err := json.Unmarshal(e.Body, &part); err != nil {
		return part, fmt.Errorf("%w: %w", err, fault.Invalid)
	}
	if part.Number != im.part+1 {
		return part, fmt.Errorf("part %d of the file stands here: %w", part.Number, fault.Invalid)
	}
	return part, nil
}

func (im *importer) takeIn(ctx context.Context, kind string, data []byte) error {
	if kind == "piece" {
		_, _, err := im.c.Blobs.Put(ctx, bytes.NewReader(data), envelope.ChunkSize)
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, importWait)
	defer cancel()
	for {
		err := im.offer(ctx, im.done.From, data)
		if errors.Is(err, errBusy) && ctx.Err() == nil {
			pause(ctx, 10*time.Millisecond)
			continue
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("a message can't be handled now: see what holds the link up: %w", fault.Unavailable)
		}
		if err == nil {
			im.done.Frames++
		}
		return err
	}
}

// record reads what a length precedes; the error is io.EOF at the end of the file.
func (im *importer) record(most int) ([]byte, error) {
	line, err := readLine(im.in, 10)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(line)
	if err != nil || n < 0 || n > most {
		return nil, fmt.Errorf("a record of length %q: %w", line, fault.Invalid)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(im.in, data); err != nil {
		return nil, fmt.Errorf("it was cut: %w: %w", err, fault.Invalid)
	}
	return data, nil
}

// readLine reads a line that is no longer than it may be.
func readLine(in *bufio.Reader, most int) (string, error) {
	var line strings.Builder
	for {
		c, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && line.Len() > 0:
			return "", fmt.Errorf("it was cut: %w", fault.Invalid)
		case err != nil:
			return "", err
		case c == '\n':
			return line.String(), nil
		case line.Len() >= most:
			return "", fmt.Errorf("a line is too long: %w", fault.Invalid)
		}
		line.WriteByte(c)
	}
}
