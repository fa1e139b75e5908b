package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
)

// generateIndicators writes n indicators of the kinds that lists have, always
// the same: of twenty, seven domains, four addresses, four URLs, three SHA-256
// and two MD5.
func generateIndicators(path string, n int) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := bufio.NewWriterSize(f, 1<<20)
	g := &generator{rand.New(rand.NewPCG(1, 2)), nil}
	for i := range n {
		if _, err := out.Write(g.line(i)); err != nil {
			return err
		}
	}
	return out.Flush()
}

type generator struct {
	*rand.Rand
	buf []byte
}

func (g *generator) line(i int) []byte {
	b := g.buf[:0]
	switch k := i % 20; {
	case k < 7:
		b = g.domain(append(b, "domain\t"...))
	case k < 11:
		b = fmt.Appendf(b, "ip\t%d.%d.%d.%d", 1+g.IntN(222), g.IntN(256), g.IntN(256), g.IntN(256))
	case k < 15:
		b = g.domain(append(b, "url\thttp://"...))
		b = g.word(append(b, '/'), 5+g.IntN(12))
		b = append(b, ".php?id="...)
		b = g.word(b, 4)
	case k < 18:
		b = g.hash(append(b, "sha256\t"...), 32)
	default:
		b = g.hash(append(b, "md5\t"...), 16)
	}
	b = fmt.Appendf(b, "\tfamily %d\n", g.IntN(1000))
	g.buf = b
	return b
}

func (g *generator) word(b []byte, n int) []byte {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	for range n {
		b = append(b, letters[g.IntN(len(letters))])
	}
	return b
}

func (g *generator) domain(b []byte) []byte {
	endings := [...]string{".com", ".net", ".org", ".info", ".ru", ".cn", ".top", ".xyz"}
	if g.IntN(3) == 0 {
		b = append(g.word(b, 3+g.IntN(5)), '.')
	}
	b = g.word(b, 6+g.IntN(12))
	return append(b, endings[g.IntN(len(endings))]...)
}

func (g *generator) hash(b []byte, n int) []byte {
	raw := make([]byte, n)
	for i := range raw {
		raw[i] = byte(g.Uint32())
	}
	return hex.AppendEncode(b, raw)
}
