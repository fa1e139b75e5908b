// Package spelling says what a mistyped word was probably meant to be.
package spelling

// longest is how long a word may be to be compared: no key or name of ours is as
// long, and comparing takes the product of both lengths.
const longest = 100

// Nearest returns the word that differs from another by the fewest typing errors
// (the first of several), or "" when none differs by at most so many.
func Nearest(word string, words []string, most int) string {
	best := ""
	for _, w := range words {
		if n := errorsBetween(word, w); n <= most {
			best, most = w, n-1
		}
	}
	return best
}

// errorsBetween is how many letters must be changed, added or taken away to make
// one text of another (Levenshtein).
func errorsBetween(a, b string) int {
	if len(a) > longest || len(b) > longest {
		return max(len(a), len(b), longest)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
