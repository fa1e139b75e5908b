package otlpjson

import (
	"bytes"
	"encoding/json"
	"errors"
)

// ErrMalformed is a body that is no request in JSON.
var ErrMalformed = errors.New("no OpenTelemetry request in JSON")

// FromJSON is FromProto for a request in JSON.
func FromJSON(body []byte, visit func(service string, line []byte)) (refused int, err error) {
	var request jsonLogs
	if err := json.Unmarshal(body, &request); err != nil {
		return 0, ErrMalformed
	}
	var out bytes.Buffer
	for _, r := range request.ResourceLogs {
		service, ok := serviceOfJSON(r.Resource)
		for _, s := range r.ScopeLogs {
			for _, record := range s.LogRecords {
				out.Reset()
				if !ok || !sound(record) || !line(&out, r.Resource, s.Scope, record) {
					refused++
					continue
				}
				visit(service, out.Bytes())
			}
		}
	}
	return refused, nil
}

// line writes a record with what it belongs to, on one line.
func line(out *bytes.Buffer, resource, scope, record json.RawMessage) bool {
	for _, part := range [...]struct {
		before string
		text   json.RawMessage
	}{
		{`{"resourceLogs":[{"resource":`, resource},
		{`,"scopeLogs":[{"scope":`, scope},
		{`,"logRecords":[`, record},
	} {
		out.WriteString(part.before)
		if len(part.text) == 0 {
			part.text = json.RawMessage(`{}`)
		}
		if json.Compact(out, part.text) != nil {
			return false
		}
	}
	out.WriteString(`]}]}]}`)
	return true
}

type pair struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// sound reports whether a record has the members that the protocol gives it,
// each of its kind, and is not nested too deep.
func sound(record json.RawMessage) bool {
	var said struct {
		SeverityText string                     `json:"severityText"`
		EventName    string                     `json:"eventName"`
		TraceID      string                     `json:"traceId"`
		SpanID       string                     `json:"spanId"`
		Body         map[string]json.RawMessage `json:"body"`
		Attributes   []pair                     `json:"attributes"`
	}
	return len(record) > 0 && record[0] == '{' && depth(record) <= maxJSONDepth && json.Unmarshal(record, &said) == nil
}

// maxJSONDepth is maxDepth in brackets: a value in a list or map takes up to
// four, a record and its attributes three.
const maxJSONDepth = 4*maxDepth + 3

// depth returns how deep the brackets of a JSON text are nested.
func depth(text []byte) int {
	deepest, now := 0, 0
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

func serviceOfJSON(resource json.RawMessage) (string, bool) {
	var said struct {
		Attributes []struct {
			Key   string `json:"key"`
			Value struct {
				String string `json:"stringValue"`
			} `json:"value"`
		} `json:"attributes"`
	}
	if len(resource) == 0 {
		return nameless, true
	}
	if json.Unmarshal(resource, &said) != nil {
		return "", false
	}
	host := nameless
	for _, a := range said.Attributes {
		switch {
		case a.Key == "service.name" && a.Value.String != "":
			return a.Value.String, true
		case a.Key == "host.name" && a.Value.String != "":
			host = a.Value.String
		}
	}
	return host, true
}
