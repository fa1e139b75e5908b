package archive

// RewriteShape reads the text of an event's list of fields and writes it again.
func RewriteShape(text string) (string, error) {
	s, err := parseShape(text)
	var again []byte
	for _, f := range s {
		again = appendShaped(again, f)
	}
	return string(again), err
}
