package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"tocsin/internal/fault"
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
func fetch(ctx context.Context, address string, checked bool) (path string, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	client := &http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > fetchHops {
			return errors.New("too many redirects")
		}
		return secure(r.URL, checked)
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return "", err
	}
	if err := secure(request.URL, checked); err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("fetch rules: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("fetch rules: %s answers %s: %w", address, response.Status, fault.Unavailable)
	}
	return keep(response.Body)
}

func secure(u *url.URL, checked bool) error {
	if u.Scheme != "https" && !checked {
		return fmt.Errorf("%s is not encrypted: give --sha256 too, so that a changed archive is noticed: %w", u, fault.Forbidden)
	}
	return nil
}

func keep(content io.Reader) (path string, err error) {
	f, err := os.CreateTemp("", "tocsin-rules-")
	if err != nil {
		return "", err
	}
	n, err := io.Copy(f, io.LimitReader(content, fetchSize+1))
	if n > fetchSize {
		err = fmt.Errorf("fetch rules: more than %d bytes: %w", int64(fetchSize), fault.Invalid)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
