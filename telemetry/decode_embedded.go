package telemetry

import (
	"bytes"

	"tocsin/intel"
	"tocsin/telemetry/auditd"
	"tocsin/telemetry/cef"
	"tocsin/telemetry/eventxml"
	"tocsin/telemetry/keyvalue"
	"tocsin/telemetry/logsource"
)

// embedding is how a text field holds a record of its own.
type embedding uint8

const (
	notAsked embedding = iota
	plainText
	embeddedJSON
	embeddedXML
	embeddedLine
)

// embeddings tells by name which fields hold a record of their own.
type embeddings struct {
	mappings *logsource.Mappings
	names    *intel.Names
	table    []embedding // by name
}

func (e *embeddings) of(name intel.Name) embedding {
	if int(name) < len(e.table) && e.table[name] != notAsked {
		return e.table[name]
	}
	return e.ask(name)
}

func (e *embeddings) ask(name intel.Name) embedding {
	if int(name) >= len(e.table) {
		e.table = append(e.table, make([]embedding, e.names.Len()-len(e.table))...)
	}
	switch e.mappings.Embedded(e.names.Text(name)) {
	case "json":
		e.table[name] = embeddedJSON
	case "xml":
		e.table[name] = embeddedXML
	case "line":
		e.table[name] = embeddedLine
	default:
		e.table[name] = plainText
	}
	return e.table[name]
}

// embedded adds the fields of records that the event's text fields hold. Text
// that is no such record stays what it is.
func (d *Decoder) embedded(rec *intel.Record) {
	for i := range len(rec.Fields) {
		f := &rec.Fields[i]
		if f.Kind != intel.Text {
			continue
		}
		switch d.embeddings.of(f.Name) {
		case embeddedJSON:
			d.tryJSON(f.Value, rec)
		case embeddedXML:
			d.tryXML(f.Value, rec)
		case embeddedLine:
			d.line(f.Value, rec)
		}
	}
}

// line adds the fields of a record that stands in a message of another, in
// whatever format it is.
func (d *Decoder) line(text []byte, rec *intel.Record) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return
	}
	switch {
	case text[0] == '{':
		d.tryJSON(text, rec)
	case text[0] == '<':
		d.tryXML(text, rec)
	case cef.IsEvent(text):
		try(d.cef.Decode, text, rec)
	case isAudit(text):
		try(d.auditd.Decode, text, rec)
	case keyvalue.Looks(text):
		try(d.keyvalue.Decode, text, rec)
	}
}

func isAudit(text []byte) bool {
	_, err := auditd.ParseStamp(text)
	return err == nil
}

// try decodes text by a decoder, keeping nothing when it fails.
func try(decode func([]byte, *intel.Record) error, text []byte, rec *intel.Record) {
	before := len(rec.Fields)
	if decode(text, rec) != nil {
		rec.Fields = rec.Fields[:before]
	}
}

func (d *Decoder) tryJSON(text []byte, rec *intel.Record) {
	if looksJSON(text) {
		try(d.jsonLine, text, rec)
	}
}

func (d *Decoder) tryXML(text []byte, rec *intel.Record) {
	if eventxml.Looks(text) {
		try(d.xml.Decode, text, rec)
	}
}
