package intake_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"tocsin/intake"
)

func logRequest(bodies ...string) *collector.ExportLogsServiceRequest {
	scope := &logs.ScopeLogs{}
	for _, body := range bodies {
		scope.LogRecords = append(scope.LogRecords, &logs.LogRecord{Body: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: body}}})
	}
	return &collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{ScopeLogs: []*logs.ScopeLogs{scope}}}}
}

func TestOTLPOverHTTP(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{})
	wire, err := proto.Marshal(logRequest("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	const inJSON = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"c"}},{"body":7}]}]}]}`
	w := s.ask(http.MethodPost, "/v1/logs", string(wire), "Content-Type", "application/x-protobuf")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/x-protobuf" || w.Body.Len() != 0 {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	w = s.ask(http.MethodPost, "/v1/logs", inJSON, "Content-Type", "application/json; charset=utf-8")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"rejectedLogRecords":"1"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, test := range []struct {
		kind, body string
		status     int
	}{{"text/plain", "x", 415}, {"application/json", "x", 400}, {"application/x-protobuf", "\xff", 400}} {
		if w := s.ask(http.MethodPost, "/v1/logs", test.body, "Content-Type", test.kind); w.Code != test.status {
			t.Errorf("%s: %d", test.kind, w.Code)
		}
	}
	s.journal.fill(true)
	w = s.ask(http.MethodPost, "/v1/logs", inJSON, "Content-Type", "application/json")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"retryDelay"`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if got := s.journal.lines("otlp/dc01/unnamed"); len(got) != 3 {
		t.Errorf("kept %q", got)
	}
}

func TestOTLPOverGRPC(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{OTLP: "127.0.0.1:0", Limits: intake.Limits{Memory: 8 << 20, Unpacked: 4 << 20}})
	s.run(t)
	conn, err := grpc.NewClient(s.address(t, "OTLP"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := collector.NewLogsServiceClient(conn)
	with := func(token string) context.Context {
		return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
	}
	for range 20 { // each takes memory that must come back with its end
		if _, err := client.Export(with(s.sensor), logRequest("a"), grpc.UseCompressor(gzip.Name)); err != nil {
			t.Fatal(err)
		}
	}
	deep := logRequest("b")
	deep.ResourceLogs[0].ScopeLogs[0].LogRecords = append(deep.ResourceLogs[0].ScopeLogs[0].LogRecords, &logs.LogRecord{Body: nested(40)})
	response, err := client.Export(with(s.sensor), deep)
	if err != nil || response.GetPartialSuccess().GetRejectedLogRecords() != 1 {
		t.Errorf("got %v, %v", response, err)
	}
	for token, want := range map[string]codes.Code{"": codes.Unauthenticated, "tocsin_x": codes.Unauthenticated, s.analyst: codes.PermissionDenied} {
		if _, err := client.Export(with(token), logRequest("c")); status.Code(err) != want {
			t.Errorf("%q: %v", token, err)
		}
	}
	if _, err := client.Export(with(s.sensor), logRequest(strings.Repeat("x", 5<<20))); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("too long: %v", err)
	}
	s.journal.fill(true)
	_, err = client.Export(with(s.sensor), logRequest("d"))
	var retry *errdetails.RetryInfo
	for _, detail := range status.Convert(err).Details() {
		retry, _ = detail.(*errdetails.RetryInfo)
	}
	if status.Code(err) != codes.ResourceExhausted || retry.GetRetryDelay().AsDuration() < time.Second {
		t.Errorf("full: %v, %v", err, retry)
	}
	if got := len(s.journal.lines("otlp/dc01/unnamed")); got != 21 {
		t.Errorf("kept %d", got)
	}
}

func nested(depth int) *common.AnyValue {
	value := &common.AnyValue{}
	for range depth {
		value = &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: []*common.AnyValue{value}}}}
	}
	return value
}
