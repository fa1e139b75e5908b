// Package transparency keeps what a hub issued from being rewritten. A hub
// appends what it issues to a log, in the transaction of what it records; the
// members check for themselves that the log only grows, that it holds everything
// they were sent, and that all of them see the same one.
//
// Its words: an entry says that an envelope was issued, or a report received: its
// kind, its time and the SHA-256 of the envelope, and nothing of the content or of
// who got it. A record is an entry's exact bytes, the leaf of a Merkle tree (RFC
// 6962, section 2). A checkpoint is the size of the tree and its root, signed: a
// note (C2SP tlog-checkpoint) whose key is named like the node. A checkpoint is
// handed out only for what is on disk, and a hub never signs two that contradict
// each other. The witness is what others saw of the log: a file beside the
// database, and the checkpoints that members hand back. A log whose tree does not
// bear out what was seen of it is held: nothing is appended until the entries that
// are missing were recovered, from a member that keeps them, or somebody began a
// new log that says what became of the old one.
//
// On the member's side a Monitor keeps of each hub the last checkpoint that was
// verified, every one that it heard of, and the entries. What does not fit is an
// Alarm. Where an alarm's Evidence holds, anybody can check with the hub's public
// key alone that it showed two histories.
//
// What is in the log is not secret from members: with the digest of an envelope
// that nobody gave you, you can't do anything. The package does not deliver: what
// a member wants and what the hub shows (Want, Shown) are carried by others.
package transparency
