package sigma

import (
	"bytes"
	"math"
	"strconv"
)

// ParseNumber reads a value as a number: decimal with sign, fraction and
// exponent, or a hexadecimal integer after 0x, as Windows writes many. Space
// around it is ignored; infinities and NaN are no numbers.
func ParseNumber(text []byte) (float64, bool) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || len(text) > 64 {
		return 0, false
	}
	digits, negative := text, false
	if digits[0] == '-' || digits[0] == '+' {
		negative = digits[0] == '-'
		digits = digits[1:]
	}
	if len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		n, err := strconv.ParseUint(string(digits[2:]), 16, 64)
		if negative {
			return -float64(n), err == nil
		}
		return float64(n), err == nil
	}
	if len(digits) == 0 || digits[0] != '.' && (digits[0] < '0' || digits[0] > '9') {
		return 0, false
	}
	if bytes.IndexByte(digits, '_') >= 0 {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(text), 64)
	return n, err == nil && !math.IsInf(n, 0)
}
