package output

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Plain returns text as one line that does to a terminal nothing but show
// itself: control characters, terminal escapes, direction overrides, invisible
// characters and bytes that are not UTF-8 become visible escapes.
func Plain(text string) string {
	if isPlain(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, text[i])
		} else {
			writePlain(&b, r)
		}
		i += size
	}
	return b.String()
}

func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

func writePlain(b *strings.Builder, r rune) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteByte(' ')
	case unicode.IsGraphic(r):
		b.WriteRune(r)
	case r < 0x100:
		fmt.Fprintf(b, `\x%02x`, r)
	default:
		fmt.Fprintf(b, `\u%04x`, r)
	}
}

// columns measures and cuts text by the columns it takes on a terminal, where
// Chinese characters take two. Characters of ambiguous width count as one, as
// terminals show them unless told otherwise.
func columns() *runewidth.Condition { return &runewidth.Condition{} }

func width(text string) int { return columns().StringWidth(text) }

// cut shortens text to at most n columns, with an ellipsis where it did.
func cut(text string, n int) string {
	if n <= 0 {
		return ""
	}
	// Characters without width could make a short text endless.
	if len(text) > 8*n {
		text = strings.ToValidUTF8(text[:8*n], "") + " …"
	}
	return columns().Truncate(text, n, "…")
}

// padRight fills text with blanks up to n columns.
func padRight(text string, n int) string { return columns().FillRight(text, n) }

// padLeft puts blanks before text up to n columns.
func padLeft(text string, n int) string { return columns().FillLeft(text, n) }

// wrap breaks text into at most lines lines of at most n columns, between words
// where there are some; what does not fit is cut.
func wrap(text string, n, lines int) []string {
	var broken []string
	for len(broken) < lines-1 && width(text) > n {
		head := strings.TrimSuffix(columns().Truncate(text, n+1, ""), " ")
		if space := strings.LastIndexByte(head, ' '); space > 0 {
			head = head[:space]
		} else {
			head = columns().Truncate(text, n, "")
		}
		if head == "" {
			break
		}
		broken = append(broken, head)
		text = strings.TrimLeft(text[len(head):], " ")
	}
	return append(broken, cut(text, n))
}

// number writes 12345 as 12,345.
func number[T ~int | ~int64 | ~uint64](n T) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Count writes a number with its noun, "1 rule", "2 rules".
func Count[T ~int | ~int64 | ~uint64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}
