// Package node wires the rooms together and starts and stops them: it is the
// one place that knows every room, and the map of the flow from what a machine
// logged to what a person is told.
package node
