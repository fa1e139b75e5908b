package notify

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"net"
	netmail "net/mail"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"tocsin/internal/fault"
)

// MailConfig is the server that mail is handed to.
type MailConfig struct {
	// Server is its name, and its port where it is not the usual one of Security.
	Server string
	// From is whom mail is from, as "Tocsin <tocsin@example.org>".
	From string
	// Username and PasswordFile are what the server lets us in with, where it asks.
	// The file's text without the end of the line is the password; it is read anew
	// for each connection.
	Username     string
	PasswordFile string
	// Security is how the connection is encrypted; "" is StartTLS.
	Security Security
	// Roots are who is believed about the server's certificate; nil is whom the
	// system does.
	Roots *x509.CertPool
}

// Security is how a connection to a mail server is encrypted.
type Security string

// The kinds of security. Without encryption mail can be read and changed on the
// way, and a password is only given where the server asks for a proof of it
// (CRAM-MD5, SCRAM) rather than the password.
const (
	StartTLS   Security = "starttls" // RFC 3207; a server that does not offer it gets nothing
	TLS        Security = "tls"      // from the first byte, RFC 8314 §3.3
	NoSecurity Security = "none"
)

// port is the usual one.
func (s Security) port() int {
	switch s {
	case TLS:
		return 465
	case NoSecurity:
		return 25
	default:
		return 587
	}
}

const (
	// connections is how many there are to the mail server at once: servers often
	// refuse more from one client, and other timers want their workers.
	connections = 8
	// mailWithin is how long one step of the conversation may take. RFC 5321
	// §4.5.3.2 allows minutes, which no timer has; who is as slow is tried again.
	mailWithin = 15 * time.Second
	// maxSecretFile bounds a file with a secret.
	maxSecretFile = 4 << 10
)

// mailer hands mail to a server.
type mailer struct {
	MailConfig
	host   string
	port   int
	from   *netmail.Address
	domain string // of the sender, for Message-IDs
	free   chan struct{}
}

func newMailer(config MailConfig) (*mailer, error) {
	m := &mailer{MailConfig: config, free: make(chan struct{}, connections)}
	m.Security = cmp.Or(m.Security, StartTLS)
	switch m.Security {
	case StartTLS, TLS, NoSecurity:
	default:
		return nil, fmt.Errorf("mail.security %q: write %s, %s or %s: %w", m.Security, StartTLS, TLS, NoSecurity, fault.Invalid)
	}
	m.host, m.port = config.Server, m.Security.port()
	if host, port, err := net.SplitHostPort(config.Server); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("mail.server %q: the port is none: %w", config.Server, fault.Invalid)
		}
		m.host, m.port = host, int(n)
	}
	if m.host == "" || strings.ContainsAny(m.host, " \t\r\n/@") {
		return nil, fmt.Errorf("mail.server %q: write mail.example.org, or with a port mail.example.org:587: %w", config.Server, fault.Invalid)
	}
	from, err := netmail.ParseAddress(config.From)
	if err != nil {
		return nil, fmt.Errorf("mail.from %q: write Tocsin <tocsin@example.org>: %w", config.From, fault.Invalid)
	}
	m.from = from
	m.domain = from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	if (config.Username == "") != (config.PasswordFile == "") {
		return nil, fmt.Errorf("mail.username and mail.password_file: give both or neither: %w", fault.Invalid)
	}
	return m, nil
}

// attempt hands a mail over, unless there are too many connections already.
func (m *mailer) attempt(ctx context.Context, d Delivery, message Message) outcome {
	select {
	case m.free <- struct{}{}:
		defer func() { <-m.free }()
	default:
		return outcome{busy: true}
	}
	to := Recipient{Name: d.Name, Mail: d.Recipient, Note: d.Note}
	return outcome{err: m.send(ctx, to, message, d.Posted)}
}

// send hands one mail over. Its error is hopeless when the server refused the
// mail for good (a reply of 5xx, RFC 5321 §4.2.1), and never holds the password.
func (m *mailer) send(ctx context.Context, to Recipient, message Message, posted time.Time) error {
	letter, err := m.compose(to, message, posted)
	if err != nil {
		return hopelessError{err}
	}
	client, password, err := m.client(ctx)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return m.explain("connect to", err, password)
	}
	err = client.Send(letter)
	_ = client.Close() // the server has said what there was to say
	if err == nil || letter.IsDelivered() {
		return nil // also when what was said after it was taken went wrong
	}
	refused, ok := errors.AsType[*mail.SendError](err)
	err = m.explain("send by", err, password)
	if ok && refused.ErrorCode() >= 500 {
		return hopelessError{err}
	}
	return err
}

// probe connects as for a mail, and sends none.
func (m *mailer) probe(ctx context.Context) error {
	client, password, err := m.client(ctx)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return m.explain("connect to", err, password)
	}
	_ = client.Close()
	return nil
}

// explain says in whose conversation something went wrong. Servers have been seen
// to repeat what they were sent, so what could be the password is taken out.
func (m *mailer) explain(doing string, err error, password string) error {
	text := err.Error()
	if password != "" {
		encoded := base64.StdEncoding.EncodeToString
		for _, secret := range []string{
			password, encoded([]byte(password)), encoded([]byte("\x00" + m.Username + "\x00" + password)),
		} {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return fmt.Errorf("%s mail server %s: %s: %w", doing, net.JoinHostPort(m.host, strconv.Itoa(m.port)), text, fault.Unavailable)
}

// client returns what speaks to the server, for one connection, and the password.
func (m *mailer) client(ctx context.Context) (*mail.Client, string, error) {
	config := &tls.Config{ServerName: m.host, MinVersion: tls.VersionTLS12, RootCAs: m.Roots}
	options := []mail.Option{mail.WithPort(m.port), mail.WithTimeout(mailWithin), mail.WithTLSConfig(config), mail.WithDialContextFunc(m.dial(ctx, config))}
	switch m.Security {
	case NoSecurity:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	case TLS:
		// The connection is encrypted when it is handed over. With this policy the
		// library finds that out, and starts nothing that the server does not offer.
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	password := ""
	if m.Username != "" {
		text, err := readSecret(m.PasswordFile)
		if err != nil {
			return nil, "", fmt.Errorf("mail.password_file: %w", err)
		}
		password = strings.TrimRight(string(text), "\r\n")
		options = append(options, mail.WithUsername(m.Username), mail.WithPassword(password), m.proof())
	}
	client, err := mail.NewClient(m.host, options...)
	return client, password, err
}

// proof is how the password is shown: by what the server offers of these, the
// first first. What hands the password itself over is for encrypted connections.
func (m *mailer) proof() mail.Option {
	ways := []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1}
	if m.Security != NoSecurity {
		ways = append(ways, mail.SMTPAuthPlain, mail.SMTPAuthLogin)
	}
	return mail.WithOpportunisticSMTPAuth(append(ways, mail.SMTPAuthCramMD5)...)
}

// dial returns what connects to the server; the connection is cut when ctx ends.
func (m *mailer) dial(ctx context.Context, config *tls.Config) mail.DialContextFunc {
	return func(dialling context.Context, _, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialling, "tcp", net.JoinHostPort(m.host, strconv.Itoa(m.port)))
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		if m.Security != TLS {
			return conn, nil
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(dialling); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return secure, nil
	}
}

// compose makes the mail.
func (m *mailer) compose(to Recipient, message Message, posted time.Time) (*mail.Msg, error) {
	box, err := parseMailbox(to.Mail)
	if err != nil {
		return nil, err
	}
	text, markup := message.Text, message.HTML
	if to.Note != "" {
		text = to.Note + "\n\n" + text
		if markup != "" {
			markup = "<p>" + html.EscapeString(to.Note) + "</p>\n" + markup
		}
	}
	letter := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(encodingFor(text)), mail.WithNoDefaultUserAgent())
	letter.FromMailAddress(m.from)
	letter.ToMailAddress(&netmail.Address{Name: oneLine(to.Name, maxTitle), Address: box})
	letter.Subject(oneLine(message.Title, maxTitle))
	letter.SetDateWithValue(posted.UTC())
	letter.SetMessageIDWithValue(message.ID + "@" + m.domain)
	if message.About != "" {
		// A conversation that nothing began: programs show its mails together.
		letter.SetGenHeader(mail.HeaderReferences, "<about."+idPart(message.About)+"@"+m.domain+">")
	}
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: nobody is away from the office
	letter.SetBodyString(mail.TypeTextPlain, text)
	if markup != "" {
		letter.AddAlternativeString(mail.TypeTextHTML, markup)
	}
	return letter, nil
}

// encodingFor is the shorter of the encodings that any server takes.
func encodingFor(text string) mail.Encoding {
	foreign := 0
	for i := range len(text) {
		if text[i] >= 0x80 {
			foreign++
		}
	}
	const share = 6 // quoted-printable adds two bytes to one, base64 one to three
	if foreign*share > len(text) {
		return mail.EncodingB64
	}
	return mail.EncodingQP
}

// idPart makes a text one that may stand left of the @ in a Message-ID.
func idPart(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z') {
			return r
		}
		return '-'
	}, text)
}

// readSecret reads a small file.
func readSecret(path string) (text []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text = make([]byte, maxSecretFile+1)
	n, err := file.Read(text)
	if n == 0 || n > maxSecretFile {
		return nil, fmt.Errorf("%s is empty, or longer than %d bytes: %w", path, maxSecretFile, fault.Invalid)
	}
	return text[:n], err
}
