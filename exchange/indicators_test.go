package exchange_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tocsin/exchange"
	"tocsin/intel"
	"tocsin/internal/fault"
)

func TestFormatsAreToldFromContent(t *testing.T) {
	t.Parallel()
	for want, text := range map[exchange.Format]string{
		exchange.List: "[2001:db8::1]:443\nevil.example\n",
		exchange.MISP: `{"response":[{"Event":{"info":"x","Attribute":[{"type":"domain","value":"evil.example","to_ids":true}]}}]}`,
		exchange.STIX: ` { "objects":[{"type":"indicator","pattern":"[domain-name:value = 'evil.example']"}], "type" : "bundle" }`,
	} {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{"plain": text, "gzip": packed.String()} {
			p, reading, err := exchange.ReadIndicators(strings.NewReader(content), exchange.IndicatorOptions{})
			if err != nil || reading.Format != want {
				t.Errorf("%s %s: read as %s, %v", name, want, reading.Format, err)
				continue
			}
			found := false
			p.All(func(in intel.Indicator) bool {
				found = found || in.String() == "domain evil.example"
				return true
			})
			if !found {
				t.Errorf("%s %s: not found", name, want)
			}
		}
	}
}

func TestWhatHoldsNoIndicatorIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "these are\nonly words\n", "{}", `{"type":"bundle"}`, "{", "\x1f\x8bxx"} {
		if _, _, err := exchange.ReadIndicators(strings.NewReader(text), exchange.IndicatorOptions{}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A list is read in pieces by several goroutines; order, and lines of problems,
// are those of the whole.
func TestLongListsAreReadInOrder(t *testing.T) {
	t.Parallel()
	const lines = 200_000
	var text strings.Builder
	for n := range lines {
		if n == lines-10 {
			text.WriteString("no indicator\n")
			continue
		}
		fmt.Fprintf(&text, "n%d.example.com\n", n)
	}
	p, reading, err := exchange.ReadIndicators(strings.NewReader(text.String()), exchange.IndicatorOptions{Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	if len(reading.Passed) != 1 || reading.Passed[0].First != fmt.Sprintf("line %d", lines-9) || reading.Read != lines-1 {
		t.Errorf("%+v", reading)
	}
	n := 0
	p.All(func(in intel.Indicator) bool {
		if n == lines-10 {
			n++
		}
		if want := fmt.Sprintf("n%d.example.com", n); in.Value != want {
			t.Errorf("got %s, want %s", in.Value, want)
			return false
		}
		n++
		return true
	})
}
