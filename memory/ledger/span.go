package ledger

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"

	"tocsin/intel"
	"tocsin/internal/fault"
)

// span is a range of keys: from the first, up to but without the second.
type span struct{ from, to []byte }

// spanOf returns where all that an observable covers stands: the addresses of a
// range, a domain and all below it, the URLs that a prefix begins. The error is
// fault.Invalid where that is not one range.
func spanOf(o intel.Observable) (span, error) {
	value := []byte(o.Value)
	head := []byte{spaceObservable, byte(o.Kind), formOrdered}
	switch o.Kind {
	case intel.IPRange:
		return addressSpan(o.Value)
	case intel.Domain:
		if key, ok := appendDomain(head, value); ok {
			return prefixSpan(key), nil
		}
	case intel.URL:
		return urlSpan(head, value)
	}
	return span{}, fmt.Errorf("%s is not a range, and nothing is kept below it: %w", o, fault.Invalid)
}

func addressSpan(cidr string) (span, error) {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return span{}, fmt.Errorf("%q is no range of addresses: %w", cidr, fault.Invalid)
	}
	prefix = prefix.Masked()
	from := appendAddr([]byte{spaceObservable, byte(intel.IPAddress), formOrdered}, prefix.Addr())
	to := slices.Clone(from)
	host := (len(from) - keyHead - 1) * 8
	for bit := prefix.Bits(); bit < host; bit++ {
		to[keyHead+1+bit/8] |= 0x80 >> (bit % 8)
	}
	return span{from, append(to, 0)}, nil
}

func urlSpan(head, value []byte) (span, error) {
	u, ok := splitURL(value)
	if !ok {
		return span{}, fmt.Errorf("%q has no host, and so begins no URL: %w", value, fault.Invalid)
	}
	if len(u.path) > urlPathLimit {
		return span{}, fmt.Errorf("a prefix of URLs is kept for %d bytes after the host, and this one has %d: %w",
			urlPathLimit, len(u.path), fault.Invalid)
	}
	key, ok := u.appendSite(head)
	if !ok {
		return span{}, fmt.Errorf("%q has no host that is a name or an address: %w", value, fault.Invalid)
	}
	return prefixSpan(append(key, u.path...)), nil
}

// prefixSpan is the span of all keys that begin with one.
func prefixSpan(key []byte) span {
	to := slices.Clone(key)
	for len(to) > 0 && to[len(to)-1] == 0xff {
		to = to[:len(to)-1]
	}
	if len(to) > 0 {
		to[len(to)-1]++
	}
	return span{slices.Clip(key), to}
}

func (s span) has(key []byte) bool {
	return bytes.Compare(s.from, key) <= 0 && bytes.Compare(key, s.to) < 0
}
