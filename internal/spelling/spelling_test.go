package spelling_test

import (
	"strings"
	"testing"

	"tocsin/internal/spelling"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"listen", "level", "levels", ""}
	for _, c := range []struct {
		word string
		most int
		want string
	}{
		{"listne", 2, "listen"},
		{"listne", 1, ""},
		{"level", 2, "level"},
		{"levelz", 1, "level"}, // the first of two
		{"xyz", 2, ""},
		{"", 0, ""},
		{strings.Repeat("l", 1000), 999, ""},
	} {
		if got := spelling.Nearest(c.word, words, c.most); got != c.want {
			t.Errorf("%.20q within %d: got %q, want %q", c.word, c.most, got, c.want)
		}
	}
}
