// Package member knows who belongs to an alliance: the nodes, by which links they
// are joined to this one, and who of them may have what.
//
// Its words: a link joins this node to a neighbour; its role says where the
// neighbour is: up, a hub of ours, or down, a member of ours. What a neighbour is
// in a link (an association, an enterprise) belongs to the link. Nodes behind a
// member are reached through it, nodes above a hub likewise. An invitation is a
// secret that one node may join with, once; a token is the invitation as it is
// handed over. An application is a join as the node sees it that wants to become
// a member, a request as its hub does. A holding is a network, a number of an
// autonomous system or a domain; what a card claims counts for nothing until the
// hub confirms it. A mandate is a member's word that a support team may act for
// it. A member without a node is reached by mail.
//
// Who may have something is decided by alliance.May alone. What leaves, leaves
// through functions that are handed in: this package sends nothing by itself
// but the request to join.
package member
