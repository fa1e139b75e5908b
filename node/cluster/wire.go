package cluster

import (
	"fmt"

	"github.com/klauspost/compress/zstd"

	"tocsin/internal/bus"
	"tocsin/internal/fault"
	"tocsin/telemetry"
)

// A block travels compressed, since logs shrink to a tenth and the servers
// write and copy what is left: one byte for the version, then a frame of zstd.
const wireVersion = 1

func packers() (*zstd.Encoder, *zstd.Decoder, error) {
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, nil, err
	}
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(bus.MaxMessage), zstd.WithDecoderConcurrency(0))
	return pack, unpack, err
}

func (c *Cluster) encode(block []byte) ([]byte, error) {
	if len(block) > bus.MaxMessage {
		return nil, fmt.Errorf("cluster: a block of %d bytes: at most %d may be: %w", len(block), bus.MaxMessage, fault.Invalid)
	}
	return c.pack.EncodeAll(block, []byte{wireVersion}), nil
}

func (c *Cluster) decode(wire []byte) (*telemetry.Block, error) {
	if len(wire) == 0 || wire[0] != wireVersion {
		return nil, fmt.Errorf("cluster: no block of version %d: %w", wireVersion, fault.Invalid)
	}
	block, err := c.unpack.DecodeAll(wire[1:], nil)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w: %w", err, fault.Invalid)
	}
	return telemetry.ReadBlock(block)
}
