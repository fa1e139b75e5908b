package observable

import (
	"bytes"
	"strconv"
)

// appendASN takes "AS123", "AS 123", "ASN123", "123" and the dotted form of
// RFC 5396 ("AS1.10").
func appendASN(dst, text []byte) ([]byte, bool) {
	if rest, ok := cutPrefixFold(text, "asn"); ok {
		text = rest
	} else {
		text, _ = cutPrefixFold(text, "as")
	}
	high, low, dotted := bytes.Cut(trim(text), []byte("."))
	limit := 1<<32 - 1
	if dotted {
		limit = 1<<16 - 1
	}
	number, ok := parseDecimal(high, limit)
	if !ok {
		return dst, false
	}
	if dotted {
		rest, ok := parseDecimal(low, limit)
		if !ok {
			return dst, false
		}
		number = number<<16 | rest
	}
	dst = append(dst, 'A', 'S')
	return strconv.AppendInt(dst, int64(number), 10), true
}

// Bounds of a CVE's number (CVE record format 5: four to nineteen digits).
const (
	fewestCVEDigits = 4
	mostCVEDigits   = 19
)

// dashes are what typesetting makes of the hyphen.
var dashes = [...]string{"-", "\u2010", "\u2011", "\u2012", "\u2013", "\u2212"}

func appendCVE(dst, text []byte) ([]byte, bool) {
	text, ok := cutPrefixFold(text, "cve")
	if !ok {
		return dst, false
	}
	if text, ok = cutDash(text); !ok { // "cve.2017-0144" is how Sigma tags it
		text, ok = bytes.CutPrefix(text, []byte("."))
	}
	if !ok || len(text) < 4 {
		return dst, false
	}
	year := text[:4]
	number, ok := cutDash(text[4:])
	if !ok || (year[0] != '1' && year[0] != '2') || !allDigits(year) || !allDigits(number) ||
		len(number) < fewestCVEDigits || len(number) > mostCVEDigits {
		return dst, false
	}
	dst = append(dst, "CVE-"...)
	dst = append(dst, year...)
	dst = append(dst, '-')
	return append(dst, number...), true
}

func cutDash(text []byte) ([]byte, bool) {
	for _, dash := range dashes {
		if rest, ok := bytes.CutPrefix(text, []byte(dash)); ok {
			return rest, true
		}
	}
	return text, false
}

func allDigits(text []byte) bool {
	for _, c := range text {
		if !isDigit(c) {
			return false
		}
	}
	return len(text) > 0
}

// macForms are the usual spellings, x being a digit.
var macForms = [...]string{"xx:xx:xx:xx:xx:xx", "xx-xx-xx-xx-xx-xx", "xxxx.xxxx.xxxx", "xxxxxxxxxxxx", "xxxxxx-xxxxxx", "xxxxxx:xxxxxx"}

func appendMAC(dst, text []byte) ([]byte, bool) {
	for _, form := range macForms {
		if !hasHexForm(text, form) {
			continue
		}
		digits := 0
		for _, c := range text {
			if _, ok := unhex(c); !ok {
				continue
			}
			if digits > 0 && digits%2 == 0 {
				dst = append(dst, ':')
			}
			dst = append(dst, lower(c))
			digits++
		}
		return dst, true
	}
	return dst, false
}

func hasHexForm(text []byte, form string) bool {
	if len(text) != len(form) {
		return false
	}
	for i, c := range text {
		_, hex := unhex(c)
		if hex != (form[i] == 'x') || (!hex && c != form[i]) {
			return false
		}
	}
	return true
}
