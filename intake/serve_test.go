package intake_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/intake"
)

// over serves HTTP over TLS until the function returned is called.
func (s *station) over(t *testing.T) (address string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, s.Handler()) }()
	return "https://" + s.address(t, "HTTP"), func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
}

func trusting(t *testing.T, cert string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (s *station) post(ctx context.Context, client *http.Client, address string, body io.Reader) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/api/v1/events", body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+s.sensor)
	r.Header.Set("Expect", "100-continue") // the body is sent once the handler reads it
	w, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, w.Body)
	_ = w.Body.Close()
	return w.StatusCode, err
}

// A request that is under way when the node stops is finished; no other begins.
func TestServeFinishesWhatItHasInHand(t *testing.T) {
	t.Parallel()
	cert, key := identity(t, "node")
	s := newStation(t, intake.Config{Listen: "127.0.0.1:0", Cert: cert, Key: key})
	address, stop := s.over(t)
	client := trusting(t, cert)
	if status, err := s.post(t.Context(), client, address, strings.NewReader("{}")); status != 200 || err != nil {
		t.Fatalf("%d, %v", status, err)
	}
	slow, rest := io.Pipe()
	answered := make(chan int, 1)
	go func() {
		status, err := s.post(t.Context(), client, address, slow)
		if err != nil {
			t.Error(err)
		}
		answered <- status
	}()
	if _, err := rest.Write([]byte("{}\n")); err != nil { // it is being read
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	eventually(t, "no more to be taken", func() bool {
		_, err := s.post(t.Context(), trusting(t, cert), address, strings.NewReader("{}"))
		return err != nil
	})
	before := len(s.journal.lines(""))
	_, _ = rest.Write([]byte("{}\n"))
	_ = rest.Close()
	if status := <-answered; status != 200 {
		t.Errorf("%d", status)
	}
	<-stopped
	if got := len(s.journal.lines("")); got != before+2 {
		t.Errorf("kept %d after %d", got, before)
	}
}

func TestRenewedCertificateNeedsNoRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testRenewal)
}

func testRenewal(t *testing.T) {
	cert, key := identity(t, "node")
	newCert, newKey := identity(t, "node")
	config := intake.Config{Listen: "127.0.0.1:0", Cert: cert, Key: key}
	secure, err := config.TLS()
	if err != nil {
		t.Fatal(err)
	}
	shown := func() []byte {
		pair, err := secure.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Certificate[0]
	}
	old := shown()
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(to, time.Now(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	move(newCert, cert) // half of it: key and certificate do not fit
	time.Sleep(time.Minute)
	if string(shown()) != string(old) {
		t.Error("a certificate without its key is shown")
	}
	move(newKey, key)
	time.Sleep(time.Minute)
	if string(shown()) == string(old) {
		t.Error("the old certificate is shown")
	}
	if _, err := (intake.Config{Cert: cert, Key: cert}).TLS(); err == nil {
		t.Error("a key that is none was taken")
	}
}
