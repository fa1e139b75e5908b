package auditd

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"tocsin/intel"
)

// isHex tells a value that audit encoded: pairs of capital hexadecimal digits.
func isHex(value []byte) bool {
	if len(value) < 2 || len(value)%2 != 0 {
		return false
	}
	for _, c := range value {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// appendHex appends what the digits mean; isHex holds of them.
func appendHex(dst, digits []byte) []byte {
	for i := 0; i+1 < len(digits); i += 2 {
		dst = append(dst, nibble(digits[i])<<4|nibble(digits[i+1]))
	}
	return dst
}

func nibble(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'A' + 10
}

func appendDecoded(k key, digits []byte, rec *intel.Record) {
	rec.Grow(len(digits) / 2)
	built := appendHex(rec.Tail(), digits)
	switch k.rule {
	case arguments:
		trimmed := bytes.TrimRight(built, "\x00")
		for i, c := range trimmed {
			if c == 0 {
				trimmed[i] = ' '
			}
		}
		rec.AddTail(k.name, intel.Text, trimmed)
	case encodedList: // the keys of several rules that the event matched
		rec.Keep(built)
		for more := true; more; {
			var one []byte
			one, built, more = bytes.Cut(built, []byte{1})
			rec.Add(k.name, intel.Text, one)
		}
	default:
		rec.AddTail(k.name, intel.Text, built)
	}
}

// Address families of Linux, and the names that enriched logs have for them.
const (
	familyLocal   = 1
	familyInet    = 2
	familyInet6   = 10
	familyNetlink = 16
	familyPacket  = 17
	familyVsock   = 40
)

var familyNames = map[uint16][]byte{
	0: []byte("unspec"), familyLocal: []byte("local"), familyInet: []byte("inet"), familyInet6: []byte("inet6"),
	familyNetlink: []byte("netlink"), familyPacket: []byte("packet"), familyVsock: []byte("vsock"),
}

// address appends what a socket address (struct sockaddr in hexadecimal)
// means. The family is in the byte order of the machine, as all that audit
// runs on today is: little endian, else the one byte that is not zero.
func (d *Decoder) address(digits []byte, rec *intel.Record) {
	if !isHex(digits) || len(digits) < 4 {
		return
	}
	var head [24]byte // as much as an IPv6 address needs
	content := appendHex(head[:0], digits[:min(len(digits), 2*len(head))])
	family := binary.LittleEndian.Uint16(content)
	if family > 0xff && family&0xff == 0 {
		family >>= 8
	}
	if name := familyNames[family]; name != nil {
		rec.Add(d.common.family, intel.Text, name)
	}
	switch {
	case family == familyInet && len(content) >= 8:
		d.endpoint(netip.AddrFrom4([4]byte(content[4:8])), content, rec)
	case family == familyInet6 && len(content) >= 24:
		d.endpoint(netip.AddrFrom16([16]byte(content[8:24])), content, rec)
	case family == familyLocal && len(digits) > 4:
		rec.Grow(len(digits) / 2)
		path := appendHex(rec.Tail(), digits[4:])
		if path[0] != 0 { // a name in the file system, not an abstract one
			path, _, _ = bytes.Cut(path, []byte{0})
		}
		rec.AddTail(d.common.path, intel.Text, bytes.TrimRight(path, "\x00"))
	}
}

// longestEndpoint is the longest text of an address or a port.
const longestEndpoint = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

func (d *Decoder) endpoint(addr netip.Addr, content []byte, rec *intel.Record) {
	rec.Grow(2 * longestEndpoint)
	rec.AddTail(d.common.address, intel.Text, addr.AppendTo(rec.Tail()))
	port := binary.BigEndian.Uint16(content[2:4])
	rec.AddTail(d.common.port, intel.Number, strconv.AppendUint(rec.Tail(), uint64(port), 10))
}
