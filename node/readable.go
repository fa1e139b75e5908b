package node

import "tocsin/telemetry"

// Readable returns what reports whether a block can be decoded as a whole. It
// belongs to one goroutine at a time.
func (n *Node) Readable() func(*telemetry.Block) bool {
	decoder := telemetry.NewDecoder(n.config.Mappings, n.names)
	return func(b *telemetry.Block) bool {
		events := 0
		problems, err := decoder.Decode(b, func(*telemetry.Event) error {
			events++
			return nil
		})
		return err == nil && len(problems) == 0 && events > 0
	}
}
