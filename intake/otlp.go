package intake

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"net/http"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"tocsin/intake/otlpjson"
	"tocsin/people"
	"tocsin/telemetry"
)

const reasonRecord = "log record nested too deep, too long, or not of the protocol's form"

// otlpRecords is the log records of one request, by source.
type otlpRecords struct {
	in      *Intake
	sender  people.Identity
	kept    *receipt
	by      map[string]*pending // by service
	order   []string
	refused int
}

func (in *Intake) newOTLPRecords(sender people.Identity) *otlpRecords {
	return &otlpRecords{in: in, sender: sender, kept: in.newReceipt(), by: map[string]*pending{}}
}

func (o *otlpRecords) add(service string, line []byte) {
	if len(line) > telemetry.MaxRecord {
		o.refused++
		return
	}
	p := o.by[service]
	if p == nil {
		p = &pending{}
		o.by[service] = p
		o.order = append(o.order, service)
	}
	p.data = append(append(p.data, line...), '\n')
	p.records++
}

// flush hands the records on. The protocol knows no answer for a request of
// which some may come again: what had been kept comes again as well, once there
// is room, and is then known by its doubt.
func (o *otlpRecords) flush(ctx context.Context) error {
	n := 0
	for _, p := range o.by {
		n += p.records
	}
	if wait, ok := o.in.senders.of(o.sender.ID).take(o.in.now(), n); !ok {
		o.in.sources.source("requests", o.sender.Name).refuse(reasonTokenRate, n)
		return &RefusedError{reasonTokenRate, wait}
	}
	for _, service := range o.order {
		p := o.by[service]
		if err := o.in.submit(ctx, o.kept, o.source(service), p.data, p.records); err != nil {
			return err
		}
	}
	return nil
}

func (o *otlpRecords) source(service string) *source {
	return o.in.sources.source("otlp", o.sender.Name+"/"+label(service))
}

// response tells how many records were refused.
func (o *otlpRecords) response() *collector.ExportLogsServiceResponse {
	response := &collector.ExportLogsServiceResponse{}
	if o.refused > 0 {
		o.in.sources.source("requests", o.sender.Name).refuse(reasonRecord, o.refused)
		response.PartialSuccess = &collector.ExportLogsPartialSuccess{RejectedLogRecords: int64(o.refused), ErrorMessage: reasonRecord}
	}
	return response
}

// takeOTLP takes logs by OTLP/HTTP, in protobuf or JSON.
func (in *Intake) takeOTLP(w http.ResponseWriter, r *http.Request) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != otlpProto && kind != otlpJSON {
		writeOTLP(w, otlpProto, http.StatusUnsupportedMediaType, &status.Status{Code: int32(codes.InvalidArgument), Message: "send " + otlpProto + " or " + otlpJSON})
		return nil
	}
	records := in.newOTLPRecords(people.From(r.Context()))
	defer records.kept.close()
	response, err := in.otlp(w, r, kind, records)
	if err != nil {
		in.failOTLP(w, r, kind, err)
		return nil
	}
	status, text := otlpText(kind, http.StatusOK, response)
	records.kept.deliver(w, r, kind, status, text)
	return nil
}

const (
	otlpProto = "application/x-protobuf"
	otlpJSON  = "application/json"
)

func (in *Intake) otlp(w http.ResponseWriter, r *http.Request, kind string, records *otlpRecords) (*collector.ExportLogsServiceResponse, error) {
	content, err := in.body(w, r)
	if err != nil {
		return nil, err
	}
	defer content.close()
	if kind == otlpJSON {
		records.refused, err = otlpjson.FromJSON(content.data, records.add)
	} else {
		request := &collector.ExportLogsServiceRequest{}
		if err = proto.Unmarshal(content.data, request); err == nil {
			records.refused += otlpjson.FromProto(request, records.add)
		}
	}
	if err != nil {
		in.senderSource(r).refuse(reasonMalformed, 1)
		return nil, &httpError{http.StatusBadRequest, "", "the content is no request of OTLP logs"}
	}
	if err := records.flush(r.Context()); err != nil {
		return nil, err
	}
	return records.response(), nil
}

// failOTLP answers as the protocol wants it ("Failures", "OTLP/HTTP
// Throttling"): 429 and 503 are tried again after the time that Retry-After
// says.
func (in *Intake) failOTLP(w http.ResponseWriter, r *http.Request, kind string, err error) {
	var refused *RefusedError
	var wrong *httpError
	switch {
	case errors.As(err, &refused):
		w.Header().Set("Retry-After", seconds(refused.After))
		s := &status.Status{Code: int32(codes.ResourceExhausted), Message: refused.Error()}
		if detail, err := anypb.New(retryInfo(refused.After)); err == nil {
			s.Details = append(s.Details, detail)
		}
		writeOTLP(w, kind, refused.status(), s)
	case errors.As(err, &wrong):
		writeOTLP(w, kind, wrong.status, &status.Status{Code: int32(codes.InvalidArgument), Message: wrong.reason})
	case r.Context().Err() != nil:
		writeOTLP(w, kind, http.StatusServiceUnavailable, &status.Status{Code: int32(codes.Canceled), Message: "the request ended early"})
	default:
		in.logFailure(r.Context(), err)
		writeOTLP(w, kind, http.StatusInternalServerError, &status.Status{Code: int32(codes.Internal), Message: "internal error"})
	}
}

func retryInfo(after time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(max(after, time.Second))}
}

func writeOTLP(w http.ResponseWriter, kind string, status int, answer proto.Message) {
	status, text := otlpText(kind, status, answer)
	patientWriter(w)
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// otlpText returns an answer as it is written.
func otlpText(kind string, status int, answer proto.Message) (int, []byte) {
	var text []byte
	var err error
	if kind == otlpJSON {
		if text, err = protojson.Marshal(answer); err == nil {
			text = bytes.TrimSpace(text)
		}
	} else {
		text, err = proto.Marshal(answer)
	}
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	return status, text
}
