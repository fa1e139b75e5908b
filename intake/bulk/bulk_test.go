package bulk_test

import (
	"encoding/json"
	"testing"

	"tocsin/intake/bulk"
)

func TestIsObject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{}`: true, `{"a":"}"}`: true, `{"a":"\\"}`: true, `{"a":"\""}`: true, `{"a":[{}]}`: true,
		``: false, `{`: false, `[]`: false, `{}{}`: false, `{"a}`: false, `{"a":"\"}`: false, `{"a":1}}`: false, `"{}"`: false,
	} {
		if got := bulk.IsObject([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// Whatever comes, nothing is invented: each document is a line of the body, and
// what encoding/json calls an object is one here.
func FuzzParse(f *testing.F) {
	f.Add([]byte("{\"create\":{\"_index\":\"x\"}}\n{\"a\":1}\n"), "i")
	f.Add([]byte("{\"delete\":{\"_id\":\"1\"}}\r\n\n{\"index\":{}}\n{\"a\":\"\\\"}\"}"), "")
	f.Fuzz(func(t *testing.T, body []byte, index string) {
		items, err := bulk.Parse(body, index)
		if err != nil {
			return
		}
		for _, item := range items {
			if (item.Action == bulk.Delete) != (item.Document == nil) {
				t.Fatalf("%s with document %q", item.Action, item.Document)
			}
			var object map[string]json.RawMessage
			if json.Unmarshal(item.Document, &object) == nil && object != nil && !bulk.IsObject(item.Document) {
				t.Fatalf("%q is an object", item.Document)
			}
		}
	})
}
