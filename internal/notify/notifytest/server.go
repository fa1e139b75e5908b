package notifytest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/mail"
	"slices"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// User and Password are who the server lets in.
const (
	User     = "tocsin@example.org"
	Password = "correct horse battery staple"
)

// Config is how a server behaves.
type Config struct {
	// Address is where it listens; "" is a free port of 127.0.0.1.
	Address string
	// Implicit encrypts from the first byte, StartTLS offers to.
	Implicit, StartTLS bool
	// Ways are how a password may be shown: PLAIN, LOGIN, CRAM-MD5; none asks for
	// no password.
	Ways []string
	// Refuse is asked about each recipient; its error is the server's reply.
	Refuse func(to string) error
	// Took is called with each mail once it is kept, before the sender is told.
	Took func(Mail)
}

// Mail is what the server took.
type Mail struct {
	From string
	To   []string
	Data []byte
}

// Parse reads the mail.
func (m Mail) Parse(tb testing.TB) *mail.Message {
	tb.Helper()
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		tb.Fatalf("%v\n%s", err, m.Data)
	}
	return parsed
}

// Server is a mail server.
type Server struct {
	Address string
	// Roots believe in its certificate, which stands in the file CA as well.
	Roots *x509.CertPool
	CA    string

	config   Config
	server   *smtp.Server
	listener net.Listener
	mu       sync.Mutex
	took     []Mail // guarded by mu
}

// Start starts a server, which ends with the test.
func Start(tb testing.TB, config Config) *Server {
	tb.Helper()
	s := &Server{config: config}
	cert, roots, file := certificate(tb)
	s.Roots, s.CA = roots, file
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	s.server.Domain = "mail.example.org"
	s.server.AllowInsecureAuth = true
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	where := config.Address
	if where == "" {
		where = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", where)
	if err != nil {
		tb.Fatal(err)
	}
	s.Address = listener.Addr().String()
	secure := &tls.Config{Certificates: []tls.Certificate{cert}}
	if config.StartTLS {
		s.server.TLSConfig = secure
	}
	if config.Implicit {
		listener = tls.NewListener(listener, secure)
	}
	s.listener = listener
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(listener) }()
	tb.Cleanup(func() {
		s.Stop(tb)
		if err := <-served; err != nil && !errors.Is(err, net.ErrClosed) {
			tb.Errorf("the mail server: %v", err)
		}
	})
	return s
}

// Took returns what the server took so far.
func (s *Server) Took() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.took)
}

// session is one connection's; it implements smtp.AuthSession.
type session struct {
	server *Server
	conn   *smtp.Conn
	known  bool
	mail   Mail
}

var errUnknown = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}

func (s *session) AuthMechanisms() []string { return s.server.config.Ways }

func (s *session) Auth(way string) (sasl.Server, error) {
	if !slices.Contains(s.server.config.Ways, way) {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	check := func(user, password string) error {
		if user != User || password != Password {
			// As some servers do, it repeats what it was told.
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "not the password: " + password}
		}
		s.known = true
		return nil
	}
	switch way {
	case "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case "LOGIN":
		return &login{check: check}, nil
	default:
		return &cram{check: check}, nil
	}
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if len(s.server.config.Ways) > 0 && !s.known {
		return errUnknown
	}
	s.mail = Mail{From: from}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if refuse := s.server.config.Refuse; refuse != nil {
		if err := refuse(to); err != nil {
			return err
		}
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Data = text
	s.server.mu.Lock()
	s.server.took = append(s.server.took, s.mail)
	s.server.mu.Unlock()
	if s.server.config.Took != nil {
		s.server.config.Took(s.mail)
	}
	return nil
}

func (s *session) Reset()        { s.mail = Mail{} }
func (s *session) Logout() error { return nil }

// Stop ends the server before the test does.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	if err := s.server.Close(); err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		tb.Errorf("close the mail server: %v", err)
	}
	_ = s.listener.Close() // which the server does not know of when it has not begun
}

// Refused is a reply of the server's to Refuse.
func Refused(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: text}
}
