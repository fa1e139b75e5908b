package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/intel"
)

// The length of a presence's key, and of its beginnings.
const (
	logBytes       = 1 + 4
	logSourceBytes = logBytes + 4
	presenceBytes  = logSourceBytes + 2 + 4
)

func (k presenceKey) append(b []byte) []byte {
	b = append(b, spacePresence)
	b = binary.BigEndian.AppendUint32(b, k.log)
	b = binary.BigEndian.AppendUint32(b, k.source)
	b = binary.BigEndian.AppendUint16(b, uint16(k.day))
	return binary.BigEndian.AppendUint32(b, uint32(k.host))
}

func decodePresence(b []byte) (k presenceKey, err error) {
	if len(b) != presenceBytes {
		return k, fmt.Errorf("presence %x: %w", b, errValue)
	}
	k.log = binary.BigEndian.Uint32(b[1:])
	k.source = binary.BigEndian.Uint32(b[5:])
	k.day = day(binary.BigEndian.Uint16(b[9:]))
	k.host = hostID(binary.BigEndian.Uint32(b[11:]))
	return k, nil
}

// appendLog writes a log source as a name.
func appendLog(b []byte, log intel.LogSource) []byte {
	for _, part := range [...]string{log.Product, log.Category, log.Service} {
		b = append(append(b, part...), 0)
	}
	return b
}

func parseLog(name string) intel.LogSource {
	parts := bytes.Split([]byte(name), []byte{0})
	for len(parts) < 3 {
		parts = append(parts, nil)
	}
	return intel.LogSource{Product: string(parts[0]), Category: string(parts[1]), Service: string(parts[2])}
}

// Presence calls yield for every presence of the days from since to until, both
// included, in log sources that want takes; nil takes all. It stops at yield's
// first error and returns it. Hosts beyond NamesLimit have no name.
func (l *Ledger) Presence(ctx context.Context, since, until time.Time, want func(intel.LogSource) bool, yield func(intel.Presence) error) error {
	from, to := momentOf(since).day(), momentOf(until).day()
	db, done, err := l.use()
	if err != nil {
		return err
	}
	defer done()
	s := presenceScan{ledger: l, from: from, to: to, want: want, yield: yield}
	return s.run(ctx, db)
}

// presenceScan goes through the presences of some days.
type presenceScan struct {
	ledger   *Ledger
	from, to day
	want     func(intel.LogSource) bool
	yield    func(intel.Presence) error
}

// run skips from one log source and source to the next: their days stand
// together.
func (p *presenceScan) run(ctx context.Context, r pebble.Reader) (err error) {
	all := prefixSpan([]byte{spacePresence})
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: all.from, UpperBound: all.to})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, err := decodePresence(it.Key())
		if err != nil {
			return err
		}
		log := parseLog(p.ledger.logs.text(k.log))
		switch {
		case p.want != nil && !p.want(log):
			ok = it.SeekGE(prefixSpan(it.Key()[:logBytes]).to)
		case k.day < p.from:
			ok = it.SeekGE(presenceKey{log: k.log, source: k.source, day: p.from}.append(nil))
		case k.day > p.to:
			ok = it.SeekGE(prefixSpan(it.Key()[:logSourceBytes]).to)
		default:
			if err := p.one(it, k, log); err != nil {
				return err
			}
			ok = it.Next()
		}
	}
	return it.Error()
}

func (p *presenceScan) one(it *pebble.Iterator, k presenceKey, log intel.LogSource) error {
	value, err := it.ValueAndErr()
	if err != nil {
		return err
	}
	h, err := decodeHours(value)
	if err != nil {
		return err
	}
	return p.yield(intel.Presence{
		Source: p.ledger.sources.text(k.source), LogSource: log, Host: p.ledger.hosts.text(uint32(k.host)),
		Day: k.day.time(), Seen: h.seen, Unhealthy: h.unhealthy,
	})
}
