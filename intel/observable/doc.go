// Package observable knows what an observable is: which texts are an address, a
// domain, a URL, a hash and so on, what the normal form of each is, and where
// they stand in the fields and in the text of an event or a report.
//
// Words: the normal form of an observable is the one spelling under which it is
// stored and looked for, so that two texts name the same thing if and only if
// their normal forms are equal. Defanged is what people write so that nobody
// clicks on it (hxxp, [.]); refanging undoes it.
//
// Normal forms by kind:
//
//	ip              canonical text (RFC 5952 for IPv6); IPv4-mapped is IPv4; the zone is dropped
//	cidr            masked; a bare address is the range of itself
//	domain          lower case, A-labels, no trailing dot; "*." and "." before it are dropped; has at least two labels
//	url             see below
//	email           lower case throughout, domain as above: no mail system in use tells local parts apart by case
//	md5 … sha512    lower-case hexadecimal
//	filename        lower case: a bare name does not say which system it is from
//	filepath        Windows: lower case, one backslash between parts, no trailing one, prefixes of the object manager dropped;
//	                a device or %SystemRoot% for the drive gives a path without drive ("\windows\x.exe", see WithoutDrive).
//	                POSIX: case kept, "//" and "/./" folded
//	registry-key    lower case from hklm, hku, hkcu; ControlSet00N is currentcontrolset, HKCR is hklm\software\classes,
//	                the hive of a person (HKU\S-1-5-21-…) is hkcu
//	mutex           without Global\, Local\ or session; case kept, as Windows tells them apart
//	service         lower case
//	user-agent      runs of white space are one space; case kept
//	ja3, ja4        lower case
//	certificate     lower-case hexadecimal without separators, SHA-1 or SHA-256
//	asn             AS and the number
//	cve             upper case
//	cryptocurrency  as written when case matters, else lower case; checksums of Bitcoin and its kin are verified
//	mac             aa:bb:cc:dd:ee:ff
//	command-line    runs of white space are one space, lower case
//
// User agents above 1,024 bytes and command lines above 4,096 keep their
// beginning, followed by the SHA-256 of the whole: still equal only when equal.
// Anything else that is too long is not an observable.
//
// URLs: scheme and host in lower case, user and password dropped (they are not
// sent to the host as such, and are secrets), default port dropped, percent
// encoding normalised (RFC 3986 §6.2.2), dot segments removed, an empty path is
// "/", the fragment dropped. A URL without scheme ("host/path", as proxies and
// many lists write it) is "//host/path"; WithoutScheme gives that form of any
// URL, so that a list without schemes matches http and https alike.
//
// Three ways lead to observables: Append, Parse and Guess take one text; an
// Extractor takes the typed fields of a record, and apart from those its text;
// Find takes any text. What Find finds is measured on lines of real logs and
// reports that were labelled by reading them, in rounds (testdata/labels): one
// that rules were made on, two that were held out, and one of rare kinds. What
// each gave when it was new stands in docs/performance.md.
//
// The package keeps nothing and knows no store. What is private about an
// observable, and whether it is bad, is for others to say.
package observable
