package otlp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/telemetry/otlp"
)

const sample = `{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"web-1"}}]},
"scopeLogs":[{"scope":{"name":"app"},"logRecords":[
{"timeUnixNano":"1494590400000000000","severityNumber":9,"severityText":"INFO","body":{"stringValue":"started"},
 "attributes":[{"key":"http.status","value":{"intValue":"200"}},{"key":"ok","value":{"boolValue":true}},{"key":"tags","value":{"arrayValue":{"values":[{"stringValue":"a"},{"doubleValue":0.5}]}}}]},
{"timeUnixNano":1,"body":{"kvlistValue":{"values":[{"key":"user","value":{"kvlistValue":{"values":[{"key":"name","value":{"stringValue":"root"}}]}}}]}}}]}]}]}`

func TestDecode(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	var rec intel.Record
	var got []string
	err := otlp.NewDecoder(names).Decode([]byte(sample), &rec, func() error {
		var fields []string
		for _, f := range rec.Fields {
			fields = append(fields, fmt.Sprintf("%s=%s", names.Text(f.Name), f.Value))
		}
		got = append(got, strings.Join(fields, " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"timeUnixNano=1494590400000000000 severityNumber=9 severityText=INFO body=started attributes.http.status=200 attributes.ok=true attributes.tags=a attributes.tags=0.5 scope.name=app resource.host.name=web-1",
		"timeUnixNano=1 body.user.name=root scope.name=app resource.host.name=web-1",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	var rec intel.Record
	err := otlp.NewDecoder(intel.NewNames(nil)).Decode([]byte(`{"resourceLogs":7}`), &rec, func() error { return nil })
	if !errors.Is(err, otlp.ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{}}}]}]}]}`))
	f.Fuzz(func(_ *testing.T, object []byte) {
		var rec intel.Record
		_ = otlp.NewDecoder(intel.NewNames(nil)).Decode(object, &rec, func() error { return nil })
	})
}
