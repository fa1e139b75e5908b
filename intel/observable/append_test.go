package observable_test

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// normalForms are texts with the normal form of each; "" is no observable.
var normalForms = map[intel.ObservableKind][][2]string{
	intel.IPAddress: {
		{"192.0.2.7", "192.0.2.7"},
		{" 192.0.2.7\t", "192.0.2.7"},
		{"::ffff:192.0.2.7", "192.0.2.7"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"fe80::1%eth0", "fe80::1"},
		{"[2001:db8::1]", "2001:db8::1"},
		{"::", "::"},
		{"192.0.2.256", ""},
		{"192.0.2", ""},
		{"192.0.2.07", ""},
		{"1:2", ""},
		{"192.0.2.7:80", ""},
		{"-", ""},
		{":::", ""},
		{"fe80::1%", ""},
	},
	intel.IPRange: {
		{"192.0.2.77/24", "192.0.2.0/24"},
		{"10.1.2.3", "10.1.2.3/32"},
		{"2001:db8::1/32", "2001:db8::/32"},
		{"::ffff:10.1.2.3/104", "10.0.0.0/8"},
		{"10.0.0.0/33", ""},
		{"10.0.0.0/08", ""},
		{"10.0.0.0/", ""},
	},
	intel.Domain: {
		{"Example.COM", "example.com"},
		{"example.com.", "example.com"},
		{"*.example.com", "example.com"},
		{".example.com", "example.com"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"BÜCHER.example", "xn--bcher-kva.example"},
		{"xn--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"straße.example", "xn--strae-oqa.example"},
		{"例え。example", "xn--r8jz45g.example"},
		{"_ldap._tcp.dc._msdcs.corp.example", "_ldap._tcp.dc._msdcs.corp.example"},
		{"example", ""},
		{"192.0.2.7", ""},
		{"a..b", ""},
		{"exa mple.com", ""},
		{"example.com..", ""},
		{strings.Repeat("a", 64) + ".example", ""},
		{strings.Repeat("a.", 130) + "example", ""},
		{".", ""},
		{"*", ""},
		{"a.1", ""},
	},
	intel.URL: {
		{"HTTP://Example.COM", "http://example.com/"},
		{"https://example.com:443/a", "https://example.com/a"},
		{"https://example.com:80/a", "https://example.com:80/a"},
		{"http://example.com:0080", "http://example.com/"},
		{"http://user:pass@example.com/", "http://example.com/"},
		{"http://good.example@evil.example/x", "http://evil.example/x"},
		{"http://example.com/%7ea/%2F%3a%e4", "http://example.com/~a/%2F%3A%E4"},
		{"http://example.com/a/./b/../c", "http://example.com/a/c"},
		{"http://example.com/%2e%2e/a", "http://example.com/a"},
		{"http://example.com/a b", "http://example.com/a%20b"},
		{"http://example.com/ä", "http://example.com/%C3%A4"},
		{"http://example.com/100%", "http://example.com/100%25"},
		{"http://example.com/%%341", "http://example.com/%2541"},
		{"http://example.com?q=/../x#f", "http://example.com/?q=/../x"},
		{"http://example.com#f", "http://example.com/"},
		{"example.com/path", "//example.com/path"},
		{"//example.com/path", "//example.com/path"},
		{"example.com:443/", "//example.com/"},
		{"example.com:8080/x", "//example.com:8080/x"},
		{"192.0.2.7/x.sh", "//192.0.2.7/x.sh"},
		{"example.com/?u=http://other.example/", "//example.com/?u=http://other.example/"},
		{"http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"},
		{"http://0x7f.1/", "http://127.0.0.1/"},
		{"http://3221225991/", "http://192.0.2.7/"},
		{"http://0300.0.2.7/", "http://192.0.2.7/"},
		{"http://wpad/wpad.dat", "http://wpad/wpad.dat"},
		{"http://b%C3%BCcher.example/", "http://xn--bcher-kva.example/"},
		{"http://evil.example\\@good.example/", "http://evil.example/@good.example/"},
		{"tcp://192.0.2.7:4444", "tcp://192.0.2.7:4444/"},
		{"/index.html", ""},
		{"word/word", ""},
		{"http://", ""},
		{"http:///x", ""},
		{"http://a b/", ""},
		{"http://example.com/\n", "http://example.com/"},
		{"http://example.com/a\nb", ""},
		{"http://example.com:99999/", ""},
		{`c:\windows\x`, ""},
		{"mailto:a@b.example", ""},
	},
	intel.EmailAddress: {
		{"Jane.Doe+x@Example.COM", "jane.doe+x@example.com"},
		{"Jane <jane@example.com>", "jane@example.com"},
		{"mailto:jane@example.com", "jane@example.com"},
		{"jane@bücher.example", "jane@xn--bcher-kva.example"},
		{"@example.com", ""},
		{"jane@", ""},
		{"jane@example", ""},
		{"jane doe@example.com", ""},
		{"jane@.example.com", ""},
		{"a@b@example.com", ""},
	},
	intel.MD5:     {{"D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"}, {"d41d8cd98f00b204e9800998ecf8427", ""}, {"g41d8cd98f00b204e9800998ecf8427e", ""}},
	intel.SHA1:    {{"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "da39a3ee5e6b4b0d3255bfef95601890afd80709"}, {"d41d8cd98f00b204e9800998ecf8427e", ""}},
	intel.ImpHash: {{"D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"}},
	intel.SHA256:  {{strings.Repeat("AB", 32), strings.Repeat("ab", 32)}, {strings.Repeat("ab", 33), ""}},
	intel.SHA512:  {{strings.Repeat("AB", 64), strings.Repeat("ab", 64)}},
	intel.FileName: {
		{"Evil.EXE", "evil.exe"}, {`"a b.txt"`, "a b.txt"}, {"a/b", ""}, {`a\b`, ""}, {"..", ""}, {strings.Repeat("a", 256), ""},
	},
	intel.FilePath: {
		{`C:\Windows\System32\CMD.exe`, `c:\windows\system32\cmd.exe`},
		{`c:/Windows//x.exe`, `c:\windows\x.exe`},
		{`\??\C:\x\`, `c:\x`},
		{`\\?\C:\x`, `c:\x`},
		{`\\?\UNC\Server\share\x`, `\\server\share\x`},
		{`\\Server\share\x`, `\\server\share\x`},
		{`C:\`, `c:\`},
		{`\Device\HarddiskVolume3\Windows\x.exe`, `\windows\x.exe`},
		{`\SystemRoot\System32\x.sys`, `\windows\system32\x.sys`},
		{`%windir%\x.exe`, `\windows\x.exe`},
		{`\??\GLOBALROOT\Device\HarddiskVolume12\x`, `\x`},
		{`\\.\pipe\Evil`, `\\.\pipe\evil`},
		{`"C:\Program Files\a.exe"`, `c:\program files\a.exe`},
		{`C:\ÄÖ.exe`, `c:\äö.exe`},
		{"/etc//Passwd", "/etc/Passwd"},
		{"/usr/./bin/", "/usr/bin"},
		{"/", "/"},
		{"~/x", "~/x"},
		{"./x//y", "./x/y"},
		{"cmd.exe", ""},
		{`\\?\`, ""},
		{`C:\a*`, ""},
		{"/a\nb", ""},
	},
	intel.RegistryKey: {
		{`HKLM\Software\X`, `hklm\software\x`},
		{`HKEY_LOCAL_MACHINE\Software\\X\`, `hklm\software\x`},
		{`\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\x`, `hklm\system\currentcontrolset\services\x`},
		{`HKLM\System\CurrentControlSet\Services\x`, `hklm\system\currentcontrolset\services\x`},
		{`HKLM:\Software\X`, `hklm\software\x`},
		{`HKU\S-1-5-21-1-2-3-1001\Software\X`, `hkcu\software\x`},
		{`HKU\S-1-5-21-1-2-3-1001_Classes\X`, `hkcu\software\classes\x`},
		{`HKCU\Software\X`, `hkcu\software\x`},
		{`HKU\S-1-5-18\Software\X`, `hku\s-1-5-18\software\x`},
		{`HKCR\.txt`, `hklm\software\classes\.txt`},
		{`[HKEY_CURRENT_USER\Software\X]`, `hkcu\software\x`},
		{`Registry::HKEY_USERS\.DEFAULT\X`, `hku\.default\x`},
		{`Software\X`, ""},
		{`HKLM`, ""},
		{`HKLMX\a`, ""},
	},
	intel.Mutex:       {{`Global\MsWinZonesCacheCounterMutexA`, "MsWinZonesCacheCounterMutexA"}, {`\Sessions\1\BaseNamedObjects\Local\x`, "x"}, {`Global\`, ""}},
	intel.ServiceName: {{"mssecsvc2.0", "mssecsvc2.0"}, {"PSEXESVC", "psexesvc"}},
	intel.UserAgent:   {{"Mozilla/5.0   (X11)", "Mozilla/5.0 (X11)"}, {"\x00", ""}},
	intel.CommandLine: {{`CMD.exe  /c  "A"`, `cmd.exe /c "a"`}, {"ls\x00-l\x00", "ls -l"}},
	intel.JA3:         {{"E7D705A3286E19EA42F587B344EE6865", "e7d705a3286e19ea42f587b344ee6865"}},
	intel.JA4:         {{"t13d1516h2_8daaf6152771_e5627efa2ab1", "t13d1516h2_8daaf6152771_e5627efa2ab1"}, {"t13d1516h2_8daaf6152771-e5627efa2ab1", ""}, {"x13d1516h2_8daaf6152771_e5627efa2ab1", ""}},
	intel.Certificate: {{"DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09", "da39a3ee5e6b4b0d3255bfef95601890afd80709"}, {"da39", ""}},
	intel.ASN:         {{"AS 64496", "AS64496"}, {"asn64496", "AS64496"}, {"64496", "AS64496"}, {"AS1.10", "AS65546"}, {"AS4294967296", ""}, {"AS", ""}},
	intel.CVE:         {{"cve-2017-0144", "CVE-2017-0144"}, {"CVE\u20132017\u20130144", "CVE-2017-0144"}, {"CVE-2017-144", ""}, {"CVE-0017-0144", ""}},
	intel.Cryptocurrency: {
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
		{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", ""},
		{"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", ""},
		{"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"},
		{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"},
	},
	intel.MACAddress: {
		{"00-11-22-AA-BB-CC", "00:11:22:aa:bb:cc"}, {"0011.22aa.bbcc", "00:11:22:aa:bb:cc"}, {"001122AABBCC", "00:11:22:aa:bb:cc"}, {"00:11:22:aa:bb", ""},
	},
}

func TestNormalForms(t *testing.T) {
	t.Parallel()
	for _, kind := range intel.ObservableKinds() {
		if len(normalForms[kind]) == 0 {
			t.Errorf("kind %s is not tested", kind)
		}
		for _, c := range normalForms[kind] {
			got, ok := observable.Append([]byte("before"), kind, []byte(c[0]))
			if want := "before" + c[1]; string(got) != want || ok != (c[1] != "") {
				t.Errorf("%s %q is %q, %v, want %q", kind, c[0], got, ok, want)
			}
		}
	}
}

func TestNothingIsNoObservable(t *testing.T) {
	t.Parallel()
	for _, kind := range append(intel.ObservableKinds(), intel.NoObservable, 200) {
		for _, text := range []string{"", " \t"} {
			if got, ok := observable.Append(nil, kind, []byte(text)); ok || got != nil {
				t.Errorf("%s %q is %q", kind, text, got)
			}
		}
	}
}

func TestLongTextsStayDifferent(t *testing.T) {
	t.Parallel()
	for _, kind := range []intel.ObservableKind{intel.CommandLine, intel.UserAgent} {
		long := strings.Repeat("ä b", 4000)
		one, _ := observable.Append(nil, kind, []byte(long+"1"))
		other, _ := observable.Append(nil, kind, []byte(long+"2"))
		if string(one) == string(other) || len(one) > 4096 {
			t.Errorf("%s: %d bytes, %v", kind, len(one), string(one) == string(other))
		}
	}
}

// A hash has its digits in lower case, and nothing but digits.
func TestHashesAreDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]byte("0123456789abcdefABCDEF")), rapid.SampledFrom([]byte("0123456789abcdefABCDEF/:@G`g\x00\xb0\xe1"))), 40, 40).Draw(t, "text")
		want := strings.ToLower(string(text))
		if strings.ContainsFunc(want, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }) {
			want = ""
		}
		if got, _ := observable.Append(nil, intel.SHA1, text); string(got) != want {
			t.Fatalf("%q is %q, want %q", text, got, want)
		}
	})
}

// Addresses are read as the standard library reads them.
func TestAddressesAreReadAsNetipDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(`[0-9a-f:.]{1,24}`), rapid.StringMatching(`([0-9a-f]{0,4}:){2,8}[0-9a-f]{0,4}`),
			rapid.StringMatching(`(::)?([0-9a-f]{1,4}:){0,7}(:[0-9a-f]{1,4}){0,5}(%[a-z]{1,2})?`), rapid.StringMatching(`::ffff:[0-9]{1,3}(\.[0-9]{1,3}){3}`)).Draw(t, "text")
		want := ""
		if a, err := netip.ParseAddr(text); err == nil {
			want = a.WithZone("").Unmap().String()
		}
		if got, _ := observable.Append(nil, intel.IPAddress, []byte(text)); string(got) != want {
			t.Fatalf("%q is %q, want %q", text, got, want)
		}
	})
}

func TestAppendDoesNotAllocate(t *testing.T) {
	buffer := make([]byte, 0, 8192)
	for kind, cases := range normalForms {
		for _, c := range cases {
			text := []byte(c[0])
			if strings.ContainsFunc(c[0], func(r rune) bool { return r > 127 }) || strings.Contains(c[0], "%") {
				continue
			}
			if n := testing.AllocsPerRun(10, func() { observable.Append(buffer, kind, text) }); n != 0 {
				t.Errorf("%s %q: %v allocations", kind, c[0], n)
			}
		}
	}
}
