package transparency

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"tocsin/internal/fault"
)

// EntryProof shows without the log that an entry is in it. As text it is in the
// format of C2SP tlog-proof, with the record as extra data, which other programs
// can verify.
type EntryProof struct {
	Record     string
	Index      int64
	Proof      Proof
	Checkpoint Checkpoint
}

const proofHead = "c2sp.org/tlog-proof@v1"

// Text returns the proof as a file holds it.
func (p *EntryProof) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nextra %s\nindex %d\n", proofHead, base64.StdEncoding.EncodeToString([]byte(p.Record)), p.Index)
	for _, h := range p.Proof {
		fmt.Fprintf(&b, "%s\n", h)
	}
	fmt.Fprintf(&b, "\n%s", p.Checkpoint.Note)
	return b.String()
}

// VerifyProof reads a proof and verifies it against the keys of the node whose log
// it is. The error is fault.Invalid.
func VerifyProof(text string, keys ...ed25519.PublicKey) (EntryProof, error) {
	p, note, err := readProof(text)
	if err == nil {
		p.Checkpoint, err = OpenCheckpoint(note, keys...)
	}
	if err == nil {
		err = checkInclusion(&p.Checkpoint, p.Index, p.Record, p.Proof)
	}
	if err != nil {
		return p, fmt.Errorf("proof: %w", err)
	}
	return p, nil
}

// maxProofText bounds a proof: a record in base64, hashes and a note.
const maxProofText = 2*maxRecord + maxProof*45 + maxNote

func readProof(text string) (p EntryProof, note string, err error) {
	if len(text) > maxProofText {
		return p, "", fmt.Errorf("longer than %d bytes: %w", maxProofText, fault.Invalid)
	}
	head, note, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 3 || lines[0] != proofHead {
		return p, "", fmt.Errorf("%q, an entry and its index are wanted: %w", proofHead, fault.Invalid)
	}
	extra, ok := strings.CutPrefix(lines[1], "extra ")
	if !ok {
		return p, "", fmt.Errorf("the entry is not in it: %w", fault.Invalid)
	}
	record, err := base64.StdEncoding.Strict().DecodeString(extra)
	if err != nil {
		return p, "", fmt.Errorf("the entry is no base64: %w", fault.Invalid)
	}
	p.Record = string(record)
	index, ok := strings.CutPrefix(lines[2], "index ")
	if !ok {
		return p, "", fmt.Errorf("the index is not in it: %w", fault.Invalid)
	}
	if p.Index, err = readSize(index); err != nil {
		return p, "", err
	}
	for _, line := range lines[3:] {
		h, err := readHash(line)
		if err != nil {
			return p, "", err
		}
		p.Proof = append(p.Proof, h)
	}
	return p, note, nil
}

// Prove returns the proof that an envelope is in the log, against the last
// checkpoint handed out. The error is fault.NotFound when it is not in there.
func (l *Log) Prove(ctx context.Context, envelope Digest) (EntryProof, error) {
	var p EntryProof
	err := l.onCurrent(ctx, func(ctx context.Context, t tree, _ int64) error {
		last, err := handedOut(ctx, t.tx, t.origin)
		if err != nil {
			return err
		}
		at, there, err := placeOf(ctx, t.tx, t.origin, envelope)
		if err != nil {
			return err
		}
		if last == "" || !there {
			return fmt.Errorf("log %s: envelope %s is not in it: %w", t.origin, envelope, fault.NotFound)
		}
		p, err = prove(ctx, t, last, at)
		return err
	})
	return p, err
}

func prove(ctx context.Context, t tree, note string, at place) (p EntryProof, err error) {
	if p.Checkpoint, err = ReadCheckpoint(note); err != nil {
		return p, err
	}
	if at.index >= p.Checkpoint.Size {
		return p, fmt.Errorf("log %s: no checkpoint with entry %d was handed out yet: %w", t.origin, at.index, fault.NotFound)
	}
	p.Record, p.Index = at.record, at.index
	p.Proof, err = t.inclusion(ctx, at.index, p.Checkpoint.Size)
	return p, err
}
