package exchange_test

import (
	"net/netip"
	"strconv"
	"strings"

	"tocsin/intel"
)

func strconvAppend(port uint16) []byte { return strconv.AppendUint(nil, uint64(port), 10) }

// neighbours returns values that an indicator means, and values near them that
// it does not.
func neighbours(in *intel.Indicator) (values, others []string) {
	switch in.Kind {
	case intel.Domain:
		_, parent, _ := strings.Cut(in.Value, ".")
		return []string{in.Value, strings.ToUpper(in.Value) + ".", "a.b." + in.Value}, []string{"x" + in.Value, in.Value + "x", in.Value + ".example.com", parent}
	case intel.IPAddress:
		addr := netip.MustParseAddr(in.Value)
		return []string{in.Value}, []string{addr.Next().String(), addr.Prev().String()}
	case intel.IPRange:
		prefix := netip.MustParsePrefix(in.Value)
		last := prefix.Addr()
		for next := last.Next(); prefix.Bits() > 15 && prefix.Contains(next); next = next.Next() {
			last = next
		}
		return []string{prefix.Addr().String(), last.String()}, []string{prefix.Addr().Prev().String(), last.Next().String()}
	case intel.URL:
		if in.Match == intel.MatchSubstring {
			return []string{"http://example.com" + in.Value, "http://example.com/x" + in.Value + "y"}, []string{"http://example.com" + in.Value[:len(in.Value)-1]}
		}
		rest := strings.TrimPrefix(in.Value, "//")
		return []string{"http://" + rest, "https://" + rest, "http://" + strings.TrimSuffix(rest, "/") + "/x"},
			[]string{"http://x" + rest, "http://" + rest[:len(rest)-1] + "~", "http://example.com/" + rest}
	}
	return nil, nil
}
