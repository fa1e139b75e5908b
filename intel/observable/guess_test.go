package observable_test

import (
	"testing"

	"tocsin/intel"
	"tocsin/intel/observable"
)

var guesses = map[string]string{
	"192.0.2.7": "ip 192.0.2.7", "192[.]0[.]2[.]7": "ip 192.0.2.7", "192.0.2[.]7": "ip 192.0.2.7", "192.0.2.7:8080": "ip 192.0.2.7",
	"2001:db8::1": "ip 2001:db8::1", "[2001:db8::1]:443": "ip 2001:db8::1", "2001:db8::1,": "ip 2001:db8::1",
	"10.0.0.0/8": "cidr 10.0.0.0/8", "2001:db8::/32": "cidr 2001:db8::/32", "10[.]0[.]0[.]0/8": "cidr 10.0.0.0/8",
	"Evil.com": "domain evil.com", "evil[.]com": "domain evil.com", "evil(.)com": "domain evil.com", "evil[dot]com": "domain evil.com",
	"evil[.com": "domain evil.com", "evil.]com": "domain evil.com", "evil{.}com.": "domain evil.com", `"evil.com",`: "domain evil.com",
	"evil.com:443": "domain evil.com", "bücher.de": "domain xn--bcher-kva.de", "dc01.corp.local": "domain dc01.corp.local",
	"facebookcorewwwi.onion": "domain facebookcorewwwi.onion", "*.evil.com": "domain evil.com",
	"hxxp://evil[.]com/a": "url http://evil.com/a", "hXXps[:]//evil[.]com": "url https://evil.com/", "<http://evil.com/a>.": "url http://evil.com/a",
	"hxxp[://]evil.com/a": "url http://evil.com/a", "h**p://evil.com/": "url http://evil.com/", "http[s]://evil.com/": "url https://evil.com/",
	"hxxp(:)//evil.com/a": "url http://evil.com/a", "evil.com/a.php": "url //evil.com/a.php", "192.0.2.7/x": "url //192.0.2.7/x",
	"jane@evil.com": "email jane@evil.com", "jane[@]evil[.]com": "email jane@evil.com", "jane[at]evil[dot]com": "email jane@evil.com", "mailto:jane@evil.com": "email jane@evil.com",
	"d41d8cd98f00b204e9800998ecf8427e":         "md5 d41d8cd98f00b204e9800998ecf8427e",
	"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709": "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"setup.py": "filename setup.py", "evil.zip": "filename evil.zip", "invoice.pdf.exe": "filename invoice.pdf.exe", "kernel32.dll": "filename kernel32.dll",
	`C:\Windows\x.exe`: `filepath c:\windows\x.exe`, "/etc/passwd": "filepath /etc/passwd", `\\server\share\x`: `filepath \\server\share\x`, `%AppData%\x.exe`: `filepath %appdata%\x.exe`,
	`HKLM\Software\X`: `registry-key hklm\software\x`, "cve-2017-0144": "cve CVE-2017-0144", "AS64496": "asn AS64496",
	"00:11:22:aa:bb:cc": "mac 00:11:22:aa:bb:cc", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa": "cryptocurrency 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
	"t13d1516h2_8daaf6152771_e5627efa2ab1":                        "ja4 t13d1516h2_8daaf6152771_e5627efa2ab1",
	"da:39:a3:ee:5e:6b:4b:0d:32:55:bf:ef:95:60:18:90:af:d8:07:09": "certificate da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"Mozilla/5.0  (X11)":                                          "user-agent Mozilla/5.0 (X11)",
	"":                                                            "", "word": "", "...": "", "[]": "", "10.0.0.0/33": "", "1.2.3": "", "word/word": "", "a1b2c3": "",
}

func TestGuess(t *testing.T) {
	t.Parallel()
	for text, want := range guesses {
		o, ok := observable.Guess(text)
		got := ""
		if ok {
			got = o.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func FuzzGuess(f *testing.F) {
	for text := range guesses {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, ok := observable.Guess(text)
		if !ok {
			return
		}
		if again, err := observable.Parse(o.Kind, o.Value); err != nil || again != o {
			t.Errorf("%q is %s, which is not in normal form: %s, %v", text, o, again, err)
		}
	})
}

func TestParseSaysWhatItWants(t *testing.T) {
	t.Parallel()
	for _, kind := range intel.ObservableKinds() {
		o, err := observable.Parse(kind, normalForms[kind][0][0])
		if want := (intel.Observable{Kind: kind, Value: normalForms[kind][0][1]}); err != nil || o != want {
			t.Errorf("%s: %s, %v", kind, o, err)
		}
	}
	for kind, want := range map[intel.ObservableKind]string{
		intel.IPAddress: `"x" is not of kind ip: want an IPv4 address of four numbers below 256 without leading zeros, or an IPv6 address`,
		200:             `"x" is not of kind observable(200): there is no such kind`,
	} {
		if _, err := observable.Parse(kind, "x"); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
