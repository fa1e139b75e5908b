// Package relay takes what members say to each other through an alliance, and back.
//
// Its words: an item is an envelope that goes to all it is meant for: from a member
// up to its hubs, on to theirs, and down again to whoever is meant. The end of an
// item, said by who made it, goes everywhere the item went. A reply goes to the
// maker of an item alone, back the way that the item came. A mask is a hub's message
// in its own name for a member that is not named; what belongs to whom stays in the
// hub's database and is told to nobody.
//
// Every node keeps to which neighbours it gave an item and from which it had it, and
// nothing of what it says. Where an item may go is decided by the function Onward,
// which asks alliance.May.
package relay
