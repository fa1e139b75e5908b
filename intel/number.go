package intel

// KindOf returns Number for text that is a number as JSON writes numbers
// (RFC 8259 §6), else Text: "80", "-1.5" and "2e6" are numbers; "0x1f", "007",
// "+1" and "1.2.3.4" are not. It is for decoders of formats that do not tell
// numbers from text.
func KindOf(text []byte) Kind {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	if len(text) == 0 || text[0] > '9' { // nearly all text ends here
		return Text
	}
	whole := digits(text)
	if whole == 0 || (text[0] == '0' && whole > 1) {
		return Text
	}
	text = text[whole:]
	if len(text) > 0 && text[0] == '.' {
		fraction := digits(text[1:])
		if fraction == 0 {
			return Text
		}
		text = text[1+fraction:]
	}
	if len(text) == 0 || isExponent(text) {
		return Number
	}
	return Text
}

// digits returns how many decimal digits text begins with.
func digits(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(text)
}

func isExponent(text []byte) bool {
	if text[0] != 'e' && text[0] != 'E' {
		return false
	}
	text = text[1:]
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		text = text[1:]
	}
	return len(text) > 0 && digits(text) == len(text)
}
