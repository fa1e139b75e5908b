package bus

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"tocsin/internal/fault"
)

// ServerConfig describes a server in this process. Its zero value listens
// nowhere: only this process reaches it.
type ServerConfig struct {
	// Listen makes it listen at Host and Port; port 0 takes a free one.
	Listen bool
	Host   string
	Port   int
	// MaxStore bounds the bytes on disk: 0 is three quarters of what is free.
	MaxStore int64
}

// startWait is how long a server may take to read its streams at start.
const startWait = 30 * time.Second

// Server is a NATS server in this process.
type Server struct{ server *server.Server }

// Embed starts a server that keeps its streams in a folder, on disk before it
// acknowledges.
func Embed(dir string, c ServerConfig) (*Server, error) {
	options := &server.Options{
		DontListen:        !c.Listen,
		Host:              c.Host,
		Port:              c.Port,
		JetStream:         true,
		StoreDir:          dir,
		SyncAlways:        true,
		JetStreamMaxStore: c.MaxStore,
		NoSigs:            true,
		NoLog:             true,
	}
	if c.Listen && c.Port == 0 {
		options.Port = server.RANDOM_PORT
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("bus: %w: %w", err, fault.Invalid)
	}
	s.Start()
	if !s.ReadyForConnections(startWait) {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("bus: the server is not ready after %s: %w", startWait, fault.Unavailable)
	}
	if !s.JetStreamEnabled() {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("bus: %w", errors.New("the server has no JetStream: its folder cannot be used"))
	}
	return &Server{server: s}, nil
}

// URL returns where the server listens; empty when it does not.
func (s *Server) URL() string { return s.server.ClientURL() }

// Close stops the server and waits for its end.
func (s *Server) Close() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
}
