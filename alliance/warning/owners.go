package warning

import "tocsin/alliance"

// Owner is a node that an address or a domain is of, by its card.
type Owner struct {
	Node alliance.NodeID `json:"node"`
	Name string          `json:"name"`
	// Says is the network, number or domain of the card that holds it.
	Says string `json:"says"`
}
