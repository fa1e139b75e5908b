package bus

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tocsin/internal/fault"
)

// StreamConfig describes a stream. Only the name is needed.
type StreamConfig struct {
	// Name of the stream: letters, digits, '-' and '_'.
	Name string
	// Partitions is how many workers can share the stream: 0 is 16. It is fixed
	// when the stream is made; who opens it later uses what it has.
	Partitions int
	// Bytes is how much may wait for workers before Publish is refused: 0 is
	// 4 GiB, an hour of a busy site. Who opens it later changes it.
	Bytes int64
	// Replicas is on how many servers of a cluster everything is kept: 0 is 1.
	Replicas int
	// Lease is how long a worker that is no longer heard of keeps its
	// partitions: 0 is 6 s. Who makes the stream decides.
	Lease time.Duration
}

const (
	defaultPartitions = 16
	maxPartitions     = 1024
	defaultBytes      = 4 << 30
	defaultLease      = 6 * time.Second
	// parcelBytes and parcelAge bound questions and answers that are too large
	// for a message: they are read at once, or by nobody.
	parcelBytes = 512 << 20
	parcelAge   = 15 * time.Minute
)

// DuplicateWindow is how long a message's id is remembered: longer than a
// sender waits before it tries again.
const DuplicateWindow = 2 * time.Minute

// partitionsKey is where a stream says how many partitions it has.
const partitionsKey = "tocsin_partitions"

// maxName keeps names short enough for a key and for a table.
const maxName = 64

// ValidName reports whether a stream or a worker may have that name: letters,
// digits, '-' and '_', which mean nothing to NATS.
func ValidName(name string) bool {
	return name != "" && len(name) <= maxName && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// Stream is a stream with its workers. It is safe for concurrent use.
type Stream struct {
	bus        *Bus
	name       string
	partitions int
	lease      time.Duration
	stream     jetstream.Stream
	leases     jetstream.KeyValue // leases of partitions and of workers' lives; entries run out
	workers    jetstream.KeyValue // every worker that ever was
	parcels    jetstream.ObjectStore
}

// Stream opens a stream, which is made when it is not there. The error is
// fault.Invalid when the configuration cannot be, fault.Conflict when there is
// a stream of that name that is not ours, and fault.Unavailable when the
// servers cannot be reached or have no room for it.
func (b *Bus) Stream(ctx context.Context, c StreamConfig) (*Stream, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &Stream{bus: b, name: c.Name}
	if err := s.open(ctx, c); err != nil {
		return nil, fmt.Errorf("bus: stream %s: %w", c.Name, err)
	}
	return s, nil
}

func (c *StreamConfig) complete() error {
	if !ValidName(c.Name) {
		return fmt.Errorf("bus: %q is no name of a stream: letters, digits, '-' and '_': %w", c.Name, fault.Invalid)
	}
	if c.Partitions < 0 || c.Partitions > maxPartitions {
		return fmt.Errorf("bus: %d partitions: at most %d may be: %w", c.Partitions, maxPartitions, fault.Invalid)
	}
	if c.Partitions == 0 {
		c.Partitions = defaultPartitions
	}
	if c.Bytes == 0 {
		c.Bytes = defaultBytes
	}
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.Lease == 0 {
		c.Lease = defaultLease
	}
	return nil
}

func (s *Stream) open(ctx context.Context, c StreamConfig) (err error) {
	if s.stream, err = s.bus.openStream(ctx, c); err != nil {
		return err
	}
	config := s.stream.CachedInfo().Config
	s.partitions, err = strconv.Atoi(config.Metadata[partitionsKey])
	if err != nil || s.partitions < 1 || s.partitions > maxPartitions || config.Retention != jetstream.WorkQueuePolicy || !config.AllowAtomicPublish {
		return fmt.Errorf("there is one of that name that another program made, or a NATS server older than 2.12: use another name or server: %w", fault.Conflict)
	}
	if s.leases, err = s.bus.bucket(ctx, jetstream.KeyValueConfig{
		Bucket: c.Name + "-leases", TTL: c.Lease, Replicas: c.Replicas, Storage: jetstream.FileStorage,
	}); err != nil {
		return err
	}
	status, err := s.leases.Status(ctx)
	if err != nil {
		return made(err)
	}
	s.lease = status.TTL()
	if s.workers, err = s.bus.bucket(ctx, jetstream.KeyValueConfig{
		Bucket: c.Name + "-workers", Replicas: c.Replicas, Storage: jetstream.FileStorage,
	}); err != nil {
		return err
	}
	s.parcels, err = s.bus.js.ObjectStore(ctx, c.Name+"-parcels")
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		s.parcels, err = s.bus.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: c.Name + "-parcels", TTL: parcelAge, MaxBytes: parcelBytes, Replicas: c.Replicas, Storage: jetstream.FileStorage,
		})
	}
	return made(err)
}

// openStream returns the stream as it is, with the bytes it may hold changed,
// or makes it.
func (b *Bus) openStream(ctx context.Context, c StreamConfig) (jetstream.Stream, error) {
	stream, err := b.js.Stream(ctx, c.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = b.js.CreateStream(ctx, jetstream.StreamConfig{
			Name:               c.Name,
			Description:        "telemetry on its way to tocsin's workers",
			Subjects:           []string{c.Name + ".p.*"},
			Retention:          jetstream.WorkQueuePolicy, // what is acknowledged is given back
			Discard:            jetstream.DiscardNew,      // full: refuse, never drop
			MaxBytes:           c.Bytes,
			Storage:            jetstream.FileStorage,
			Replicas:           c.Replicas,
			Duplicates:         DuplicateWindow,
			AllowAtomicPublish: true, // a message in several parts is whole or absent
			Metadata:           map[string]string{partitionsKey: strconv.Itoa(c.Partitions)},
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // made by another just now
			stream, err = b.js.Stream(ctx, c.Name)
		}
		return stream, made(err)
	}
	if err != nil {
		return nil, made(err)
	}
	config := stream.CachedInfo().Config
	if config.MaxBytes == c.Bytes || config.Metadata[partitionsKey] == "" {
		return stream, nil
	}
	config.MaxBytes = c.Bytes
	stream, err = b.js.UpdateStream(ctx, config)
	return stream, made(err)
}

// bucket opens a bucket, which is made when it is not there.
func (b *Bus) bucket(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	kv, err := b.js.KeyValue(ctx, c.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = b.js.CreateKeyValue(ctx, c)
		if errors.Is(err, jetstream.ErrBucketExists) { // made by another just now
			kv, err = b.js.KeyValue(ctx, c.Bucket)
		}
	}
	return kv, made(err)
}

// made says what an operator can do about a server that has no room or no
// JetStream.
func made(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return fmt.Errorf("the NATS server has no JetStream for us: set \"jetstream\" in its configuration: %w", fault.Unavailable)
	}
	return fmt.Errorf("%s: %w", text(err), fault.Unavailable)
}

// Partitions returns how many partitions the stream has.
func (s *Stream) Partitions() int { return s.partitions }

// Made returns when the stream was made, which tells it from another of its
// name: sequences mean something within one only.
func (s *Stream) Made() time.Time { return s.stream.CachedInfo().Created }

// partitionOf returns where a key goes: the same for every process and for
// ever, since what is in the stream was put there by it.
func (s *Stream) partitionOf(key string) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // never fails
	return int(h.Sum64() % uint64(s.partitions))
}

func (s *Stream) subject(partition int) string {
	return s.name + ".p." + strconv.Itoa(partition)
}

// Backlog is what waits for workers.
type Backlog struct {
	Messages uint64 // a message in several parts counts as often
	Bytes    uint64
	Limit    int64     // of bytes
	Oldest   time.Time // when the oldest was published; zero when nothing waits
}

// Backlog returns what waits for workers; the error is fault.Unavailable.
func (s *Stream) Backlog(ctx context.Context) (Backlog, error) {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return Backlog{}, unavailable("ask for the backlog", err)
	}
	b := Backlog{Messages: info.State.Msgs, Bytes: info.State.Bytes, Limit: info.Config.MaxBytes}
	if b.Messages > 0 {
		b.Oldest = info.State.FirstTime
	}
	return b, nil
}

// settleCheck is how often Settled looks.
const settleCheck = 50 * time.Millisecond

// Settled returns once workers have taken everything that was published before
// the call. The error is fault.Unavailable when ctx ends before, or nobody can
// tell.
func (s *Stream) Settled(ctx context.Context) error {
	for last := uint64(0); ; pause(ctx, settleCheck) {
		info, err := s.stream.Info(ctx)
		if err != nil {
			return unavailable("ask what waits for workers", err)
		}
		if last == 0 {
			last = info.State.LastSeq
		}
		if info.State.Msgs == 0 || info.State.FirstSeq > last {
			return nil
		}
	}
}
