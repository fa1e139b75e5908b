// Package warning is a warning's whole life: at its author from draft to recall
// (Desk), and at whoever it reaches from arrival to withdrawal (Inbox).
//
// Its words: a draft is what a warning, or its next revision, is to say. People
// approve a draft by its hash, so that what they approved is what is issued: an
// edit voids every approval. Orange and red need two different people; where
// there is only one and no time, breaking the glass lets that one issue it, which
// the warning shows, all commanders are told, and somebody else must ratify
// within 24 hours. What is issued is a revision: numbered from 1, kept whole, and
// sent as a bulletin. A warning ends when it is lifted (over), recalled (sent by
// mistake) or expires.
//
// The life at the author is the table in state.go; every act that is not in it is
// refused with what may be done instead. A warning says what may happen; that
// something has happened is an incident's response, another machine in another
// room. Neither moves the other.
//
// At a recipient what arrives cannot hurt: indicators and rules first run dry over
// the last day, and what would flood people is suspended, and its author told.
// Nothing is blocked here: that is a task for a person.
//
// It does not deliver (alliance/link), does not know who belongs to the alliance
// (alliance/member), answers nothing (alliance/answer) and matches nothing: all of
// that is handed in.
package warning
