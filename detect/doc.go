// Package detect says which events are what a rule describes: it inspects
// events and makes findings. It does no I/O while inspecting.
//
// A rule holds for one event, a correlation for several; both make findings.
// Grouping findings into something a person works on is the incident room's.
package detect
