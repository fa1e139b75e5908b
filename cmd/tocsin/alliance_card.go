package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// proposedCard is what the node's card says where nobody set one: what the
// organisation is described as.
func (r *running) proposedCard(ctx context.Context) (alliance.Card, bool, error) {
	d, err := r.incidents.office.Organisation(ctx)
	if errors.Is(err, fault.NotFound) {
		return alliance.Card{}, false, nil
	}
	if err != nil {
		return alliance.Card{}, false, err
	}
	o := d.Organisation
	card := alliance.Card{
		Names: map[string]string{languageOf(o.Name): o.Name}, Kind: alliance.Kind(o.Kind), Sectors: o.Sectors, Regions: o.Regions, TimeZone: o.Zone,
	}
	return card, true, nil
}

// languageOf is the language that a name is filed under where nobody said which.
func languageOf(name string) string {
	if strings.ContainsFunc(name, func(c rune) bool { return c >= 0x4e00 && c <= 0x9fff }) {
		return "zh"
	}
	return "en"
}

// reachedAt is where other nodes reach this one: nowhere that could be told where it
// listens at all its addresses, and nobody configured which of them to name.
func reachedAt(at net.Addr, address string) string {
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return ""
	}
	return address
}

// certificatePin is the SHA-256 of the certificate by which other nodes are to know
// this one: the last of the file, which is its authority's or its own; nil where
// systems know the authority, and where there is no file.
func certificatePin(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("tls.certificate: %w", err)
	}
	var chain []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("tls.certificate: %w", err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("tls.certificate: no certificate in %s: %w", file, fault.Invalid)
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Intermediates: between}); err == nil {
		return nil, nil
	}
	sum := sha256.Sum256(chain[len(chain)-1].Raw)
	return sum[:], nil
}
