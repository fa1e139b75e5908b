package envelope

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"tocsin/internal/fault"
)

// Body names a message's content. Its hash is over all of it, however it travels.
type Body struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// Chunks are the hashes of its pieces of ChunkSize bytes, in order, where it
	// does not travel with the header.
	Chunks []string `json:"chunks,omitempty"`
}

// BodyOf names a content.
func BodyOf(content []byte) Body {
	b := Body{SHA256: Sum(content), Size: int64(len(content))}
	if len(content) > MaxInline {
		for digest := range Split(content) {
			b.Chunks = append(b.Chunks, digest)
		}
	}
	return b
}

// Split yields the pieces in which a large body travels, with their hashes, in order.
// They are parts of content, not copies.
func Split(content []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for rest := content; len(rest) > 0; {
			piece := rest[:min(ChunkSize, len(rest)):min(ChunkSize, len(rest))]
			if !yield(Sum(piece), piece) {
				return
			}
			rest = rest[len(piece):]
		}
	}
}

func (b *Body) check() error {
	var wrong []error
	if b.Size < 0 || b.Size > MaxBody {
		return fmt.Errorf("the body is longer than %d", MaxBody)
	}
	if !digest(b.SHA256) {
		wrong = append(wrong, errors.New("the body's hash is none"))
	}
	pieces := int64(0)
	if b.Size > MaxInline {
		pieces = (b.Size + ChunkSize - 1) / ChunkSize
	}
	if int64(len(b.Chunks)) != pieces {
		wrong = append(wrong, fmt.Errorf("the chunks do not make up the body: %d, and %d are wanted", len(b.Chunks), pieces))
	}
	for n, c := range b.Chunks {
		if !digest(c) {
			wrong = append(wrong, fmt.Errorf("the hash of chunk %d is none", n))
			break
		}
	}
	return errors.Join(wrong...)
}

func digest(text string) bool {
	return len(text) == 2*sha256.Size && !strings.ContainsFunc(text, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// Fits checks that this is the body that is named. The error is a Refusal.
func (b *Body) Fits(content []byte) error {
	if int64(len(content)) != b.Size || Sum(content) != b.SHA256 {
		return &Refusal{BadBody, "the body is not the one that was signed"}
	}
	return nil
}

// ChunkLen is how long the n-th chunk is, counted from 0; 0 where there is none.
func (b *Body) ChunkLen(n int) int {
	if n < 0 || n >= len(b.Chunks) {
		return 0
	}
	return int(min(ChunkSize, b.Size-int64(n)*ChunkSize))
}

// FitsChunk checks that this is the n-th chunk, counted from 0. The error is a Refusal
// that names it.
func (b *Body) FitsChunk(n int, chunk []byte) error {
	if b.ChunkLen(n) == 0 || len(chunk) != b.ChunkLen(n) || Sum(chunk) != b.Chunks[n] {
		return &Refusal{BadBody, fmt.Sprintf("chunk %d of %d is not the one that was signed", n, len(b.Chunks))}
	}
	return nil
}

// Assemble writes the body, fetching a chunk at a time, each of which is verified
// before it is written: what was written when an error comes is a true beginning, and
// is added to by calling it again with from as the first chunk that is missing. When
// it begins at 0 the whole is verified too. The error is a Refusal that names the
// chunk that was wrong, or what fetch or writing failed with.
func (b *Body) Assemble(to io.Writer, from int, fetch func(n int, digest string) ([]byte, error)) error {
	if len(b.Chunks) == 0 {
		return fmt.Errorf("the body travels with its header: %w", fault.Invalid)
	}
	whole := sha256.New()
	for n := from; n < len(b.Chunks); n++ {
		chunk, err := fetch(n, b.Chunks[n])
		if err != nil {
			return fmt.Errorf("chunk %d of %d: %w", n, len(b.Chunks), err)
		}
		if err := b.FitsChunk(n, chunk); err != nil {
			return err
		}
		_, _ = whole.Write(chunk) // a hash takes everything
		if _, err := to.Write(chunk); err != nil {
			return fmt.Errorf("chunk %d of %d: %w", n, len(b.Chunks), err)
		}
	}
	if from == 0 && hex.EncodeToString(whole.Sum(nil)) != b.SHA256 {
		return &Refusal{BadBody, "the chunks were signed, and do not make up the body"}
	}
	return nil
}

// Bare is the envelope without its body, as it travels where the body is in chunks.
func (e *Envelope) Bare() *Envelope {
	c := *e
	c.Body = nil
	return &c
}
