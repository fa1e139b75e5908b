package auditd

import (
	"bytes"

	"tocsin/intel"
)

// Decoder reads the lines of events. It is not safe for concurrent use; make
// one for each goroutine.
type Decoder struct {
	names  *intel.Names
	keys   map[string]key
	shapes map[string]*shape
	common commonNames

	// Of the event at hand.
	execve execve
	// Of the record at hand.
	kind         recordKind
	shape        *shape
	at           int // how many keys of the record were read
	arch, number []byte
	scratch      []byte // a key that had to be built
	enriched     []byte // the name of the system call, as an enriched log gives it
}

// commonNames are the fields that do not come from a key in the log.
type commonNames struct {
	node, timestamp, serial, typ, syscall, syscallName, cmdline, seresult, seperms, family, address, port, path intel.Name
}

// recordKind tells the records that need more than their keys read.
type recordKind uint8

const (
	plainRecord recordKind = iota
	syscallRecord
	execveRecord
	sockaddrRecord
)

// shape is the keys of the record of that type read last, in order: the next
// such record nearly always has the same, so that no table need be asked.
type shape struct{ keys []key }

// key is a key of the log and what it means.
type key struct {
	text string
	name intel.Name
	rule rule
}

// Bounds of what a decoder remembers, so that hostile logs do not grow it.
const (
	keysLimit   = 4096
	shapesLimit = 256
	shapeLimit  = 256
)

// NewDecoder returns a decoder whose fields are named in names.
func NewDecoder(names *intel.Names) *Decoder {
	path := func(text string) intel.Name { return names.Path([]byte(text)) }
	return &Decoder{
		names:  names,
		keys:   map[string]key{},
		shapes: map[string]*shape{},
		common: commonNames{
			node: path("node"), timestamp: path("timestamp"), serial: path("serial"), typ: path("type"),
			syscall: path("syscall"), syscallName: path("SYSCALL"), cmdline: path("cmdline"),
			seresult: path("seresult"), seperms: path("seperms"),
			family: path("saddr_fam"), address: path("laddr"), port: path("lport"), path: path("path"),
		},
	}
}

// Decode appends the fields of an event to rec: one line, or the lines of one
// event with a newline between them. A line that is no record is passed over;
// when all are so, the error is ErrNotAudit.
func (d *Decoder) Decode(event []byte, rec *intel.Record) error {
	d.execve.reset()
	records := 0
	for len(event) > 0 {
		line := event
		if end := bytes.IndexByte(event, '\n'); end >= 0 {
			line, event = event[:end], event[end+1:]
		} else {
			event = nil
		}
		stamp, err := ParseStamp(line)
		if err != nil {
			continue
		}
		if records == 0 {
			d.event(&stamp, rec)
		}
		records++
		d.record(&stamp, rec)
	}
	if records == 0 {
		return ErrNotAudit
	}
	d.execve.finish(rec, d.common.cmdline)
	return nil
}

// event appends what all records of the event share.
func (d *Decoder) event(s *Stamp, rec *intel.Record) {
	if s.Node != nil {
		rec.Add(d.common.node, intel.Text, s.Node)
	}
	rec.Add(d.common.timestamp, intel.KindOf(s.Time), s.Time)
	rec.Add(d.common.serial, intel.KindOf(s.Serial), s.Serial)
}

func (d *Decoder) record(s *Stamp, rec *intel.Record) {
	typ := s.Type
	if len(typ) > 0 && typ[0] <= '9' {
		if names, _ := types(); names[string(typ)] != nil {
			typ = names[string(typ)]
		}
	}
	if len(typ) > 0 {
		rec.Add(d.common.typ, intel.Text, typ)
	}
	d.begin(typ)
	body, enriched, _ := bytes.Cut(s.Body, []byte{0x1d})
	d.fields(body, rec, false)
	if len(enriched) > 0 {
		d.fields(enriched, rec, false)
	}
	d.syscallNames(rec)
}

// begin prepares for a record of the type.
func (d *Decoder) begin(typ []byte) {
	d.kind, d.at = plainRecord, 0
	d.arch, d.number, d.enriched = nil, nil, nil
	switch string(typ) {
	case "SYSCALL":
		d.kind = syscallRecord
	case "EXECVE":
		d.kind = execveRecord
	case "SOCKADDR":
		d.kind = sockaddrRecord
	}
	d.shape = d.shapes[string(typ)]
	if d.shape == nil && len(d.shapes) < shapesLimit {
		d.shape = &shape{}
		d.shapes[string(typ)] = d.shape
	}
}

// key returns what a key means.
func (d *Decoder) key(text []byte) key {
	at := d.at
	d.at++
	if d.shape == nil || at >= shapeLimit {
		return d.lookUp(text)
	}
	if at < len(d.shape.keys) && d.shape.keys[at].text == string(text) {
		return d.shape.keys[at]
	}
	k := d.lookUp(text)
	if at < len(d.shape.keys) {
		d.shape.keys[at] = k
	} else if at == len(d.shape.keys) {
		d.shape.keys = append(d.shape.keys, k)
	}
	return k
}

func (d *Decoder) lookUp(text []byte) key {
	if k, ok := d.keys[string(text)]; ok {
		return k
	}
	k := key{text: string(text), name: d.names.Path(text), rule: ruleOf(string(text))}
	if len(d.keys) < keysLimit {
		d.keys[k.text] = k
	}
	return k
}

// syscallNames appends the name of the system call of a record that has its
// number.
func (d *Decoder) syscallNames(rec *intel.Record) {
	if d.number == nil || d.arch == nil {
		return
	}
	name := d.enriched
	if name == nil {
		if name = syscalls()[string(d.arch)][string(d.number)]; name == nil {
			return
		}
		rec.Add(d.common.syscallName, intel.Text, name)
	}
	rec.Add(d.common.syscall, intel.Text, name)
}
