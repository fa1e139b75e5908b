package observable

import (
	"bytes"
	"net/netip"
)

func appendIP(dst, text []byte) ([]byte, bool) {
	if _, ok := parseIPv4(text); ok {
		return append(dst, text...), true // without leading zeros there is one spelling
	}
	if n := len(text); text[0] == '[' && text[n-1] == ']' {
		text = text[1 : n-1]
	}
	a, ok := parseIPv6(text)
	if !ok {
		return dst, false
	}
	return netip.AddrFrom16(a).Unmap().AppendTo(dst), true
}

// mappedBits is how long the prefix of IPv4-mapped IPv6 addresses is (RFC 4291 §2.5.5.2).
const mappedBits = 96

func appendRange(dst, text []byte) ([]byte, bool) {
	before, after, found := bytes.Cut(text, []byte("/"))
	addr, ok := parseAddr(before)
	if !ok {
		return dst, false
	}
	mapped := addr.Is4In6()
	bits := addr.BitLen()
	if found {
		if bits, ok = parseDecimal(after, addr.BitLen()); !ok {
			return dst, false
		}
	}
	if mapped && bits >= mappedBits {
		addr, bits = addr.Unmap(), bits-mappedBits
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return dst, false
	}
	return p.AppendTo(dst), true
}

func parseAddr(text []byte) (netip.Addr, bool) {
	if a, ok := parseIPv4(text); ok {
		return netip.AddrFrom4(a), true
	}
	a, ok := parseIPv6(text)
	return netip.AddrFrom16(a), ok
}

// parseIPv4 reads four decimal numbers. A leading zero is refused: some read
// such a number as octal, and the text could mean either address.
func parseIPv4(text []byte) (a [4]byte, ok bool) {
	part, value, digits := 0, 0, 0
	for _, c := range text {
		switch {
		case isDigit(c):
			if digits > 0 && value == 0 {
				return a, false
			}
			value, digits = value*10+int(c-'0'), digits+1
			if value > 255 {
				return a, false
			}
		case c == '.' && digits > 0 && part < 3:
			a[part] = byte(value)
			part, value, digits = part+1, 0, 0
		default:
			return a, false
		}
	}
	a[3] = byte(value)
	return a, part == 3 && digits > 0
}

// parseIPv6 reads the forms of RFC 4291 §2.2, with or without a zone (RFC 4007
// §11), which it drops. It exists beside netip.ParseAddr because that wants a
// string and keeps it in its error, which costs an allocation a value.
func parseIPv6(text []byte) (a [16]byte, ok bool) {
	if zone := bytes.IndexByte(text, '%'); zone >= 0 {
		if zone == len(text)-1 {
			return a, false
		}
		text = text[:zone]
	}
	gap, n := -1, 0
	if bytes.HasPrefix(text, []byte("::")) {
		gap, text = 0, text[2:]
	}
	for n < 16 && len(text) > 0 {
		value, digits, ok := hexGroup(text)
		if !ok {
			return a, false
		}
		if digits < len(text) && text[digits] == '.' {
			v4, ok := parseIPv4(text)
			if !ok || n > 12 {
				return a, false
			}
			n, text = n+copy(a[n:], v4[:]), nil
			break
		}
		a[n], a[n+1] = byte(value>>8), byte(value)
		n, text = n+2, text[digits:]
		if text, gap, ok = afterGroup(text, gap, n); !ok {
			return a, false
		}
	}
	if len(text) > 0 || (n == 16) != (gap < 0) {
		return a, false
	}
	if gap >= 0 {
		tail := n - gap
		copy(a[16-tail:], a[gap:n])
		clear(a[gap : 16-tail])
	}
	return a, true
}

// hexGroup reads up to four hexadecimal digits.
func hexGroup(text []byte) (value uint32, digits int, ok bool) {
	for digits < len(text) {
		h, ok := unhex(text[digits])
		if !ok {
			break
		}
		if digits == 4 {
			return 0, 0, false
		}
		value, digits = value<<4|uint32(h), digits+1
	}
	return value, digits, digits > 0
}

// afterGroup reads the colon or colons after a group; n groups' bytes came before.
func afterGroup(text []byte, gap, n int) (rest []byte, newGap int, ok bool) {
	if len(text) == 0 {
		return text, gap, true
	}
	if text[0] != ':' || len(text) == 1 {
		return text, gap, false
	}
	text = text[1:]
	if text[0] != ':' {
		return text, gap, true
	}
	return text[1:], n, gap < 0
}

// parseDecimal reads a number of at most limit, without leading zeros.
func parseDecimal(text []byte, limit int) (int, bool) {
	if len(text) == 0 || len(text) > 10 || (text[0] == '0' && len(text) > 1) {
		return 0, false
	}
	value := 0
	for _, c := range text {
		if !isDigit(c) {
			return 0, false
		}
		value = value*10 + int(c-'0')
	}
	return value, value <= limit
}
