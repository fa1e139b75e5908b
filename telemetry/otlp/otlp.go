// Package otlp decodes OpenTelemetry logs in OTLP/JSON, as the collector's
// file exporter writes them: one object a line with log records grouped by
// resource and by scope (OTLP specification 1.x, "JSON Protobuf Encoding").
//
// Each log record becomes a flat record of its own, under the names of the
// protocol: timeUnixNano, severityText, severityNumber, body, traceId, spanId,
// eventName; attributes.<key>, resource.<key>, scope.name. A body or an
// attribute that is a map is joined with dots; a list stands several times.
//
// It does not read the binary encoding.
package otlp

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"tocsin/intel"
)

// maxDepth bounds how deep values may be nested.
const maxDepth = 32

// ErrMalformed is the answer to text that is not an OTLP/JSON object.
var ErrMalformed = errors.New("OpenTelemetry logs are malformed JSON")

// Looks reports whether an object is one of resource logs.
func Looks(object []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(object, " \t\r\n"), []byte("{"))
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(`"resourceLogs"`))
}

// Decoder decodes one stream of objects. It is not safe for concurrent use.
type Decoder struct {
	names *intel.Cache
	path  []byte // scratch
	rec   *intel.Record
}

// NewDecoder returns a decoder whose fields are named by names.
func NewDecoder(names *intel.Names) *Decoder { return &Decoder{names: intel.NewCache(names)} }

type logs struct {
	ResourceLogs []struct {
		Resource struct {
			Attributes []keyValue `json:"attributes"`
		} `json:"resource"`
		ScopeLogs []struct {
			Scope struct {
				Name string `json:"name"`
			} `json:"scope"`
			LogRecords []logRecord `json:"logRecords"`
		} `json:"scopeLogs"`
	} `json:"resourceLogs"`
}

type logRecord struct {
	TimeUnixNano         scalar     `json:"timeUnixNano"`
	ObservedTimeUnixNano scalar     `json:"observedTimeUnixNano"`
	SeverityNumber       scalar     `json:"severityNumber"`
	SeverityText         string     `json:"severityText"`
	EventName            string     `json:"eventName"`
	TraceID              string     `json:"traceId"`
	SpanID               string     `json:"spanId"`
	Body                 value      `json:"body"`
	Attributes           []keyValue `json:"attributes"`
}

type keyValue struct {
	Key   string `json:"key"`
	Value value  `json:"value"`
}

// value is OTLP's AnyValue: one of its members is set.
type value struct {
	String *string  `json:"stringValue"`
	Bool   *bool    `json:"boolValue"`
	Int    scalar   `json:"intValue"`
	Double *float64 `json:"doubleValue"`
	Bytes  *string  `json:"bytesValue"` // base64, kept as written
	List   *struct {
		Values []value `json:"values"`
	} `json:"arrayValue"`
	Map *struct {
		Values []keyValue `json:"values"`
	} `json:"kvlistValue"`
}

// scalar is a number that may be written as a string, as 64-bit ones are.
type scalar string

// UnmarshalJSON takes the text of a number or of a string.
func (s *scalar) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	*s = scalar(bytes.Trim(text, `"`))
	return nil
}

// Decode calls visit for each log record of the object, with rec holding its
// fields and nothing else. It stops at the error of visit; its own is
// ErrMalformed.
func (d *Decoder) Decode(object []byte, rec *intel.Record, visit func() error) error {
	var all logs
	if err := json.Unmarshal(object, &all); err != nil {
		return ErrMalformed
	}
	d.rec = rec
	for _, resource := range all.ResourceLogs {
		for _, scope := range resource.ScopeLogs {
			for i := range scope.LogRecords {
				rec.Reset()
				d.record(&scope.LogRecords[i])
				d.text("scope.name", scope.Scope.Name)
				d.attributes("resource", resource.Resource.Attributes, 0)
				if err := visit(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *Decoder) record(r *logRecord) {
	d.number("timeUnixNano", r.TimeUnixNano)
	d.number("observedTimeUnixNano", r.ObservedTimeUnixNano)
	d.number("severityNumber", r.SeverityNumber)
	d.text("severityText", r.SeverityText)
	d.text("eventName", r.EventName)
	d.text("traceId", r.TraceID)
	d.text("spanId", r.SpanID)
	d.value("body", &r.Body, 0)
	d.attributes("attributes", r.Attributes, 0)
}

func (d *Decoder) attributes(prefix string, list []keyValue, depth int) {
	for i := range list {
		d.value(prefix+"."+list[i].Key, &list[i].Value, depth)
	}
}

func (d *Decoder) value(path string, v *value, depth int) {
	switch {
	case depth > maxDepth:
	case v.String != nil:
		d.add(path, intel.Text, *v.String)
	case v.Bool != nil:
		d.add(path, intel.Bool, strconv.FormatBool(*v.Bool))
	case v.Int != "":
		d.number(path, v.Int)
	case v.Double != nil:
		d.add(path, intel.Number, strconv.FormatFloat(*v.Double, 'g', -1, 64))
	case v.Bytes != nil:
		d.add(path, intel.Text, *v.Bytes)
	case v.List != nil:
		for i := range v.List.Values {
			d.value(path, &v.List.Values[i], depth+1)
		}
	case v.Map != nil:
		d.attributes(path, v.Map.Values, depth+1)
	}
}

// text adds a field that is left out when it is empty, as the protocol does.
func (d *Decoder) text(path, text string) {
	if text != "" {
		d.add(path, intel.Text, text)
	}
}

func (d *Decoder) number(path string, text scalar) {
	if text != "" {
		d.add(path, intel.Number, string(text))
	}
}

func (d *Decoder) add(path string, kind intel.Kind, text string) {
	d.path = append(d.path[:0], path...)
	d.rec.AddTail(d.names.Path(d.path), kind, append(d.rec.Tail(), text...))
}
