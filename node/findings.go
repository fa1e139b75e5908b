package node

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/detect"
	"tocsin/memory/journal"
)

// findingLog keeps what was found, so that it can be asked for later, each
// finding once whatever happens to the process. An entry of it is the number of
// the journal's entry up to which findings are in, and the findings since the
// entry before, as they are to be read.
type findingLog struct {
	log    *journal.Journal
	encode func([]byte, *detect.Finding) []byte
	cursor uint64
	before uint64 // the entry up to which findings were in when the node was opened
}

// findingBytes is how much is kept of findings: at 1 KB each, a million.
const findingBytes = 1 << 30

func openFindings(dir string, encode func([]byte, *detect.Finding) []byte, metrics prometheus.Registerer) (*findingLog, error) {
	log, err := journal.Open(dir, journal.Config{SegmentBytes: findingBytes / 16, MaxBytes: 2 * findingBytes, Metrics: metrics})
	if err != nil {
		return nil, err
	}
	f := &findingLog{log: log, encode: encode}
	last := log.Last()
	if last == 0 {
		return f, nil
	}
	r := log.Read(last - 1)
	defer func() { _ = r.Close() }()
	entry, ok, err := r.Poll()
	if err == nil && ok {
		f.cursor, _, err = splitFindings(entry.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	return f, nil
}

func splitFindings(entry []byte) (cursor uint64, findings []byte, err error) {
	if len(entry) < 8 {
		return 0, nil, fmt.Errorf("an entry of %d bytes is none", len(entry))
	}
	return binary.BigEndian.Uint64(entry), entry[8:], nil
}

// add keeps what was found up to an entry of the journal.
func (f *findingLog) add(ctx context.Context, cursor uint64, findings []*detect.Finding) error {
	if len(findings) == 0 {
		f.cursor = max(f.cursor, cursor) // nothing to find again after a crash
		return nil
	}
	entry := binary.BigEndian.AppendUint64(nil, cursor)
	for _, found := range findings {
		entry = f.encode(entry, found)
	}
	number, err := f.log.Append(ctx, entry)
	if err != nil {
		return fmt.Errorf("keep %d findings: %w", len(findings), err)
	}
	f.cursor = cursor
	return f.trim(number)
}

// trim forgets the oldest findings when there are too many.
func (f *findingLog) trim(last uint64) error {
	for kept := uint64(1024); f.log.Bytes() > findingBytes && kept > 0; kept /= 2 {
		if last > kept {
			if err := f.log.Trim(last - kept); err != nil {
				return err
			}
		}
	}
	return nil
}

// Findings calls yield with what was found after a position, as the encoder
// wrote it, and the position after it; it ends with what there is now, or when
// yield returns false. Position 0 is before the oldest that is kept.
func (n *Node) Findings(after uint64, yield func(position uint64, findings []byte) bool) error {
	r := n.findings.log.Read(after)
	defer func() { _ = r.Close() }()
	for {
		entry, ok, err := r.Poll()
		if err != nil || !ok {
			return err
		}
		_, findings, err := splitFindings(entry.Bytes)
		if err != nil {
			return err
		}
		if !yield(entry.Number, findings) {
			return nil
		}
	}
}
