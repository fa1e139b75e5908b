package observable_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// found lists what Find reports: the kind and the text as it stands there.
func found(text string) []string {
	var list []string
	observable.Find([]byte(text), func(o intel.Observable, start, end int) {
		list = append(list, o.Kind.String()+" "+text[start:end])
	})
	return list
}

var findings = map[string][]string{
	"Connection from 192.0.2.7:4711 to [2001:db8::1]:443.":        {"ip 192.0.2.7", "ip 2001:db8::1"},
	"the range 10.0.0.0/8, and 192.0.2.1-192.0.2.9":               {"cidr 10.0.0.0/8", "ip 192.0.2.1", "ip 192.0.2.9"},
	"version 1.2.3.4, v1.2.3.4, Chrome/117.0.5938.62, 1.2.3.4.5":  nil,
	"FileVersion: 10.0.1.1 and (1.2.3.4 and prior)":               nil,
	"run setup.py and a.sh, see readme.md in report.zip":          {"filename setup.py", "filename a.sh", "filename readme.md", "filename report.zip"},
	"kernel32.dll, System.Net, System.IO.File, java.io, e.target": {"filename kernel32.dll"},
	"org.apache.logging.log4j.core, document.open(), host.name=x": nil,
	`{"process.name":"x","dns.id":1,"query":"www.example.com"}`:   {"domain www.example.com"},
	"visit hxxp://evil[.]com/a?b=c, or evil[.]com.":               {"url hxxp://evil[.]com/a?b=c", "domain evil[.]com"},
	"(see https://example.com/a_(b)) and <http://example.com>":    {"url https://example.com/a_(b)", "url http://example.com"},
	"at example.com/a/b.php or 192.0.2.7/x.sh":                    {"url example.com/a/b.php", "url 192.0.2.7/x.sh"},
	"mail jane.doe@example.com, jane[at]example[.]com, root@host": {"email jane.doe@example.com", "email jane[at]example[.]com"},
	"chacha20-poly1305@openssh.com and git user@192.0.2.7":        {"ip 192.0.2.7"},
	"MD5=d41d8cd98f00b204e9800998ecf8427e,IMPHASH=00112233445566778899aabbccddeeff": {
		"md5 d41d8cd98f00b204e9800998ecf8427e", "imphash 00112233445566778899aabbccddeeff",
	},
	"aad41d8cd98f00b204e9800998ecf8427e {c7a1b2d3-0011-2233-4455-66778899aabb}":    nil,
	"saddr=02000050A9FEA9FE0000000000000000 12:30:45 std::string":                  nil,
	"CVE-2017-0144 and cve-2021-44228-poc, not CVE-1":                              {"cve CVE-2017-0144", "cve cve-2021-44228"},
	"card 00:0c:29:aa:bb:cc of AS64496":                                            {"mac 00:0c:29:aa:bb:cc", "asn AS64496"},
	"pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa or 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb": {"cryptocurrency 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
	`drops "C:\Program Files\a b.exe" and C:\Windows\x.exe -k`:                     {`filepath C:\Program Files\a b.exe`, `filepath C:\Windows\x.exe`},
	`sets HKLM\Software\Microsoft\Windows NT\CurrentVersion\Run and more`:          {`registry-key HKLM\Software\Microsoft\Windows NT\CurrentVersion\Run`},
	"reads /etc/passwd and/or /tmp/x.sh, not /c or TCP/IP":                         {"filepath /etc/passwd", "filepath /tmp/x.sh"},
	"攻击者使用evil.com，地址为192.0.2.7。":                                                  {"domain evil.com", "ip 192.0.2.7"},
	`{"serialNumber":"0ca9c64361bfc92a79b1dd9cfb9e48ec","traceId":"0ca9c64361bfc92a79b1dd9cfb9e48ec","md5":"0ca9c64361bfc92a79b1dd9cfb9e48ed"}`: {
		"md5 0ca9c64361bfc92a79b1dd9cfb9e48ed",
	},
	"443\tCN=a,O=b\tCN=c,O=b\t0CA9C64361BFC92A79B1DD9CFB9E48EC":                                                            nil,
	"0CA9C64361BFC92A79B1DD9CFB9E48EC\tgood\t-":                                                                            nil,
	"aad3b435b51404eeaad3b435b51404ee:0ca9c64361bfc92a79b1dd9cfb9e48ec in commit da39a3ee5e6b4b0d3255bfef95601890afd80709": nil,
	`"cert_chain_fps":["b2dafbcdbc75210672f137f27ce882ccb799887631655d4f11191d5a678e44fe","a2dafbcdbc75210672f137f27ce882ccb799887631655d4f11191d5a678e44fe"]`: {
		"certificate b2dafbcdbc75210672f137f27ce882ccb799887631655d4f11191d5a678e44fe",
		"certificate a2dafbcdbc75210672f137f27ce882ccb799887631655d4f11191d5a678e44fe",
	},
	"JA3 hash: e0fe397a5edfba9a6facc7c7b341f4eb, JA4 t13d1516h2_8daaf6152771_e5627efa2ab1": {
		"ja3 e0fe397a5edfba9a6facc7c7b341f4eb", "ja4 t13d1516h2_8daaf6152771_e5627efa2ab1",
	},
	"ASN 64496, AS 64496, (AS174), ASN1, AS 2012 and AS400": {"asn ASN 64496", "asn AS 64496", "asn AS174"},
	"cpe:2.3:a:x:y:2.0.0.7:*, >= 1.2.3.4, up to 1.2.3.5, mask 255.255.0.0; 0.0.0.0/0, fe80::/10, 192.0.2.1-9": {
		"cidr 0.0.0.0/0", "cidr fe80::/10", "ip 192.0.2.1",
	},
	`{"CallTrace":"C:\\Windows\\ntdll.dll+9c584|","a":"\u003cjane@example.com\u003e","u":"CORP.EXAMPLE.COM\\jane"}`: {
		`filepath C:\\Windows\\ntdll.dll`, "email jane@example.com", "domain CORP.EXAMPLE.COM",
	},
	`{"Message":"x\r\nTargetObject: HKLM\\A\\Terminal Server","b":1}`:       {`registry-key HKLM\\A\\Terminal Server`},
	`<code>HKLM\A\Notification Packages</code> and ‘HKLM\A\B’`:              {`registry-key HKLM\A\Notification Packages`, `registry-key HKLM\A\B`},
	`C:\Windows\ntdll\.dll\+[a-z0-9]{4}`:                                    nil,
	`$env:TEMP\a.exe $HOME/Library/b /dev/tcp/192.0.2.7/80`:                 {`filepath $env:TEMP\a.exe`, "filepath $HOME/Library/b", "ip 192.0.2.7"},
	`GET /data/a.txt, "url":"/media/b.php?c=/bin/sh%20192.0.2.7%20x"`:       {"filename a.txt", "filename b.php", "filepath /bin/sh", "ip 192.0.2.7"},
	"*.example.com, _ldap._tcp.dc._msdcs.example.com, CN=example.com/O=A":   {"domain example.com", "domain _ldap._tcp.dc._msdcs.example.com", "domain example.com"},
	"git@example.com:a/b.git; Message-ID: <1@mail.example.com>":             nil,
	`'\web.config' coders/bmp.c libc.so.6 .c.txt '.mp4.exe' x.Config`:       {"filename web.config", "filename bmp.c", "filename libc.so.6", "filename .c.txt"},
	"&lt;http://example.com/a&gt; http://3 ftp://192.0.2.7/../\\\\boot.ini": {"url http://example.com/a", `url ftp://192.0.2.7/../\\boot.ini`},
	"": nil,
}

func TestFind(t *testing.T) {
	t.Parallel()
	for text, want := range findings {
		if diff := cmp.Diff(want, found(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// hostile are texts that would cost a search which looks back or ahead too far.
func hostile(n int) []string {
	var texts []string
	for _, part := range []string{"a", ".", "a.", "[.]", "a[.]", "@", "a@", "1:", "::", "/", "a/", `\`, `C:\`, `C:\a `, "http://", "http://a.com/", "%", "CVE-", "(", "a.com/", "1.2.3.4/", "HKLM\\a ", "[", "ä", "0x"} {
		texts = append(texts, strings.Repeat(part, n/len(part)))
	}
	return texts
}

func TestFindTakesLinearTime(t *testing.T) {
	t.Parallel()
	for _, text := range hostile(1 << 16) {
		start := time.Now()
		observable.Find([]byte(text), func(intel.Observable, int, int) {})
		// This takes some milliseconds, up to a second where it is looked
		// ahead by a bounded length; looking at the rest of the text from each
		// place would take minutes.
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("64 KiB of %q… takes %v", text[:10], took)
		}
	}
}

func FuzzFind(f *testing.F) {
	for text := range findings {
		f.Add([]byte(text))
	}
	for _, text := range hostile(100) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		last := 0
		observable.Find(text, func(o intel.Observable, start, end int) {
			if start < last || end <= start || end > len(text) {
				t.Errorf("%s at %d to %d after %d in %q", o, start, end, last, text)
			}
			last = end
			if again, err := observable.Parse(o.Kind, o.Value); err != nil || again != o {
				t.Errorf("%s in %q is not in normal form: %s, %v", o, text, again, err)
			}
		})
	})
}

func ExampleFind() {
	report := "The dropper fetches hxxp://evil[.]com/a.bin from 192.0.2[.]7."
	observable.Find([]byte(report), func(o intel.Observable, _, _ int) { fmt.Println(o) })
	// Output:
	// url http://evil.com/a.bin
	// ip 192.0.2.7
}
