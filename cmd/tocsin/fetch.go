package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/fetch"
)

const (
	// fetchTime is long enough for 256 MB over a slow line.
	fetchTime = 10 * time.Minute
	// fetchSize is more than any public rule set; knowledge refuses more too.
	fetchSize = 256 << 20
	// fetchHops is as many redirects as release pages use, and some.
	fetchHops = 5
)

func isAddress(from string) bool {
	return strings.HasPrefix(from, "https://") || strings.HasPrefix(from, "http://")
}

// fetch gets an archive into a temporary file, which the caller removes. Without
// TLS anybody on the way could change it, so that needs a checksum.
func (c *console) fetch(ctx context.Context, address string, checked bool) (path string, err error) {
	if strings.HasPrefix(address, "http://") && !checked {
		return "", fmt.Errorf("%s is not encrypted: give --sha256 too, so that a changed archive is noticed: %w", address, fault.Forbidden)
	}
	config, err := (&configFlags{}).read(c.data)
	if err != nil {
		return "", usageError{err}
	}
	client, err := config.fetch()
	if err != nil {
		return "", usageError{err}
	}
	defer client.Close()
	response, err := client.Do(ctx, fetch.Request{Address: address, Plain: checked, Redirects: fetchHops, Within: fetchTime, MaxBytes: fetchSize})
	if err != nil {
		return "", fmt.Errorf("fetch rules: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.Status != http.StatusOK {
		return "", fmt.Errorf("fetch rules: %s answers %s: %w", address, response.Text(), fault.Unavailable)
	}
	return keep(response.Body)
}

func keep(content io.Reader) (path string, err error) {
	f, err := os.CreateTemp("", "tocsin-rules-")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, content)
	if err := errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", fmt.Errorf("fetch rules: %w", err)
	}
	return f.Name(), nil
}
