// Package aid is how members of an alliance help each other with people.
//
// Its words: a request says which experts are needed, where and until when; it goes
// to all it is meant for, by name or hidden, in the name of a hub. An offer answers
// it, and goes to who asked alone. A decision accepts or declines an offer. A
// request, and an offer, can be withdrawn by who made it; a request ends by itself
// when its time is out, and open offers lapse with it.
//
// Each step is told to the case that the request was made for, by a function that is
// handed in, and to the people on duty. Which case that is never leaves the node.
package aid
