// Package bus is the one door to NATS. It moves bytes between processes and
// machines and knows no message.
//
// Its words: a stream holds what was published until a worker has it safely,
// and is split into partitions; what has the same key goes to the same
// partition and stays in order. Workers share the partitions by leases: each
// is read by one worker at a time, a worker that dies is replaced when its
// leases run out, a new one gets its share. Workers can also be asked: a
// question goes to all that are known, and who did not answer is told.
//
// What it promises: Publish returns nil only after the server has stored the
// message; a message leaves the stream only after a worker's function returned
// nil for it. So nothing is lost between the two, and a message comes again
// when a worker ends after its function returned and before the server heard
// of it. A full stream refuses what is new and never drops what it has.
//
// How safely a server stores is the server's setting, not ours: see
// docs/cluster.md.
package bus
