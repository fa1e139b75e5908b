// Package link delivers messages between neighbours: nodes that a link joins.
//
// Its words: the outbox is, for each neighbour, a log of positions without gaps;
// Send writes into it in the caller's transaction. A carrier is the pipe that
// takes bytes to a neighbour; it may lose, repeat and reorder them, and be made
// anew, since what no receipt came for is sent again from the log. A frame is an
// envelope with its position and the one before it. A receipt says up to which
// position a neighbour's log was handled, and what of it was refused. An epoch
// names a log: when a node finds that its database was restored from a backup, it
// begins a new one with all that is unconfirmed.
//
// What a handler can rely on:
//   - its effect, that is what it writes in the transaction it is given, is there
//     exactly once for each message, whatever is killed, lost, repeated or cut;
//   - messages that came from one neighbour are handled in the order in which that
//     one committed them; between neighbours there is no order. What was kept
//     because this program did not understand it is handled after its upgrade, and
//     so later than what followed it. A neighbour whose database was restored
//     from a backup may repeat its last messages in a later place;
//   - author and every relay signed the message, the neighbour is the last of them,
//     it has not expired, and it is meant for this node or to be passed on;
//   - it may be run more than once before it is kept, as any transaction.
//
// A message that a handler refuses, by an *envelope.Refusal, fault.Invalid or
// fault.Forbidden, is settled: the refusal is counted and the author's side told.
// Any other error holds up that neighbour's log, and only that one, until the
// handler succeeds or the message expires.
//
// A message is known again by its author and ID until it has expired: the same
// bytes are confirmed in silence, others are refused as replayed.
//
// It never decides who may have a message (alliance.May does), what one means, nor
// who is a neighbour (Config.Neighbour says).
package link
