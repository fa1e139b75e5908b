// Package cluster spreads a node over machines: where one takes telemetry in,
// others watch and remember it, and a third asks them all. It carries blocks
// and questions through internal/bus and is handed the functions that do the
// work; it knows neither rules nor memory.
//
// Its words: an intake publishes blocks, a worker takes its share of them into
// its own journal, a serving node asks every worker and says who did not
// answer.
//
// What it promises: a block that Accept returned nil for reaches the journal of
// a worker, whatever dies; the sender of one that it refused may send it again.
// A block is counted twice only
//   - when a worker dies, or is cut off for longer than its lease, between its
//     journal's write and the server's hearing of it, and another takes the
//     partition over: mostly one block, at most one batch of the partition (16
//     messages or 4 MiB);
//   - when a worker dies between its journal's write and the note of it, which
//     takes microseconds: at most one block of each of its partitions;
//   - when an intake dies before the sender hears that its block is kept, and
//     the sender sends it again, as with a node by itself;
//   - when a server of NATS loses what it has acknowledged or heard, which its
//     settings decide: see docs/cluster.md.
package cluster
