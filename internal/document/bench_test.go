package document_test

import (
	"testing"

	"tocsin/internal/document"
)

// A report of some twenty pages with a table of 600 rows.
func BenchmarkReport(b *testing.B) {
	for name, write := range renderings(b) {
		p := long()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text, err := write(p)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(text)))
			}
		})
	}
}

// The same in Chinese shows what its large font costs.
func BenchmarkChineseToPDF(b *testing.B) {
	f, p := fonts(b), chinese()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.PDF(f); err != nil {
			b.Fatal(err)
		}
	}
}

func renderings(tb testing.TB) map[string]func(*document.Paper) ([]byte, error) {
	tb.Helper()
	f := fonts(tb)
	return map[string]func(*document.Paper) ([]byte, error){
		"JSON": (*document.Paper).JSON,
		"HTML": (*document.Paper).HTML,
		"XLSX": (*document.Paper).XLSX,
		"PDF":  func(p *document.Paper) ([]byte, error) { return p.PDF(f) },
	}
}
