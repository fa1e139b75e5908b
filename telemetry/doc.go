// Package telemetry turns what machines logged into events: it finds sources
// (files, folders, archives, streams), recognises their format, decodes their
// records by the leaf package of that format, and says of each event when and
// where it happened and what log source it is (product, category, service), by
// mapping files.
//
// It judges nothing: what is an attack is the detect room's word.
package telemetry
