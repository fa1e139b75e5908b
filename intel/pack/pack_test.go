package pack_test

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/intel/pack"
	"tocsin/internal/fault"
)

// values are texts of every kind.
var values = map[intel.ObservableKind][]string{
	intel.IPAddress:      {"192.0.2.7", "2001:db8::1", "::1", "1::", "1:2:3:4:5:6:7:8", "fe80::a:b"},
	intel.IPRange:        {"10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "192.0.2.7/32"},
	intel.Domain:         {"evil.example", "a.b.c.example.com", "xn--bcher-kva.de"},
	intel.URL:            {"http://evil.example/a", "https://evil.example/?u=http://x.example/", "//evil.example/", "ftp://evil.example/x", "gopher://evil.example/x", "//[2001:db8::1]:8080/a"},
	intel.EmailAddress:   {"a@evil.example"},
	intel.MD5:            {strings.Repeat("0f", 16)},
	intel.SHA1:           {strings.Repeat("0f", 20)},
	intel.SHA256:         {strings.Repeat("0f", 32)},
	intel.SHA512:         {strings.Repeat("0f", 64)},
	intel.ImpHash:        {strings.Repeat("0f", 16)},
	intel.FileName:       {"evil.exe"},
	intel.FilePath:       {`c:\temp\evil.exe`, "/tmp/x"},
	intel.RegistryKey:    {`hklm\software\x`},
	intel.Mutex:          {"Evil Mutex"},
	intel.ServiceName:    {"evilsvc"},
	intel.UserAgent:      {"Mozilla/5.0 (evil)"},
	intel.JA3:            {strings.Repeat("0f", 16)},
	intel.JA4:            {"t13d1516h2_8daaf6152771_e5627efa2ab1"},
	intel.Certificate:    {strings.Repeat("0f", 20)},
	intel.ASN:            {"AS64496"},
	intel.CVE:            {"CVE-2017-0144"},
	intel.Cryptocurrency: {"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
	intel.MACAddress:     {"00:11:22:aa:bb:cc"},
	intel.CommandLine:    {"cmd.exe /c evil"},
}

func TestKeysGiveTheirValuesBack(t *testing.T) {
	t.Parallel()
	for _, kind := range intel.ObservableKinds() {
		if len(values[kind]) == 0 {
			t.Errorf("no value of kind %s", kind)
		}
		for _, text := range values[kind] {
			o, err := observable.Parse(kind, text)
			if err != nil || o.Value != text {
				t.Errorf("%q is no normal form of %s: %q, %v", text, kind, o.Value, err)
			}
			key, scheme, ok := pack.Key(nil, kind, []byte(text))
			if got := string(pack.Value(nil, kind, key, scheme)); !ok || got != text {
				t.Errorf("%s %q is given back as %q, %v", kind, text, got, ok)
			}
		}
	}
}

func TestAddressesAreReadAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 0, 1, 0xab}), 16, 16).Draw(t, "address")
		addr, _ := netip.AddrFromSlice(raw)
		if rapid.Bool().Draw(t, "four") {
			addr, _ = netip.AddrFromSlice(raw[:4])
		}
		if addr.Is4In6() {
			t.Skip("has IPv4's normal form")
		}
		key, _, ok := pack.Key(nil, intel.IPAddress, []byte(addr.String()))
		if !ok || !bytes.Equal(key, addr.AsSlice()) {
			t.Fatalf("%s: %x, %v", addr, key, ok)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, text := range []string{"1.2.3.4", "::", "1::2", ":1", "1:", "1::2::3", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "12345::", "1.2.3", "01.2.3.4", "256.1.1.1", "1:2:3:4:5:6:7:8:9", ":::"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, _, ok := pack.Key(nil, intel.IPAddress, []byte(text))
		addr, err := netip.ParseAddr(text)
		if ok && (err != nil || !bytes.Equal(key, addr.AsSlice())) {
			t.Errorf("%q is %x; %v, %v", text, key, addr, err)
		}
		if err == nil && !ok && addr.String() == text && !addr.Is4In6() && addr.Zone() == "" {
			t.Errorf("%q is not read", text)
		}
	})
}

// anyIndicator draws an indicator.
func anyIndicator(t *rapid.T) intel.Indicator {
	kind := rapid.SampledFrom(intel.ObservableKinds()).Draw(t, "kind")
	in := intel.Indicator{
		Observable: intel.Observable{Kind: kind, Value: rapid.SampledFrom(values[kind]).Draw(t, "value")},
		Match:      rapid.SampledFrom([]intel.Match{intel.MatchOrdinary, intel.MatchExactly, intel.MatchPrefix, intel.MatchSubstring}).Draw(t, "match"),
		Port:       rapid.Uint16().Draw(t, "port"), ID: rapid.StringN(0, 60, 200).Draw(t, "id"),
		Origin: intel.Origin{Source: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "source"), Confidence: uint8(rapid.IntRange(0, 100).Draw(t, "confidence")), Marking: intel.TLPAmber},
	}
	if rapid.Bool().Draw(t, "until") {
		in.Until = time.Unix(int64(rapid.IntRange(1, 1<<32).Draw(t, "end")), 0).UTC()
	}
	return in
}

func all(p *pack.Pack) []intel.Indicator {
	var list []intel.Indicator
	p.All(func(in intel.Indicator) bool {
		list = append(list, in)
		return true
	})
	return list
}

func TestPacksAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(anyIndicator), 1, 50).Draw(t, "indicators")
		p, err := pack.Of(want...)
		if err != nil {
			t.Fatal(err)
		}
		var written bytes.Buffer
		if err := p.Write(&written); err != nil {
			t.Fatal(err)
		}
		whole := written.Bytes()
		read, err := pack.Read(&written)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, all(read)); diff != "" || read.Len() != len(want) {
			t.Fatalf("-want +got:\n%s", diff)
		}
		at := rapid.IntRange(0, len(whole)-1).Draw(t, "flipped")
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		for name, damaged := range map[string][]byte{"a flipped bit": flipped, "a missing end": whole[:at]} {
			if _, err := pack.Read(bytes.NewReader(damaged)); !errors.Is(err, fault.Invalid) {
				t.Fatalf("%s at %d of %d: %v", name, at, len(whole), err)
			}
		}
	})
}

func TestPartsComeInTheirOrder(t *testing.T) {
	t.Parallel()
	b := pack.NewBuilder()
	for _, order := range []int{2, 0, 1} {
		part := b.Part(order)
		in := intel.Indicator{Observable: intel.Observable{Kind: intel.Mutex, Value: string(rune('a' + order))}}
		if err := part.Add(&in); err != nil {
			t.Fatal(err)
		}
		part.Close()
	}
	var got []string
	for _, in := range all(b.Pack()) {
		got = append(got, in.Value)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	for _, in := range []intel.Indicator{
		{},
		{Observable: intel.Observable{Kind: intel.IPAddress, Value: "1.2.3"}},
		{Observable: intel.Observable{Kind: intel.IPRange, Value: "1.2.3.4"}},
		{Observable: intel.Observable{Kind: intel.IPRange, Value: "1.2.3.4/33"}},
		{Observable: intel.Observable{Kind: intel.SHA256, Value: "abc"}},
		{Observable: intel.Observable{Kind: intel.Mutex, Value: strings.Repeat("x", pack.MaxKey+1)}},
		{Observable: intel.Observable{Kind: intel.Mutex, Value: "x"}, ID: strings.Repeat("x", pack.MaxID+1)},
	} {
		if _, err := pack.Of(in); !errors.Is(err, fault.Invalid) {
			t.Errorf("%.40s: %v", in.Observable, err)
		}
	}
}

// FuzzRead: whatever the bytes, a pack is read or refused, and one that is read
// is written as it was.
func FuzzRead(f *testing.F) {
	p, err := pack.Of(intel.Indicator{Observable: intel.Observable{Kind: intel.Domain, Value: "evil.example"}, Port: 7, ID: "x"})
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := pack.Read(bytes.NewReader(raw))
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v", err)
			}
			return
		}
		if n := len(all(p)); n != p.Len() {
			t.Errorf("%d indicators of %d", n, p.Len())
		}
	})
}

// FuzzEntries looks at entries where the checksum does not protect them.
func FuzzEntries(f *testing.F) {
	f.Add([]byte{3, 0, 0, 1, 'x'})
	f.Add([]byte{3, 0xc0, 0, 1, 'x', 0, 7, 1, 'y'})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for at := 0; ; {
			e, next, ok := pack.Chunk(raw).At(at)
			if !ok {
				return
			}
			if next <= at || next > len(raw) || len(e.Key) == 0 {
				t.Fatalf("entry at %d of %d ends at %d", at, len(raw), next)
			}
			at = next
		}
	})
}
