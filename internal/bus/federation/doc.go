// Package federation carries bytes between a hub and its members over NATS. It
// knows no message and writes to no database.
//
// Its words: a hub runs a NATS server in its process, or uses a cluster that
// others run. A member connects outward to it, by TLS or by WebSocket within
// TLS, with a credential that the hub signed for the member's own key; the key
// never leaves the member. A hub admits, suspends, resumes and expels.
//
// What goes down is stored: Hub.Publish returns when it is on disk in the
// stream DOWN, on most servers where there are three. A member asks for what
// comes after what it has, and is answered at once or as soon as there is
// something. What the next question passes over is removed. So a member that was
// away goes on where it stopped, in order, and an idle member costs the hub an
// entry in a table: no consumer, whose four goroutines and 50 KB for each member
// would be half a gigabyte at ten thousand, and three raft groups in a cluster.
//
// What goes up is not stored on the way: Member.Publish returns when the
// function given to Hub.Receive has returned nil, that is when the hub has it in
// its database. A hub that is off is a Publish that waits.
//
// Both come again when the answer was lost: whoever receives knows ids.
//
// A member may publish to up.MEMBER, next.MEMBER and get.MEMBER and subscribe to
// its own inbox and to live.>; nothing else, and nothing of JetStream. The server
// holds this by the credential, and the hub trusts only the subject to say who
// speaks: it answers only into the inbox of that member, so that nobody can make
// it publish elsewhere. What is on live.all every member reads: only what is
// TLP:CLEAR goes there.
package federation
