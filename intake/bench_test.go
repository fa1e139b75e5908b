package intake_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"tocsin/intake"
	"tocsin/people"
	"tocsin/people/peopletest"
	"tocsin/telemetry"
)

// What taking in costs before anything is decoded or written: requests of 1,000
// records, over the handler, without a network.
func BenchmarkTaking(b *testing.B) {
	record := `{"@timestamp":"2026-11-25T10:00:00.000Z","event":{"code":"1"},"winlog":{"event_data":{"CommandLine":"` + strings.Repeat("c:\\\\windows ", 70) + `"}}}`
	wire, err := proto.Marshal(logRequest(repeated(strings.Repeat("a log message ", 60))...))
	if err != nil {
		b.Fatal(err)
	}
	for _, test := range []struct{ name, path, kind, body string }{
		{"bulk", "/_bulk", "application/x-ndjson", strings.Repeat("{\"create\":{\"_index\":\"winlogbeat\"}}\n"+record+"\n", records)},
		{"events", "/api/v1/events", "application/x-ndjson", strings.Repeat(record+"\n", records)},
		{"otlp", "/v1/logs", "application/x-protobuf", string(wire)},
	} {
		b.Run(test.name, func(b *testing.B) {
			tokens := peopletest.Tokens(b)
			secret, _, err := tokens.Create(b.Context(), "bench", people.Sensor, 0)
			if err != nil {
				b.Fatal(err)
			}
			in, err := intake.New(intake.Config{}, quiet(), tokens, func(context.Context, *telemetry.Block, []byte) (uint64, error) { return 0, nil })
			if err != nil {
				b.Fatal(err)
			}
			handler := in.Handler()
			b.SetBytes(int64(len(test.body)))
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, test.path, bytes.NewReader([]byte(test.body)))
				r.Header.Set("Authorization", "Bearer "+secret)
				r.Header.Set("Content-Type", test.kind)
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
		})
	}
}

const records = 1000

func repeated(text string) []string {
	list := make([]string, records)
	for i := range list {
		list[i] = text
	}
	return list
}
