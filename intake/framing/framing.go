// Package framing takes a stream of syslog messages apart: by the length before
// each (RFC 6587 §3.4.1, RFC 5425 §4.3) or by the line feed after each (RFC
// 6587 §3.4.2), whichever the stream begins with.
package framing

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// ErrLost says that a stream of counted messages goes on with something that is
// no count: where the next message begins is not known.
var ErrLost = errors.New("syslog framing lost: no message length where one must stand")

// ErrTooLong says that a message was longer than allowed and was passed over.
// The next call returns the one after it.
var ErrTooLong = errors.New("syslog message too long")

// Reader reads messages from a stream.
type Reader struct {
	in      *bufio.Reader
	most    int
	framing framing
	message []byte
}

type framing uint8

const (
	unknown framing = iota
	counted
	byLine
)

// bufferBytes is how much is read at once.
const bufferBytes = 64 << 10

// maxDigits bounds a message length: a gigabyte less one.
const maxDigits = 9

// NewReader returns a reader of messages of at most so many bytes.
func NewReader(r io.Reader, most int) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, bufferBytes), most: most}
}

// Next returns the next message, valid until the next call, without what frames
// it. At the end of the stream the error is io.EOF; when it ends within a
// message that was counted, io.ErrUnexpectedEOF.
func (r *Reader) Next() ([]byte, error) {
	if r.framing == unknown {
		if err := r.detect(); err != nil {
			return nil, err
		}
	}
	if r.framing == counted {
		return r.nextCounted()
	}
	return r.nextLine()
}

// Ready reports whether Next would return without waiting for the stream.
func (r *Reader) Ready() bool {
	have, _ := r.in.Peek(r.in.Buffered()) // cannot fail
	switch r.framing {
	case counted:
		have = bytes.TrimLeft(have, "\n")
		n, digits := count(have)
		return digits < 0 || (digits > 0 && len(have) > digits && len(have)-digits-1 >= n)
	case byLine:
		return bytes.IndexByte(have, '\n') >= 0
	}
	return false
}

// Buffered returns how many bytes have come of messages not returned yet.
func (r *Reader) Buffered() int { return r.in.Buffered() }

// detect tells the framing by how the stream begins: a count is digits, a blank
// and a message, which has a priority in front.
func (r *Reader) detect() error {
	for n := 1; n <= maxDigits+2; n++ {
		head, err := r.in.Peek(n)
		if len(head) < n {
			if len(head) > 0 && errors.Is(err, io.EOF) {
				break // less than any count: a line
			}
			return err
		}
		switch c := head[n-1]; {
		case isDigit(c) && (n > 1 || c != '0'):
		case c == ' ' && n > 1:
			next, err := r.in.Peek(n + 1)
			if len(next) > n && next[n] == '<' {
				r.framing = counted
				return nil
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			r.framing = byLine
			return nil
		default:
			r.framing = byLine
			return nil
		}
	}
	r.framing = byLine
	return nil
}

func (r *Reader) nextCounted() ([]byte, error) {
	n, err := r.length()
	if err != nil {
		return nil, err
	}
	if n > r.most {
		if _, err := io.CopyN(io.Discard, r.in, int64(n)); err != nil {
			return nil, unexpected(err)
		}
		return nil, ErrTooLong
	}
	if cap(r.message) < n {
		r.message = make([]byte, n)
	}
	r.message = r.message[:n]
	if _, err := io.ReadFull(r.in, r.message); err != nil {
		return nil, unexpected(err)
	}
	return r.message, nil
}

// length reads "123 ". Some senders put a line feed behind a counted message.
func (r *Reader) length() (int, error) {
	n, digits := 0, 0
	for {
		c, err := r.in.ReadByte()
		switch {
		case err != nil && digits > 0:
			return 0, unexpected(err)
		case err != nil:
			return 0, err
		case c == '\n' && digits == 0:
		case c == ' ' && digits > 0:
			return n, nil
		case !isDigit(c) || digits == maxDigits:
			return 0, ErrLost
		default:
			n = n*10 + int(c-'0')
			digits++
		}
	}
}

// count reads a count and its blank from the start of text: how many digits it
// has, 0 when it is not whole, -1 when it is none.
func count(text []byte) (n, digits int) {
	for i, c := range text {
		switch {
		case c == ' ' && i > 0:
			return n, i
		case !isDigit(c) || i == maxDigits:
			return 0, -1
		}
		n = n*10 + int(c-'0')
	}
	return 0, 0
}

func (r *Reader) nextLine() ([]byte, error) {
	r.message = r.message[:0]
	long := false
	for {
		part, err := r.in.ReadSlice('\n')
		if len(r.message)+len(bytes.TrimSuffix(part, []byte{'\n'})) > r.most {
			long = true
		} else {
			r.message = append(r.message, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (!errors.Is(err, io.EOF) || (len(r.message) == 0 && !long)) {
			return nil, err
		}
		if long {
			return nil, ErrTooLong
		}
		return bytes.TrimSuffix(r.message, []byte{'\n'}), nil
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
