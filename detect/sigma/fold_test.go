package sigma_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"tocsin/detect/sigma"
)

func TestFoldMakesTextsThatDifferInCaseEqual(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"ascii", `C:\Windows\System32\CMD.EXE @[` + "`{", `c:\windows\system32\cmd.exe @[` + "`{"},
		{"every byte below 0x80 beside the letters stays", "\x00\x1f@[`{\x7f0123456789", "\x00\x1f@[`{\x7f0123456789"},
		{"kelvin and long s", "\u212Aey \u017Fet", "key set"},
		{"sharp s", "stra\u1E9Ee STRASSE", "stra\u00DFe strasse"},
		{"greek sigma", "\u03A3\u03C3\u03C2", "\u03A3\u03A3\u03A3"},
		{"cyrillic", "\u041F\u0440\u0418", "\u041F\u0420\u0418"},
		{"no case", "\u65E5\u672C\u8A9E \U0001F600", "\u65E5\u672C\u8A9E \U0001F600"},
		{"invalid", "A\xffB\xe2\x84C\x80\xc3", "a\xffb\xe2\x84c\x80\xc3"},
		{"replacement character", "A\uFFFDB", "a\uFFFDb"},
	} {
		if got := sigma.FoldString(tt.in); got != tt.want {
			t.Errorf("%s: FoldString(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
		if got := string(sigma.Fold([]byte("X"), []byte(tt.in))); got != "X"+tt.want {
			t.Errorf("%s: Fold(X, %q) = %q, want %q", tt.name, tt.in, got, "X"+tt.want)
		}
	}
}

func TestFoldAgreesWithEqualFoldOnEveryRune(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r == 0x20000 { // no letter with case lies beyond; look at some all the same
			r = unicode.MaxRune - 0x1000
		}
		if !utf8.ValidRune(r) {
			continue
		}
		a, b := string(r), string(unicode.SimpleFold(r))
		if sigma.FoldString(a) != sigma.FoldString(b) {
			t.Fatalf("%U and %q fold to %q and %q", r, b, sigma.FoldString(a), sigma.FoldString(b))
		}
		if !strings.EqualFold(a, sigma.FoldString(a)) {
			t.Fatalf("%U folds to %q, which is another letter", r, sigma.FoldString(a))
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, seed := range []string{"", "ABCDEFGHIJ", "\u212A\u212A\u212A\u212A", "A\xffB\xe2\x84C\x80\xc3", "1234567\u00C4"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := sigma.Fold(nil, text)
		if len(got) > len(text) {
			t.Fatalf("Fold(%q) = %q, which is longer", text, got)
		}
		if again := sigma.Fold(nil, got); !bytes.Equal(again, got) {
			t.Fatalf("Fold(%q) = %q, and folded again %q", text, got, again)
		}
		if utf8.Valid(text) && !strings.EqualFold(string(text), string(got)) {
			t.Fatalf("Fold(%q) = %q differs in more than case", text, got)
		}
		if upper := sigma.Fold(nil, bytes.ToUpper(text)); utf8.Valid(text) && asciiOnly(text) && !bytes.Equal(upper, got) {
			t.Fatalf("Fold(%q) = %q, in capitals %q", text, got, upper)
		}
	})
}

func asciiOnly(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

func BenchmarkFold(b *testing.B) {
	text := []byte(strings.Repeat(`"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -EncodedCommand `, 4))
	var out []byte
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		out = sigma.Fold(out[:0], text)
	}
}
