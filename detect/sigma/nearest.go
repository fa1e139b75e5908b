package sigma

// nearest returns the name within two typing errors of text, or "".
func nearest(text string, names []string) string {
	best, distance := "", 3
	for _, name := range names {
		if d := typingErrors(text, name); d < distance && d < len(name) {
			best, distance = name, d
		}
	}
	return best
}

// typingErrors is the Levenshtein distance, cut off for long texts.
func typingErrors(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
