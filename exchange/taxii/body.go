package taxii

import (
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"tocsin/internal/fault"
)

// readEnvelope reads the body of a request that adds objects.
func (c *collectionExchange) readEnvelope() ([]json.RawMessage, error) {
	if !isMediaType(c.r.Header.Get("Content-Type"), c.config.AlsoAccept) {
		return nil, fail(http.StatusUnsupportedMediaType, "objects are sent as "+MediaType)
	}
	tooLong := fail(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", c.config.MaxContentLength))
	if c.r.ContentLength > c.config.MaxContentLength {
		return nil, tooLong
	}
	var in io.Reader = http.MaxBytesReader(c.w, c.r.Body, c.config.MaxContentLength)
	switch strings.ToLower(strings.TrimSpace(c.r.Header.Get("Content-Encoding"))) {
	case "", "identity":
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fail(http.StatusUnprocessableEntity, "the body is not packed with gzip")
		}
		in = io.LimitReader(z, c.config.MaxContentLength+1)
	default:
		return nil, fail(http.StatusUnsupportedMediaType, "the body may be packed with gzip only")
	}
	body, err := io.ReadAll(in)
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long), int64(len(body)) > c.config.MaxContentLength:
		return nil, tooLong
	case err != nil:
		return nil, fail(http.StatusUnprocessableEntity, "the body broke off")
	}
	return decodeEnvelope(body)
}

// withoutKind is an error's text without the kind that it is wrapped in.
func withoutKind(err error) string {
	text := err.Error()
	for _, kind := range []error{fault.Invalid, fault.Conflict} {
		text = strings.TrimSuffix(text, ": "+kind.Error())
	}
	return text
}

// newUUID returns a UUID of version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
