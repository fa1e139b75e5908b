package otlpjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"tocsin/intake/otlpjson"
	"tocsin/intel"
	"tocsin/telemetry/otlp"
)

func text(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}

func pairOf(key string, value *common.AnyValue) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: value}
}

func list(values ...*common.AnyValue) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: values}}}
}

func sample() *collector.ExportLogsServiceRequest {
	return &collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource: &resource.Resource{Attributes: []*common.KeyValue{pairOf("host.name", text("web-1")), pairOf("service.name", text("shop"))}},
		ScopeLogs: []*logs.ScopeLogs{{Scope: &common.InstrumentationScope{Name: "app", Version: "2"}, LogRecords: []*logs.LogRecord{
			{
				TimeUnixNano: 1494590400000000001, SeverityNumber: logs.SeverityNumber_SEVERITY_NUMBER_INFO, SeverityText: "INFO",
				Body: text("a \"quoted\"\n\x01 line \u00e9"), TraceId: []byte{0xde, 0xad}, SpanId: []byte{1}, EventName: "started",
				Attributes: []*common.KeyValue{
					pairOf("n", &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: math.MinInt64}}),
					pairOf("d", &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: 0.5}}),
					pairOf("nan", &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: math.NaN()}}),
					pairOf("b", &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: true}}),
					pairOf("raw", &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: []byte("xy")}}),
					pairOf("tags", list(text("a"), text("b"))),
					pairOf("none", nil),
				},
			},
			{Body: &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{Values: []*common.KeyValue{pairOf("user", text("root"))}}}}},
		}}},
	}}}
}

// decoded is how the decoder of our telemetry reads lines, each event as text.
func decoded(t *testing.T, lines []string) []string {
	t.Helper()
	names := intel.NewNames(nil)
	decoder := otlp.NewDecoder(names)
	var rec intel.Record
	var got []string
	for _, line := range lines {
		if !otlp.Looks([]byte(line)) || strings.Contains(line, "\n") {
			t.Errorf("not taken for OTLP: %s", line)
		}
		err := decoder.Decode([]byte(line), &rec, func() error {
			var fields []string
			for _, f := range rec.Fields {
				fields = append(fields, fmt.Sprintf("%s=%s", names.Text(f.Name), f.Value))
			}
			got = append(got, strings.Join(fields, " "))
			return nil
		})
		if err != nil {
			t.Errorf("%v: %s", err, line)
		}
	}
	return got
}

func TestProtobufIsReadAsWritten(t *testing.T) {
	t.Parallel()
	var lines []string
	refused := otlpjson.FromProto(sample(), func(service string, line []byte) {
		if service != "shop" {
			t.Errorf("service %q", service)
		}
		lines = append(lines, string(line))
	})
	if refused != 0 {
		t.Errorf("%d refused", refused)
	}
	want := []string{
		"timeUnixNano=1494590400000000001 observedTimeUnixNano=0 severityNumber=9 severityText=INFO eventName=started traceId=dead spanId=01 body=a \"quoted\"\n\x01 line é " +
			"attributes.n=-9223372036854775808 attributes.d=0.5 attributes.nan=NaN attributes.b=true attributes.raw=eHk= attributes.tags=a attributes.tags=b scope.name=app resource.host.name=web-1 resource.service.name=shop",
		"timeUnixNano=0 observedTimeUnixNano=0 severityNumber=0 body.user=root scope.name=app resource.host.name=web-1 resource.service.name=shop",
	}
	if diff := cmp.Diff(decoded(t, lines), want); diff != "" {
		t.Errorf("got -, want +\n%s", diff)
	}
}

func TestJSONIsReadAsWritten(t *testing.T) {
	t.Parallel()
	const body = `{"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
	"scopeLogs": [{"logRecords": [
		{"timeUnixNano": "1", "body": {"stringValue": "one"}},
		{"timeUnixNano": 2, "attributes": [{"key": "k", "value": {"intValue": 3}}]},
		7, {"body": "text"}, {"attributes": {"a": 1}}]}]},
	{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "nameless"}}]}]}]}`
	var lines, services []string
	refused, err := otlpjson.FromJSON([]byte(body), func(service string, line []byte) {
		lines, services = append(lines, string(line)), append(services, service)
	})
	if err != nil || refused != 3 || strings.Join(services, " ") != "shop shop unnamed" {
		t.Errorf("refused %d, %v, %v", refused, err, services)
	}
	want := []string{"timeUnixNano=1 body=one resource.service.name=shop", "timeUnixNano=2 attributes.k=3 resource.service.name=shop", "body=nameless"}
	if diff := cmp.Diff(decoded(t, lines), want); diff != "" {
		t.Errorf("got -, want +\n%s", diff)
	}
	for _, text := range []string{"", "[]", `{"resourceLogs":7}`, "{"} {
		if _, err := otlpjson.FromJSON([]byte(text), func(string, []byte) {}); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestDeepValuesAreRefused(t *testing.T) {
	t.Parallel()
	deep := text("x")
	for range 40 {
		deep = list(deep)
	}
	request := sample()
	records := request.GetResourceLogs()[0].GetScopeLogs()[0]
	records.LogRecords = append(records.LogRecords, &logs.LogRecord{Body: deep}, nil)
	kept := 0
	if refused := otlpjson.FromProto(request, func(string, []byte) { kept++ }); refused != 2 || kept != 2 {
		t.Errorf("refused %d, kept %d", refused, kept)
	}
	body := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":` + strings.Repeat(`{"arrayValue":{"values":[`, 50) + `{}` + strings.Repeat(`]}}`, 50) + `}]}]}]}`
	if refused, err := otlpjson.FromJSON([]byte(body), func(string, []byte) {}); refused != 1 || err != nil {
		t.Errorf("refused %d, %v", refused, err)
	}
}

// FuzzProto: whatever protobuf decodes, becomes lines that are JSON.
func FuzzProto(f *testing.F) {
	seed, err := proto.Marshal(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, wire []byte) {
		request := &collector.ExportLogsServiceRequest{}
		if proto.Unmarshal(wire, request) != nil {
			return
		}
		otlpjson.FromProto(request, func(_ string, line []byte) {
			if !json.Valid(line) || bytes.ContainsAny(line, "\r\n") {
				t.Fatalf("not a line of JSON: %q", line)
			}
		})
	})
}

// FuzzJSON: whatever is taken, becomes lines that are JSON.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[{"body":{"stringValue":"x"}}]}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = otlpjson.FromJSON(body, func(_ string, line []byte) {
			if !json.Valid(line) || bytes.ContainsAny(line, "\r\n") {
				t.Fatalf("not a line of JSON: %q", line)
			}
		})
	})
}
