package intake

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// body is a request's content, unpacked, in memory. It counts against what all
// requests may hold until it is closed.
type body struct {
	in   *Intake
	data []byte
	held int64
}

func (b *body) close() { b.in.memory.Release(b.held) }

// body reads the content of a request within the limits. A sender that takes
// too long for the next piece is given up.
func (in *Intake) body(w http.ResponseWriter, r *http.Request) (*body, error) {
	limits := in.config.Limits
	packed := http.MaxBytesReader(w, r.Body, limits.Body)
	slow := &patientReader{r: packed, extend: http.NewResponseController(w).SetReadDeadline, within: limits.Slow}
	content, closer, err := unpack(slow, r.Header.Get("Content-Encoding"), limits.Unpacked)
	if err != nil {
		return nil, in.bodyError(r, err)
	}
	defer closer()
	b := &body{in: in}
	if err := b.read(r.Context(), content, limits.Unpacked); err != nil {
		b.close()
		return nil, in.bodyError(r, err)
	}
	_ = slow.extend(time.Time{})
	return b, nil
}

var (
	errUnpacked = errors.New("request unpacks to more than is allowed")
	errMemory   = errors.New("no memory for another request")
	errEncoding = errors.New("unknown Content-Encoding: use gzip, zstd, deflate or none")
)

// read reads everything, taking memory from what all requests share as it
// grows.
func (b *body) read(ctx context.Context, r io.Reader, most int64) error {
	const first = 64 << 10
	for {
		if len(b.data) == cap(b.data) {
			grown := int(min(int64(max(first, 2*cap(b.data))), most+1))
			if !b.in.within(ctx, b.in.memory, int64(grown-cap(b.data))) {
				return errMemory
			}
			b.held += int64(grown - cap(b.data))
			data := make([]byte, len(b.data), grown)
			copy(data, b.data)
			b.data = data
		}
		n, err := r.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		if int64(len(b.data)) > most {
			return errUnpacked
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// zstdWindow bounds what a zstd stream may make its reader hold (RFC 8878
// §3.1.1.1.2 recommends to support 8 MiB).
const zstdWindow = 8 << 20

// unpack returns the content behind the encoding, and what to call at the end.
func unpack(r io.Reader, encoding string, most int64) (io.Reader, func(), error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return r, func() {}, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
		return z, func() { _ = z.Close() }, nil
	case "deflate":
		z, err := zlib.NewReader(r)
		if err != nil {
			return nil, nil, fmt.Errorf("deflate: %w", err)
		}
		return z, func() { _ = z.Close() }, nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(uint64(most)))
		if err != nil {
			return nil, nil, fmt.Errorf("zstd: %w", err)
		}
		return z, z.Close, nil
	}
	return nil, nil, errEncoding
}

// bodyError counts a request that could not be read and says what to answer.
func (in *Intake) bodyError(r *http.Request, err error) error {
	s := in.senderSource(r)
	var large *http.MaxBytesError
	var network net.Error
	switch {
	case errors.As(err, &large) || errors.Is(err, errUnpacked) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		s.refuse(reasonTooLarge, 1)
		return &httpError{http.StatusRequestEntityTooLarge, "content_too_long_exception", "request too large: send smaller batches"}
	case errors.Is(err, errMemory):
		s.refuse(reasonMemory, 1)
		return &RefusedError{reasonMemory, retryAfter}
	case errors.Is(err, errEncoding):
		s.refuse(reasonMalformed, 1)
		return &httpError{http.StatusUnsupportedMediaType, "illegal_argument_exception", err.Error()}
	case errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &network) && network.Timeout()):
		s.refuse(reasonSlow, 1)
		return &httpError{http.StatusRequestTimeout, "timeout_exception", "sender too slow"}
	}
	s.refuse(reasonMalformed, 1)
	return &httpError{http.StatusBadRequest, "parse_exception", "content cannot be read: it ends early or is not in its Content-Encoding"}
}

// patientReader waits so long for each piece of what it reads.
type patientReader struct {
	r      io.Reader
	extend func(time.Time) error
	within time.Duration
	left   int // bytes until the next piece
}

// pieceBytes is how much must come within the time for one piece: slow links
// are fine, byte by byte is not.
const pieceBytes = 64 << 10

func (p *patientReader) Read(to []byte) (int, error) {
	if p.left <= 0 {
		_ = p.extend(time.Now().Add(p.within)) // a test's recorder has no deadlines
		p.left = pieceBytes
	}
	n, err := p.r.Read(to)
	p.left -= n
	return n, err
}

// lines of a body that are not blank.
func lines(data []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			line, rest, _ := bytes.Cut(data, []byte{'\n'})
			data = rest
			if line = bytes.TrimSpace(line); len(line) > 0 && !yield(line) {
				return
			}
		}
	}
}
