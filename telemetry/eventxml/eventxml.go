// Package eventxml decodes Windows events rendered as XML (the Event element of
// the Windows event schema), as Event Viewer and wevtutil export them, Windows
// Event Forwarding delivers them, and Sysmon for Linux writes them to syslog.
//
// Fields are named by the path that the binary form and its JSON have:
// Event.System.EventID, Event.System.Provider.#attributes.Name, and
// Event.EventData.CommandLine for <Data Name="CommandLine">. An unnamed Data is
// Event.EventData.Data.
package eventxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"

	"tocsin/intel"
)

const (
	// maxDepth bounds nesting; user data is at most a few elements deep.
	maxDepth = 32
	// maxFields bounds what one event may hold.
	maxFields = 4096
)

// Why an event is refused.
var (
	ErrMalformed = errors.New("event XML is malformed")
	ErrNotEvent  = errors.New("XML is not a Windows event")
	ErrTooMuch   = errors.New("event XML is nested too deeply or has too many fields")
)

// Looks reports whether text begins with an Event element, or a list of them.
func Looks(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	if rest, ok := bytes.CutPrefix(head, []byte("<?xml")); ok {
		_, rest, _ = bytes.Cut(rest, []byte("?>"))
		head = bytes.TrimLeft(rest, " \t\r\n")
	}
	if rest, ok := bytes.CutPrefix(head, []byte("<Events>")); ok {
		head = bytes.TrimLeft(rest, " \t\r\n")
	}
	return bytes.HasPrefix(head, []byte("<Event>")) || bytes.HasPrefix(head, []byte("<Event "))
}

// Decoder decodes events. It is not safe for concurrent use.
type Decoder struct {
	names *intel.Cache
	rec   *intel.Record
	path  []string
	text  strings.Builder
}

// NewDecoder returns a decoder whose fields are named by names.
func NewDecoder(names *intel.Names) *Decoder { return &Decoder{names: intel.NewCache(names)} }

// Decode appends the fields of the Event element at the start of text.
func (d *Decoder) Decode(text []byte, rec *intel.Record) error {
	d.rec, d.path = rec, d.path[:0]
	tokens := xml.NewDecoder(bytes.NewReader(text))
	tokens.Strict = true
	leaf := false
	for {
		token, err := tokens.RawToken()
		if err != nil {
			return ErrMalformed
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(d.path) == 0 && t.Name.Local != "Event" {
				return ErrNotEvent
			}
			d.begin(&t)
			leaf = true
		case xml.CharData:
			d.text.Write(t)
		case xml.EndElement:
			if len(d.path) == 0 || t.Name.Local != d.elementName() {
				return ErrMalformed
			}
			if value := d.text.String(); leaf && (strings.TrimSpace(value) != "" || d.isData()) {
				d.add("", value)
			}
			leaf = false
			d.text.Reset()
			if d.path = d.path[:len(d.path)-1]; len(d.path) == 0 {
				return nil
			}
		}
		if len(d.path) > maxDepth || len(rec.Fields) > maxFields {
			return ErrTooMuch
		}
	}
}

// The path holds an element under EventData that has a name as dataMark + that
// name, so that its end can be told from an element called so.
const dataMark = "\x00"

func (d *Decoder) elementName() string {
	name := d.path[len(d.path)-1]
	if strings.HasPrefix(name, dataMark) {
		return "Data"
	}
	return name
}

func (d *Decoder) isData() bool {
	return len(d.path) == 3 && d.path[1] == "EventData"
}

// begin enters an element and gives its attributes.
func (d *Decoder) begin(t *xml.StartElement) {
	d.text.Reset()
	name := t.Name.Local
	if name == "Data" {
		for _, a := range t.Attr {
			if a.Name.Local == "Name" && a.Value != "" {
				d.path = append(d.path, dataMark+a.Value)
				return
			}
		}
	}
	d.path = append(d.path, name)
	for _, a := range t.Attr {
		if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
			d.add(".#attributes."+a.Name.Local, a.Value)
		}
	}
}

func (d *Decoder) add(suffix, value string) {
	path := strings.ReplaceAll(strings.Join(d.path, "."), dataMark, "") + suffix
	text := []byte(value)
	d.rec.Add(d.names.Path([]byte(path)), intel.KindOf(text), text)
}
