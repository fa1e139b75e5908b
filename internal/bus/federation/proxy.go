package federation

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"tocsin/internal/fault"
)

// proxy dials through an HTTP proxy by CONNECT (RFC 9110 §9.3.6).
type proxy struct {
	address, authorization string
}

func newProxy(u *url.URL) (*proxy, error) {
	if u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("federation: proxy %s: write http://HOST:PORT: %w", u.Redacted(), fault.Invalid)
	}
	p := &proxy{address: u.Host}
	if u.Port() == "" {
		p.address = net.JoinHostPort(u.Hostname(), "80")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		p.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return p, nil
}

// SkipTLSHandshake is never so: TLS is spoken with the hub through the proxy.
func (p *proxy) SkipTLSHandshake() bool { return false }

// Dial is called by the library.
func (p *proxy) Dial(network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialWait}).Dial(network, p.address)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	if err := p.ask(conn, address); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("proxy %s: %w", p.address, err)
	}
	return conn, nil
}

func (p *proxy) ask(conn net.Conn, address string) error {
	if err := conn.SetDeadline(time.Now().Add(dialWait)); err != nil {
		return err
	}
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if p.authorization != "" {
		request.Header.Set("Proxy-Authorization", p.authorization)
	}
	if err := request.Write(conn); err != nil {
		return err
	}
	// The hub says nothing before we do, so nothing of it is read too early.
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, 4096), request)
	if err != nil {
		return err
	}
	defer response.Body.Close() // it has none, and the connection stays
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", response.Status)
	}
	return conn.SetDeadline(time.Time{})
}
