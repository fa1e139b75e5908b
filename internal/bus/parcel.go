package bus

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/nats-io/nats.go"

	"tocsin/internal/fault"
)

// A question or an answer that is too large for a message is a parcel: it lies
// in the stream's object store, and the message names it.

const (
	parcelHeader = "Tocsin-Parcel"
	// maxParcel bounds a question or an answer: 100,000 answers of a hunt with
	// their coverage take about 100 MB.
	maxParcel = 256 << 20
)

// pack puts data into a message. What it returns removes the parcel, if there
// is one, when everybody has read it; nobody else will.
func (s *Stream) pack(ctx context.Context, m *nats.Msg, data []byte) (remove func(context.Context), err error) {
	remove = func(context.Context) {}
	if len(data) > maxParcel {
		return remove, fmt.Errorf("bus: %d bytes to carry: at most %d may be: %w", len(data), maxParcel, fault.Invalid)
	}
	if int64(len(data)) <= s.bus.conn.MaxPayload()-headerRoom {
		m.Data = data
		return remove, nil
	}
	name := rand.Text()
	if _, err := s.parcels.PutBytes(ctx, name, data); err != nil {
		return remove, unavailable("carry what is too large for a message", err)
	}
	m.Header.Set(parcelHeader, name)
	return func(ctx context.Context) { s.removeParcel(ctx, name) }, nil
}

// unpack returns what a message carries, and the name of its parcel.
func (s *Stream) unpack(ctx context.Context, m *nats.Msg) (data []byte, parcel string, err error) {
	parcel = m.Header.Get(parcelHeader)
	if parcel == "" {
		return m.Data, "", nil
	}
	info, err := s.parcels.GetInfo(ctx, parcel)
	if err == nil && info.Size > maxParcel {
		return nil, parcel, fmt.Errorf("bus: %d bytes were sent: at most %d may be: %w", info.Size, maxParcel, fault.Invalid)
	}
	if err == nil {
		data, err = s.parcels.GetBytes(ctx, parcel)
	}
	if err != nil {
		return nil, parcel, unavailable("read what is too large for a message", err)
	}
	return data, parcel, nil
}

// removeParcel frees the room at once; else it is freed after parcelAge.
func (s *Stream) removeParcel(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestWait)
	defer cancel()
	_ = s.parcels.Delete(ctx, name)
}
