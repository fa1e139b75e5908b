package telemetry

import (
	"bytes"
	"errors"
	"time"

	"tocsin/intel"
	"tocsin/telemetry/accesslog"
	"tocsin/telemetry/auditd"
	"tocsin/telemetry/cef"
	"tocsin/telemetry/csvlog"
	"tocsin/telemetry/eventxml"
	"tocsin/telemetry/evtx"
	"tocsin/telemetry/flatjson"
	"tocsin/telemetry/keyvalue"
	"tocsin/telemetry/logsource"
	"tocsin/telemetry/otlp"
	"tocsin/telemetry/syslog"
	"tocsin/telemetry/zeek"
)

// Decoder turns blocks into events. It is made once for each goroutine.
type Decoder struct {
	// Malformed is called with every record that cannot be read, when set. The
	// record is a slice of the block and valid during the call only.
	Malformed func(reason string, record *Block)

	resolver   *logsource.Resolver
	embeddings embeddings
	evtx       *evtx.Decoder
	json       *flatjson.Decoder
	otlp       *otlp.Decoder
	syslog     *syslog.Decoder
	auditd     *auditd.Decoder
	cef        *cef.Decoder
	keyvalue   *keyvalue.Decoder
	csv        *csvlog.Decoder
	access     *accesslog.Decoder
	w3c        *accesslog.W3CDecoder
	xml        *eventxml.Decoder
	zeek       *zeek.Decoder
	message    intel.Name // of syslog

	// What follows belongs to the block at hand.
	block    *Block
	event    Event
	hint     logsource.Hint
	visit    func(*Event) error
	problems []Problem
}

// NewDecoder returns a decoder. The names must have been made with
// mappings.Rewrite and be shared with the rules.
func NewDecoder(mappings *logsource.Mappings, names *intel.Names) *Decoder {
	d := &Decoder{
		resolver:   logsource.NewResolver(mappings, names),
		embeddings: embeddings{mappings: mappings, names: names},
		evtx:       evtx.NewDecoder(names),
		json:       flatjson.NewDecoder(names),
		otlp:       otlp.NewDecoder(names),
		syslog:     syslog.NewDecoder(names),
		auditd:     auditd.NewDecoder(names),
		cef:        cef.NewDecoder(names),
		keyvalue:   keyvalue.NewDecoder(names),
		csv:        csvlog.NewDecoder(names),
		access:     accesslog.NewDecoder(names),
		w3c:        accesslog.NewW3CDecoder(names),
		xml:        eventxml.NewDecoder(names),
		zeek:       zeek.NewDecoder(names),
		message:    names.Path([]byte("message")),
	}
	d.json.Raw(func(path string) bool { return mappings.Raw(mappings.Rewrite(path)) })
	return d
}

// Decode calls visit with every event of the block, in order. The event is
// valid during the call only. It returns what could not be read, and the error
// of visit, at which it stops.
func (d *Decoder) Decode(b *Block, visit func(*Event) error) ([]Problem, error) {
	d.visit, d.problems = visit, append([]Problem(nil), b.Problems...)
	d.block = b
	d.event.Source = b.Source
	d.hint = logsource.Hint{Format: string(b.Source.Format), Path: b.path, FileName: b.Source.Name}
	d.resolver.Reference = b.Source.Written
	if b.Source.Written.IsZero() {
		d.resolver.Reference = time.Now()
	}
	if len(b.Data) == 0 { // problems only
		return d.problems, nil
	}
	var err error
	switch b.Source.Format {
	case EVTX:
		err = d.evtxChunk(b)
	case EventXML:
		err = d.xmlBlock(b)
	case JSON:
		err = d.jsonBlock(b)
	case ZeekTSV:
		header, _ := b.header.(*zeek.Header) // none before the first directives
		d.zeek.Use(header)
		err = d.eachLine(b, d.zeek.Decode)
	case Auditd:
		err = d.auditBlock(b)
	case CEF:
		err = d.eachLine(b, d.cef.Decode)
	case KeyValue:
		err = d.eachLine(b, d.keyvalue.Decode)
	case AccessLog:
		err = d.eachLine(b, d.access.Decode)
	case W3C:
		header, _ := b.header.(*accesslog.W3CHeader)
		d.w3c.Use(header)
		err = d.eachLine(b, d.w3c.Decode)
	case CSV:
		err = d.tableBlock(b)
	case Text:
		err = d.eachLine(b, d.textLine)
	case Syslog:
		err = d.eachLine(b, d.syslogLine)
	}
	return d.problems, err
}

// problem counts a record that could not be read.
func (d *Decoder) problem(reason string, offset int64) {
	d.problems = countProblem(d.problems, reason, offset)
	if d.Malformed == nil {
		return
	}
	if record := d.block.Cut(offset); record != nil {
		d.Malformed(reason, record)
	}
}

// countProblem adds one to the problem of that reason.
func countProblem(list []Problem, reason string, offset int64) []Problem {
	for i := range list {
		if list[i].Reason == reason {
			list[i].Count++
			return list
		}
	}
	return append(list, Problem{Reason: reason, Offset: offset, Count: 1})
}

// begin empties the event for the next record.
func (d *Decoder) begin(number uint64, offset int64) *intel.Record {
	d.event.Reset()
	d.event.Number, d.event.Offset = number, offset
	return &d.event.Record
}

// finish says when, where and what the event is, and hands it on.
func (d *Decoder) finish() error {
	e := &d.event
	d.embedded(&e.Record)
	resolved := d.resolver.Resolve(&e.Record, d.hint)
	e.Class, e.Time, e.Host = resolved.Class, resolved.Time, resolved.Host
	return d.visit(e)
}

// eachLine decodes a block of lines, one event each.
func (d *Decoder) eachLine(b *Block, decode func(line []byte, rec *intel.Record) error) error {
	return walkLines(b, func(line []byte, number uint64, at int64) error {
		if err := decode(line, d.begin(number, at)); err != nil {
			d.problem(reasonOf(err), at)
			return nil
		}
		return d.finish()
	})
}

// walkLines calls visit with every line of a block that is not blank.
func walkLines(b *Block, visit func(line []byte, number uint64, at int64) error) error {
	at, number := b.Offset, b.Number
	for rest := b.Data; len(rest) > 0; number++ {
		line, after, _ := bytes.Cut(rest, newline)
		begin := at
		at += int64(len(rest) - len(after))
		rest = after
		if line = bytes.TrimRight(line, "\r"); blank(line) {
			continue
		}
		if err := visit(line, number, begin); err != nil {
			return err
		}
	}
	return nil
}

var newline = []byte{'\n'}

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// reasonOf returns the constant text of a decoder's error.
func reasonOf(err error) string {
	if e := (*flatjson.Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return err.Error()
}
