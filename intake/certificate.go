package intake

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificate is read again when its file has changed: certificates are
// renewed more often than nodes are restarted.
type certificate struct {
	cert, key string

	mu      sync.Mutex
	looked  time.Time        // guarded by mu
	written time.Time        // guarded by mu
	current *tls.Certificate // guarded by mu
}

// lookEvery is how often the file is looked at.
const lookEvery = 10 * time.Second

// get returns the certificate. A new one that cannot be read leaves the old in
// use: half of it may be written yet.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && time.Since(c.looked) < lookEvery {
		return c.current, nil
	}
	c.looked = time.Now()
	info, err := os.Stat(c.cert)
	if err == nil && c.current != nil && info.ModTime().Equal(c.written) {
		return c.current, nil
	}
	pair, loadErr := tls.LoadX509KeyPair(c.cert, c.key)
	if err == nil {
		err = loadErr
	}
	if err != nil {
		if c.current != nil {
			return c.current, nil
		}
		return nil, fmt.Errorf("certificate: %w", err)
	}
	c.current, c.written = &pair, info.ModTime()
	return c.current, nil
}
