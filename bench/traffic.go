package main

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"time"

	"tocsin/intel"
)

// traffic makes sightings of observables as a site's telemetry has them, the
// same ones again for the same seed. An observable is a number, and what it is
// follows from that: of a hundred, 30 are IPv4 and 4 IPv6 addresses, 20
// domains, 16 URLs (of 25,000 hosts, some 70 bytes long), 8 SHA-256, 4 MD5, 3
// e-mail addresses, 5 file names, 6 paths and 4 command lines (hashed, both).
//
// Of all sightings the share fresh is of an observable never seen before; the
// others are of earlier ones, the later made the likelier: half of them among
// the latest eighth. Nine in ten sightings are on the observable's own host,
// the others on any of 5,000. Time runs over 90 days.
type traffic struct {
	random *rand.Rand
	fresh  float64
	total  float64 // sightings in all, for the time
	made   uint64  // observables
	n      uint64  // sightings

	value, host []byte
}

const (
	trafficHosts   = 5_000
	trafficSources = 64
	trafficDomains = 25_000
	trafficDays    = 90
)

// trafficBegins is the first day.
var trafficBegins = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newTraffic(fresh float64, sightings uint64) *traffic {
	return &traffic{random: rand.New(rand.NewPCG(1, 2)), fresh: fresh, total: float64(sightings)}
}

// one is a sighting, valid until the next.
type one struct {
	source      string
	kind        intel.ObservableKind
	value, host []byte
	at          time.Time
}

var trafficNames = func() (names [trafficSources]string) {
	for i := range names {
		names[i] = "source-" + strconv.Itoa(i)
	}
	return names
}()

func (t *traffic) next() one {
	id := t.made
	if t.made == 0 || t.random.Float64() < t.fresh {
		t.made++
	} else {
		u := t.random.Float64()
		id = t.made - 1 - uint64(u*u*u*float64(t.made))
	}
	h := scatter(id ^ 0xfeed)
	host := h % trafficHosts
	if t.random.Uint32()%10 == 0 {
		host = t.random.Uint64N(trafficHosts)
	}
	s := one{source: trafficNames[host%trafficSources]}
	s.kind, t.value = observableOf(t.value[:0], id)
	t.host = strconv.AppendUint(append(t.host[:0], "workstation-"...), host, 10)
	s.value, s.host = t.value, t.host
	s.at = trafficBegins.Add(time.Duration(float64(t.n) / t.total * trafficDays * 24 * float64(time.Hour)))
	t.n++
	return s
}

// observableOf says what an observable's number stands for.
func observableOf(b []byte, id uint64) (intel.ObservableKind, []byte) {
	h := scatter(id)
	switch k := scatter(id^0xabcd) % 100; {
	case k < 30:
		return intel.IPAddress, appendIPv4(b, h)
	case k < 34:
		b = append(b, "2001:db8:"...)
		b = strconv.AppendUint(b, h>>48|0x1000, 16)
		b = append(b, ':')
		b = strconv.AppendUint(b, h>>32&0xffff|0x1000, 16)
		b = append(b, ':')
		b = strconv.AppendUint(b, h>>16&0xffff|0x1000, 16)
		b = append(b, ':')
		b = strconv.AppendUint(b, h&0xffff|0x1000, 16)
		b = append(b, ":1"...)
		return intel.IPAddress, b
	case k < 54:
		b = strconv.AppendUint(b, h>>24, 36)
		return intel.Domain, appendTrafficDomain(append(b, '.'), h)
	case k < 70:
		b = appendTrafficDomain(append(b, "https://"...), h)
		b = append(b, "/static/v"...)
		b = strconv.AppendUint(b, h%7, 10)
		b = append(b, "/article/"...)
		b = strconv.AppendUint(b, h>>20, 36)
		return intel.URL, append(strconv.AppendUint(append(b, "?session="...), h>>8, 36), "&lang=en"...)
	case k < 78:
		return intel.SHA256, appendDigestOf(b, h, 4)
	case k < 82:
		return intel.MD5, appendDigestOf(b, h, 2)
	case k < 85:
		b = strconv.AppendUint(append(b, "user."...), h>>40, 36)
		return intel.EmailAddress, appendTrafficDomain(append(b, '@'), h)
	case k < 90:
		b = strconv.AppendUint(append(b, "setup-"...), h>>32, 36)
		return intel.FileName, append(b, ".exe"...)
	case k < 96:
		b = strconv.AppendUint(append(b, `c:\users\user`...), h%5000, 10)
		b = strconv.AppendUint(append(b, `\appdata\local\temp\`...), h, 36)
		return intel.FilePath, append(b, ".tmp"...)
	default:
		b = append(b, `"c:\windows\system32\windowspowershell\v1.0\powershell.exe" -noprofile -file c:\scripts\`...)
		return intel.CommandLine, append(strconv.AppendUint(b, h, 36), ".ps1"...)
	}
}

func appendIPv4(b []byte, h uint64) []byte {
	for i := range 4 {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, h>>(8*i)&0xff, 10)
	}
	return b
}

func appendTrafficDomain(b []byte, h uint64) []byte {
	site := scatter(h % trafficDomains)
	b = strconv.AppendUint(b, site>>28, 36)
	return append(b, [...]string{".com", ".net", ".org", ".de", ".example.com", ".co.uk", ".cn", ".com.br"}[site%8]...)
}

func appendDigestOf(b []byte, h uint64, words int) []byte {
	var raw [8]byte
	for i := range words {
		w := scatter(h + uint64(i)<<32)
		for j := range raw {
			raw[j] = byte(w >> (8 * j))
		}
		b = hex.AppendEncode(b, raw[:])
	}
	return b
}

// scatter spreads a number over 64 bits.
func scatter(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
