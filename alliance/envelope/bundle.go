package envelope

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// A bundle is a file that carries over a gap what else goes over links: JSON, one value
// a line. The first line says who made it and when; then come passports, envelopes, and
// the chunks of their bodies where those are large, in this order; the last line is the
// maker's signature on the hash of all lines before it, with their number. Each line
// but the first and the last is verified by itself, so that one that is damaged spoils
// no other.

// BundleVersion is that of the form of bundles.
const BundleVersion = 1

// maxLine bounds a line: the longest is a passport.
const maxLine = MaxPassport + 64<<10

// line is one of a bundle's: one of its fields is set.
type line struct {
	Bundle   *BundleHead    `json:"bundle,omitempty"`
	Passport jsontext.Value `json:"passport,omitempty"`
	Envelope jsontext.Value `json:"envelope,omitempty"`
	Chunk    []byte         `json:"chunk,omitempty"`
	End      *bundleEnd     `json:"end,omitempty"`
}

// BundleHead is a bundle's first line.
type BundleHead struct {
	Version int             `json:"version"`
	Maker   alliance.NodeID `json:"maker"`
	Made    time.Time       `json:"made"`
}

type bundleEnd struct {
	Lines     int       `json:"lines"` // before this one
	SHA256    string    `json:"sha256"`
	Signature Signature `json:"signature"`
}

func bundleText(lines int, sum string) []byte {
	return fmt.Appendf(nil, "tocsin bundle 1\n%d\n%s", lines, sum)
}

// BundleWriter writes a bundle. What it writes is not a bundle until Close.
type BundleWriter struct {
	to    *bufio.Writer
	sum   hash.Hash
	lines int
	maker *Identity
	made  time.Time
}

// NewBundle begins a bundle that maker signs, with the maker's passport.
func NewBundle(to io.Writer, maker *Identity, made time.Time) (*BundleWriter, error) {
	b := &BundleWriter{to: bufio.NewWriterSize(to, 64<<10), sum: sha256.New(), maker: maker, made: made.UTC()}
	if err := b.write(line{Bundle: &BundleHead{BundleVersion, maker.ID(), b.made}}); err != nil {
		return nil, err
	}
	return b, b.Passport(maker.Passport())
}

// Passport adds a passport: those of the authors and relays of envelopes come before
// these.
func (b *BundleWriter) Passport(p *Passport) error {
	text, err := p.Bytes()
	if err != nil {
		return err
	}
	return b.write(line{Passport: text})
}

// Envelope adds an envelope, with its body. A large body that is not there is handed
// to Chunk right after it.
func (b *BundleWriter) Envelope(e *Envelope) error {
	h, err := e.Open()
	if err != nil {
		return err
	}
	sent := e
	if len(h.Body.Chunks) > 0 {
		sent = e.Bare()
	}
	text, err := sent.Bytes()
	if err != nil {
		return err
	}
	if err := b.write(line{Envelope: text}); err != nil || len(h.Body.Chunks) == 0 {
		return err
	}
	for _, piece := range Split(e.Body) {
		if err := b.Chunk(piece); err != nil {
			return err
		}
	}
	return nil
}

// Chunk adds a piece of a body.
func (b *BundleWriter) Chunk(content []byte) error {
	if len(content) == 0 || len(content) > ChunkSize {
		return fmt.Errorf("bundle: a chunk of %d bytes: %w", len(content), fault.Invalid)
	}
	return b.write(line{Chunk: content})
}

func (b *BundleWriter) write(l line) error {
	text, err := jsonv2.Marshal(l)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	text = append(text, '\n')
	b.lines++
	_, _ = b.sum.Write(text) // a hash takes everything
	if _, err := b.to.Write(text); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	return nil
}

// Close signs the bundle and hands all of it on. It does not close what it was written
// to.
func (b *BundleWriter) Close() error {
	lines, sum := b.lines, hex.EncodeToString(b.sum.Sum(nil))
	if err := b.write(line{End: &bundleEnd{lines, sum, b.maker.sign(bundleText(lines, sum), b.made)}}); err != nil {
		return err
	}
	return b.to.Flush()
}

// BundleItem is one line of a bundle that was read: one of Head, Passport, Envelope,
// Chunk and End is set.
type BundleItem struct {
	Line     int // from 1
	Head     *BundleHead
	Passport *Passport // verified by itself; who it is, is for the reader to know
	Envelope *Envelope // not verified
	Chunk    *BundleChunk
	End      *BundleEnd
}

// BundleChunk is a piece of the body of the envelope before it, and the one that was
// signed.
type BundleChunk struct {
	Number  int // from 0
	Content []byte
}

// BundleEnd says that the bundle is whole: every line is as its maker wrote it.
type BundleEnd struct{ Maker alliance.NodeID }

// BadLine is a line of a bundle that cannot be used. It is fault.Invalid.
type BadLine struct { //nolint:errname // it is counted and shown as often as returned
	Line int
	Why  error
}

func (b *BadLine) Error() string { return fmt.Sprintf("line %d: %s", b.Line, b.Why) }

// Unwrap makes it fault.Invalid, and what was wrong.
func (b *BadLine) Unwrap() []error { return []error{b.Why, fault.Invalid} }

// ReadBundle yields the lines of a bundle, one at a time, with what is wrong with those
// that cannot be used (*BadLine): the reader goes on. A bundle that is not whole ends
// without an item whose End is set. Any other error is one of reading, and the last.
func ReadBundle(from io.Reader) iter.Seq2[BundleItem, error] {
	return func(yield func(BundleItem, error) bool) {
		r := &bundleReader{lines: bufio.NewReaderSize(from, 64<<10), sum: sha256.New(), whole: true}
		for {
			item, err := r.next()
			if errors.Is(err, io.EOF) {
				if !r.ended {
					yield(BundleItem{Line: r.n}, &BadLine{r.n, errors.New("the bundle ends without its maker's signature")})
				}
				return
			}
			if !yield(item, err) {
				return
			}
			if _, bad := errors.AsType[*BadLine](err); err != nil && !bad {
				return
			}
		}
	}
}

type bundleReader struct {
	lines *bufio.Reader
	sum   hash.Hash
	n     int
	whole bool // nothing was wrong so far
	ended bool

	head    *BundleHead
	maker   *Passport
	body    *Body // whose chunks come next
	chunk   int   // the next
	current []byte
}

// next reads a line. The error is io.EOF at the end.
func (r *bundleReader) next() (BundleItem, error) {
	sum := hex.EncodeToString(r.sum.Sum(nil))
	tooLong, err := r.readLine()
	if err != nil {
		return BundleItem{}, err
	}
	r.n++
	item := BundleItem{Line: r.n}
	if tooLong {
		err = fmt.Errorf("it is longer than %d bytes", maxLine)
	} else {
		err = r.take(&item, sum)
	}
	if err != nil {
		r.whole = false
		return BundleItem{Line: r.n}, &BadLine{r.n, err}
	}
	return item, nil
}

// readLine reads a line into current; of one that is too long nothing is kept.
func (r *bundleReader) readLine() (tooLong bool, err error) {
	r.current = r.current[:0]
	for {
		part, err := r.lines.ReadSlice('\n')
		_, _ = r.sum.Write(part) // a hash takes everything
		if len(r.current)+len(part) > maxLine {
			tooLong, r.current = true, r.current[:0]
		}
		if !tooLong {
			r.current = append(r.current, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (len(r.current) > 0 || tooLong):
			return tooLong, nil
		default:
			return tooLong, err
		}
	}
}

func (r *bundleReader) take(item *BundleItem, sum string) error {
	var l line
	if err := jsonv2.Unmarshal(bytes.TrimRight(r.current, "\r\n"), &l); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	switch {
	case r.ended:
		return errors.New("it comes after the maker's signature")
	case l.Bundle != nil:
		return r.takeHead(item, l.Bundle)
	case len(l.Passport) > 0:
		return r.takePassport(item, l.Passport)
	case len(l.Envelope) > 0:
		return r.takeEnvelope(item, l.Envelope)
	case len(l.Chunk) > 0:
		return r.takeChunk(item, l.Chunk)
	case l.End != nil:
		return r.takeEnd(item, l.End, sum)
	default:
		return errors.New("nothing in it is known")
	}
}

func (r *bundleReader) takeHead(item *BundleItem, head *BundleHead) error {
	switch {
	case r.n > 1:
		return errors.New("a bundle begins within a bundle")
	case head.Version != BundleVersion:
		return fmt.Errorf("the bundle is of form %d; this program understands %d", head.Version, BundleVersion)
	}
	r.head, item.Head = head, head
	return nil
}

func (r *bundleReader) takePassport(item *BundleItem, text []byte) error {
	p, err := ParsePassport(text)
	if err != nil {
		return err
	}
	if r.head != nil && p.Node() == r.head.Maker {
		r.maker = p
	}
	item.Passport = p
	return nil
}

func (r *bundleReader) takeEnvelope(item *BundleItem, text []byte) error {
	r.body, r.chunk = nil, 0
	e, err := Parse(text)
	if err != nil {
		return err
	}
	h, err := e.Open()
	if err != nil {
		return err
	}
	if len(h.Body.Chunks) > 0 && e.Body == nil {
		r.body = &h.Body
	}
	item.Envelope = e
	return nil
}

// takeChunk takes a chunk of the envelope before it; those between that were damaged
// are passed over.
func (r *bundleReader) takeChunk(item *BundleItem, content []byte) error {
	if r.body == nil {
		return errors.New("a chunk of nothing: the envelope before it has none, or was damaged")
	}
	first := r.chunk
	for n := first; n < len(r.body.Chunks); n++ {
		if len(content) == r.body.ChunkLen(n) && Sum(content) == r.body.Chunks[n] {
			r.chunk = n + 1
			item.Chunk = &BundleChunk{n, content}
			return nil
		}
	}
	return r.body.FitsChunk(first, content)
}

func (r *bundleReader) takeEnd(item *BundleItem, end *bundleEnd, sum string) error {
	r.ended = true
	s := end.Signature
	switch {
	case r.head == nil || r.maker == nil:
		return errors.New("it was signed by nobody who is named in it")
	case s.Node != r.head.Maker || !s.At.Equal(r.head.Made):
		return &Refusal{BadSignature, "the bundle was signed by another than its maker"}
	}
	if err := r.maker.Signs(s.Key, s.At); err != nil {
		return err
	}
	if !ed25519.Verify(s.Key, bundleText(end.Lines, end.SHA256), s.Value) {
		return &Refusal{BadSignature, "the bundle's signature is not its maker's"}
	}
	if !r.whole || end.Lines != r.n-1 || end.SHA256 != sum {
		return &Refusal{BadSignature, fmt.Sprintf("the bundle is not whole: %d lines were signed, and not as they are here", end.Lines)}
	}
	item.End = &BundleEnd{r.head.Maker}
	return nil
}
