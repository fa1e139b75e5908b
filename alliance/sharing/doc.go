// Package sharing lets members of an alliance tell each other what they know: an
// indicator to look for, what was seen, or a note.
//
// Its words: a share is one such thing, under a marking, for all, a sector, a region,
// named members or a group; by name, or hidden: then a hub shares it in its own name.
// It stands until it is withdrawn by who shared it or its time runs out. The end goes
// everywhere the share went, and what it brought leaves.
//
// What is received is kept and handed on to be watched for; nothing is blocked by it.
// What this node only passes on is not kept. Where a share goes is alliance/relay's
// to decide, and with it alliance.May's.
package sharing
