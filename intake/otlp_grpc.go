package intake

import (
	"context"
	"errors"
	"log/slog"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"tocsin/intake/otlpjson"
	"tocsin/internal/fault"
	"tocsin/people"
)

// startOTLP serves logs by OTLP/gRPC in the group.
func (in *Intake) startOTLP(ctx context.Context, group *errgroup.Group) error {
	if in.config.OTLP == "" {
		return nil
	}
	if encoding.GetCompressor(gzip.Name) == nil {
		return errors.New("OTLP: gzip, which collectors use by default, is not built in")
	}
	l, err := in.listen(ctx, "OTLP", in.config.OTLP)
	if err != nil {
		return err
	}
	limits := in.config.Limits
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(otlpMessage),
		grpc.InTapHandle(in.admitOTLP),
		grpc.MaxConcurrentStreams(uint32(limits.Requests)),
		grpc.ConnectionTimeout(limits.Slow),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: limits.Idle, Time: 2 * time.Minute, Timeout: limits.Slow}),
	}
	if in.tls != nil {
		config := in.tls.Clone()
		config.NextProtos = []string{"h2"}
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	server := grpc.NewServer(options...)
	collector.RegisterLogsServiceServer(server, &otlpService{in: in})
	group.Go(func() error { return server.Serve(l) })
	group.Go(func() error {
		<-ctx.Done()
		in.stopOTLP(ctx, server)
		return nil
	})
	return nil
}

// stopOTLP lets requests finish, but not for ever.
func (in *Intake) stopOTLP(ctx context.Context, server *grpc.Server) {
	hard := time.AfterFunc(stopWithin, func() {
		in.log.LogAttrs(ctx, slog.LevelWarn, "OTLP requests ended early: they took too long")
		server.Stop()
	})
	defer hard.Stop()
	server.GracefulStop()
}

// otlpService is the protocol's logs service.
type otlpService struct {
	collector.UnimplementedLogsServiceServer
	in *Intake
}

// Export takes one request.
func (o *otlpService) Export(ctx context.Context, request *collector.ExportLogsServiceRequest) (*collector.ExportLogsServiceResponse, error) {
	sender, _ := ctx.Value(otlpSender{}).(people.Identity)
	records := o.in.newOTLPRecords(sender)
	defer records.kept.close()
	records.refused += otlpjson.FromProto(request, records.add)
	if err := records.flush(ctx); err != nil {
		if !errors.Is(err, fault.Unavailable) && ctx.Err() == nil {
			o.in.logFailure(ctx, err)
		}
		return nil, otlpStatus(err)
	}
	if err := ctx.Err(); err != nil { // who asked has gone
		return nil, otlpStatus(err)
	}
	records.kept.promise()
	records.kept.delivered() // as far as a gRPC server can tell
	return records.response(), nil
}

// otlpMessage bounds a request over gRPC, unpacked, since its memory is taken
// before it is read. It is what every gRPC server takes unless told otherwise.
const otlpMessage = 4 << 20

type otlpSender struct{}

// admitOTLP is asked before anything of a call's content is read: it lets those
// in who may send, while there is room.
func (in *Intake) admitOTLP(ctx context.Context, call *tap.Info) (context.Context, error) {
	header := ""
	if values := call.Header.Get("authorization"); len(values) > 0 {
		header = values[0]
	}
	sender, err := in.tokens.Allow(ctx, people.Credential(header), people.SendTelemetry)
	switch {
	case errors.Is(err, people.ErrUnknown):
		return nil, status.Error(codes.Unauthenticated, err.Error())
	case errors.Is(err, fault.Unavailable):
		return nil, status.Error(codes.Unavailable, "the node cannot read its tokens now")
	case err != nil:
		return nil, status.Error(codes.PermissionDenied, err.Error())
	}
	if !in.memory.TryAcquire(otlpMessage) {
		in.sources.source("requests", sender.Name).refuse(reasonMemory, 1)
		return nil, otlpStatus(&RefusedError{reasonMemory, retryAfter})
	}
	context.AfterFunc(ctx, func() { in.memory.Release(otlpMessage) }) // a call's context ends with it
	return context.WithValue(ctx, otlpSender{}, sender), nil
}

// otlpStatus turns an error into a status. What asks to come again carries
// RetryInfo, without which RESOURCE_EXHAUSTED is not tried again ("OTLP/gRPC
// Throttling").
func otlpStatus(err error) error {
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		s, detailed := status.New(codes.ResourceExhausted, refused.Error()).WithDetails(retryInfo(refused.After))
		if detailed != nil {
			return status.Error(codes.Unavailable, refused.Error())
		}
		return s.Err()
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	}
	return status.Error(codes.Internal, "internal error")
}
