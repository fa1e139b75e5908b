// Package otlpjson turns requests of the OpenTelemetry protocol that carry logs
// into lines of OTLP/JSON, one log record a line with its resource and scope, as
// telemetry/otlp decodes them (OTLP specification 1.x, "JSON Protobuf
// Encoding").
package otlpjson

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
)

// maxDepth bounds how deep values may be nested; a record with deeper ones is
// refused. It is what the decoder bounds them to.
const maxDepth = 32

// nameless is the service of records whose resource names none.
const nameless = "unnamed"

// FromProto calls visit with each log record of a request, as a line without its
// line feed that is valid during the call, and the name of the service it is
// from. It returns how many records it had to refuse.
func FromProto(request *collector.ExportLogsServiceRequest, visit func(service string, line []byte)) (refused int) {
	var w writer
	for _, r := range request.GetResourceLogs() {
		service := serviceOf(r.GetResource())
		for _, s := range r.GetScopeLogs() {
			for _, record := range s.GetLogRecords() {
				w.reset()
				w.line(r.GetResource(), s.GetScope(), record)
				if record == nil || w.tooDeep {
					refused++
					continue
				}
				visit(service, w.out)
			}
		}
	}
	return refused
}

func serviceOf(r *resource.Resource) string {
	host := ""
	for _, a := range r.GetAttributes() {
		switch a.GetKey() {
		case "service.name":
			if name := a.GetValue().GetStringValue(); name != "" {
				return name
			}
		case "host.name":
			host = a.GetValue().GetStringValue()
		}
	}
	if host != "" {
		return host
	}
	return nameless
}

// writer writes one record.
type writer struct {
	out     []byte
	tooDeep bool
}

func (w *writer) reset() { w.out, w.tooDeep = w.out[:0], false }

func (w *writer) text(text string) { w.out = append(w.out, text...) }

// line writes a record with what it belongs to. The order is that of the
// protocol; resourceLogs must come first, by which the decoder knows it.
func (w *writer) line(r *resource.Resource, scope *common.InstrumentationScope, record *logs.LogRecord) {
	w.text(`{"resourceLogs":[{"resource":{"attributes":`)
	w.pairs(r.GetAttributes(), 0)
	w.text(`},"scopeLogs":[{"scope":{"name":`)
	w.quoted(scope.GetName())
	w.text(`,"version":`)
	w.quoted(scope.GetVersion())
	w.text(`},"logRecords":[`)
	w.record(record)
	w.text(`]}]}]}`)
}

func (w *writer) record(r *logs.LogRecord) {
	w.text(`{"timeUnixNano":"`)
	w.out = strconv.AppendUint(w.out, r.GetTimeUnixNano(), 10)
	w.text(`","observedTimeUnixNano":"`)
	w.out = strconv.AppendUint(w.out, r.GetObservedTimeUnixNano(), 10)
	w.text(`","severityNumber":`)
	w.out = strconv.AppendInt(w.out, int64(r.GetSeverityNumber()), 10)
	w.member("severityText", r.GetSeverityText())
	w.member("eventName", r.GetEventName())
	w.member("traceId", hex.EncodeToString(r.GetTraceId()))
	w.member("spanId", hex.EncodeToString(r.GetSpanId()))
	if r.GetBody() != nil {
		w.text(`,"body":`)
		w.value(r.GetBody(), 0)
	}
	w.text(`,"attributes":`)
	w.pairs(r.GetAttributes(), 0)
	w.text(`}`)
}

// member writes a text that is left out when empty.
func (w *writer) member(name, text string) {
	if text != "" {
		w.text(`,"` + name + `":`)
		w.quoted(text)
	}
}

func (w *writer) pairs(list []*common.KeyValue, depth int) {
	w.text(`[`)
	for i, pair := range list {
		if i > 0 {
			w.text(`,`)
		}
		w.text(`{"key":`)
		w.quoted(pair.GetKey())
		w.text(`,"value":`)
		w.value(pair.GetValue(), depth)
		w.text(`}`)
	}
	w.text(`]`)
}

func (w *writer) value(v *common.AnyValue, depth int) {
	if depth > maxDepth {
		w.tooDeep = true
		return
	}
	switch v := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		w.text(`{"stringValue":`)
		w.quoted(v.StringValue)
	case *common.AnyValue_BoolValue:
		w.text(`{"boolValue":` + strconv.FormatBool(v.BoolValue))
	case *common.AnyValue_IntValue:
		w.text(`{"intValue":"` + strconv.FormatInt(v.IntValue, 10) + `"`)
	case *common.AnyValue_DoubleValue:
		w.double(v.DoubleValue)
	case *common.AnyValue_BytesValue:
		w.text(`{"bytesValue":"` + base64.StdEncoding.EncodeToString(v.BytesValue) + `"`)
	case *common.AnyValue_ArrayValue:
		w.text(`{"arrayValue":{"values":[`)
		for i, element := range v.ArrayValue.GetValues() {
			if i > 0 {
				w.text(`,`)
			}
			w.value(element, depth+1)
		}
		w.text(`]}`)
	case *common.AnyValue_KvlistValue:
		w.text(`{"kvlistValue":{"values":`)
		w.pairs(v.KvlistValue.GetValues(), depth+1)
		w.text(`}`)
	default:
		w.text(`{`)
	}
	w.text(`}`)
}

// double writes what JSON has no number for as text.
func (w *writer) double(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.text(`{"stringValue":"` + strconv.FormatFloat(f, 'g', -1, 64) + `"`)
		return
	}
	w.text(`{"doubleValue":`)
	w.out = strconv.AppendFloat(w.out, f, 'g', -1, 64)
}

// quoted writes a JSON string. Messages are UTF-8 already: protobuf refuses
// other text; what is not all the same becomes U+FFFD.
func (w *writer) quoted(text string) {
	w.out = append(w.out, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if c >= utf8.RuneSelf && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		w.text(text[start:i])
		w.escaped(c)
		i += size
		start = i
	}
	w.text(text[start:])
	w.out = append(w.out, '"')
}

func (w *writer) escaped(c byte) {
	switch c {
	case '"', '\\':
		w.out = append(w.out, '\\', c)
	case '\n':
		w.text(`\n`)
	case '\t':
		w.text(`\t`)
	case '\r':
		w.text(`\r`)
	default:
		if c >= utf8.RuneSelf {
			w.text(`\ufffd`)
			return
		}
		const digits = "0123456789abcdef"
		w.out = append(w.out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
	}
}

// jsonLogs is a request in JSON, its records left as they are.
type jsonLogs struct {
	ResourceLogs []struct {
		Resource  json.RawMessage `json:"resource"`
		ScopeLogs []struct {
			Scope      json.RawMessage   `json:"scope"`
			LogRecords []json.RawMessage `json:"logRecords"`
		} `json:"scopeLogs"`
	} `json:"resourceLogs"`
}
