package cluster

import (
	"errors"
	"testing"

	"tocsin/internal/fault"
	"tocsin/telemetry"
)

// What comes from the stream may be anything: it is a block that can be
// published again, or invalid.
func FuzzDecode(f *testing.F) {
	c := &Cluster{}
	var err error
	if c.pack, c.unpack, err = packers(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.unpack.Close)
	for _, data := range []string{"", "{}\n", `{"a":"b"}` + "\n"} {
		block, err := telemetry.NewBlock(&telemetry.Source{Name: "s", Format: telemetry.JSON}, []byte(data)).AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		wire, err := c.encode(block)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
		f.Add(wire[:len(wire)/2])
	}
	f.Add([]byte{wireVersion})
	f.Fuzz(func(t *testing.T, wire []byte) {
		b, err := c.decode(wire)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		block, err := b.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.encode(block)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.decode(again); err != nil {
			t.Errorf("published again it is invalid: %v", err)
		}
	})
}
