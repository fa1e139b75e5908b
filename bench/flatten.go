package main

import (
	"encoding/json"

	"tocsin/intel"
	"tocsin/telemetry/flatjson"
	"tocsin/telemetry/logsource"
)

// flattener rewrites events as flat JSON objects under Sigma's field names.
type flattener struct {
	names    *intel.Names
	decoder  *flatjson.Decoder
	resolver *logsource.Resolver
	rec      intel.Record
}

func newFlattener(mappings *logsource.Mappings) *flattener {
	names := intel.NewNames(mappings.Rewrite)
	return &flattener{names: names, decoder: flatjson.NewDecoder(names), resolver: logsource.NewResolver(mappings, names)}
}

// line returns an event's line rewritten; with its log source as the fields
// product, category and service where wanted. Of several values of a field the
// first is kept, as peers do not agree on lists.
func (f *flattener) line(text []byte, logSource bool) ([]byte, error) {
	f.rec.Reset()
	if _, err := f.decoder.Decode(text, &f.rec); err != nil {
		return nil, err
	}
	event := map[string]any{}
	for i := range f.rec.Fields {
		field := &f.rec.Fields[i]
		name := f.names.Text(field.Name)
		if _, known := event[name]; !known {
			event[name] = value(field)
		}
	}
	if logSource {
		class := f.resolver.Resolve(&f.rec, logsource.Hint{Format: "json"}).Class
		setIf(event, "product", class.Product)
		setIf(event, "service", class.Service)
		if n := len(class.Categories); n > 0 {
			setIf(event, "category", class.Categories[n-1])
		}
	}
	return json.Marshal(event)
}

func setIf(event map[string]any, name, text string) {
	if text != "" {
		event[name] = text
	}
}

func value(f *intel.Field) any {
	switch f.Kind {
	case intel.Number:
		return json.RawMessage(f.Value)
	case intel.Bool:
		return string(f.Value) == "true"
	case intel.Null:
		return nil
	default:
		return string(f.Value)
	}
}
