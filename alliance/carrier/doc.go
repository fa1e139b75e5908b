// Package carrier joins a node to its neighbours: to its members as their hub, and
// to its hubs as their member. It is what the links (alliance/link) and the register
// of members (alliance/member) work with, over internal/bus/federation.
//
// Its words: an uplink is the connection to a hub, with the key and the access that
// the hub gave, which are kept in files of the owner alone. A piece is a part of a
// body that is too long for its frame: a member fetches those of its hub by asking;
// a hub, which cannot ask who may be behind a firewall, sends a wish down and gets
// the piece sent up.
//
// It knows no message and no table, and decides nothing.
package carrier
