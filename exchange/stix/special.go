package stix

import (
	"fmt"
	"maps"
	"mime"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/language"
)

// special checks what the tables cannot say of a type.
func (c *checker) special(path string, o Object, kind string) {
	switch kind {
	case "indicator":
		c.indicator(path, o)
	case "malware":
		if o["is_family"] == true && o["name"] == nil {
			c.must(join(path, "name"), "it is required of a family of malware")
		}
	case "malware-analysis":
		if product := o.Text("product"); product != "" && !openForm.MatchString(product) {
			c.should(ruleProduct, join(path, "product"), "it should be lower-case, with hyphens between words")
		}
	case "location":
		c.country(join(path, "country"), o.Text("country"))
	case "observed-data":
		if o["objects"] != nil {
			c.should(ruleDeprecated, join(path, "objects"), "it is deprecated: object_refs says the same")
		}
	case "relationship":
		c.relationship(path, o)
	case extensionDefinition:
		c.extensionDefinition(path, o)
	case markingDefinition:
		c.marking(path, o)
	case languageContent:
		c.language(path, o)
	default:
		c.observable(path, o, kind)
	}
	if lang, stated := o["lang"].(string); stated && !languageTag(lang) {
		c.must(join(path, "lang"), "%s is no language of RFC 5646", shown(lang))
	}
	if tlp := o.tlpRefs(); len(tlp) > 1 {
		c.note(ruleSeveralTLP, join(path, "object_marking_refs"), "it has more than one level of TLP")
	}
}

func (c *checker) country(path, code string) {
	if code == "" {
		return
	}
	if region, err := language.ParseRegion(code); err != nil || len(code) != 2 || !region.IsCountry() {
		c.should(ruleCountry, path, "%s is no code of ISO 3166-1 alpha-2", shown(code))
	}
}

func (c *checker) indicator(path string, o Object) {
	for _, name := range []string{"name", "description"} {
		if o[name] == nil {
			c.should(ruleDescribed+":indicator", join(path, name), "an indicator should have a name and a description")
		}
	}
	if text := o.Text("pattern"); text != "" && (o.Text("pattern_type") == "stix" || o["pattern_type"] == nil) {
		c.pattern(join(path, "pattern"), text)
	}
}

var relationForm = regexp.MustCompile(`^[a-z0-9-]+$`)

// relationship checks whether the standard suggests a relationship (§4, §6, §3.7).
func (c *checker) relationship(path string, o Object) {
	kind := o.Text("relationship_type")
	here := join(path, "relationship_type")
	if kind != "" && !relationForm.MatchString(kind) {
		c.must(here, "%s has characters other than lower-case letters, digits and hyphens", shown(kind))
	}
	source, target := typeOf(o.Text("source_ref")), typeOf(o.Text("target_ref"))
	if c.types[source] == nil || c.types[target] == nil || kind == "related-to" {
		return
	}
	if kind == "derived-from" || kind == "duplicate-of" {
		if source != target {
			c.should(ruleRelation, here, "%s should join two objects of one type", kind)
		}
		return
	}
	targets, known := c.relations[relation{source, kind}]
	switch {
	case !known:
		c.should(ruleRelation, here, "%s is not suggested for %s", shown(kind), source)
	case !slices.Contains(targets, target) && !slices.Contains(targets, c.family(target)):
		c.should(ruleRelation, here, "%s %s is not suggested for %s", kind, target, source)
	}
}

func (c *checker) extensionDefinition(path string, o Object) {
	if o["description"] == nil {
		c.should(ruleDescribed+":extension", join(path, "description"), "it should be there")
	}
	here := join(path, "extension_properties")
	switch top := slices.Contains(o.Texts("extension_types"), "toplevel-property-extension"); {
	case top && o["extension_properties"] == nil:
		c.should(ruleDescribed+":extension-properties", here, "it should name the properties of a toplevel-property-extension")
	case !top && o["extension_properties"] != nil:
		c.must(here, "it is used with toplevel-property-extension only")
	}
}

// language checks language content (§7.1).
func (c *checker) language(path string, o Object) {
	if typeOf(o.Text("object_ref")) == languageContent {
		c.must(join(path, "object_ref"), "it must not refer to language content")
	}
	contents := o.Inner("contents")
	for _, code := range slices.Sorted(maps.Keys(contents)) {
		here := join(path, "contents."+code)
		if !languageTag(code) {
			c.must(here, "%s is no language of RFC 5646", shown(code))
		}
		inner, ok := contents[code].(map[string]any)
		if !ok {
			c.must(here, "texts by property are expected")
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(inner)) {
			if !propertyForm.MatchString(name) {
				c.must(join(here, name), "it is no name of a property")
			}
		}
	}
}

var languageForm = regexp.MustCompile(`^([A-Za-z]{2,3}|[A-Za-z]{5,8}|[ixIX])(-[A-Za-z0-9]{1,8})*$`)

// languageTag reports whether a text is a language of RFC 5646.
func languageTag(text string) bool {
	if !languageForm.MatchString(text) {
		return false
	}
	_, err := language.Parse(text)
	return err == nil
}

var (
	cveForm     = regexp.MustCompile(`^CVE-\d{4}-(0\d{3}|[1-9]\d{3,})$`)
	capecForm   = regexp.MustCompile(`^CAPEC-\d+$`)
	mediaForm   = regexp.MustCompile(`^(application|audio|font|image|message|model|multipart|text|video)/[a-zA-Z0-9.+_-]+`)
	macForm     = regexp.MustCompile(`^([0-9a-f]{2}:){5}[0-9a-f]{2}$`)
	cpeForm     = regexp.MustCompile(`^cpe:2\.3:[aho*-](:(([?*]?([a-zA-Z0-9\-._]|\\[^a-zA-Z0-9])+[?*]*)|[*-])){10}$`)
	ipfixForm   = regexp.MustCompile(`^[a-z][A-Za-z0-9]+$`)
	domainLabel = regexp.MustCompile(`^[\pL\pN\pM]([\pL\pN\pM_-]{0,61}[\pL\pN\pM])?$|^_[\pL\pN\pM_-]{1,62}$`)
	hive        = regexp.MustCompile(`(?i)^(HKLM|HKCC|HKCR|HKCU|HKU)(\\|$)`)
)

// externalReference checks the forms of well-known sources (§2.5.2).
func (c *checker) externalReference(path string, o Object) {
	source, id := o.Text("source_name"), o.Text("external_id")
	switch {
	case source == "cve" && !cveForm.MatchString(id):
		c.must(join(path, "external_id"), "of the source cve it is CVE-YYYY-NNNN, not %s", shown(id))
	case source == "capec" && !capecForm.MatchString(id):
		c.must(join(path, "external_id"), "of the source capec it is CAPEC-NNN, not %s", shown(id))
	case source != "cve" && cveForm.MatchString(id):
		c.must(join(path, "source_name"), "of a CVE it is cve, not %s", shown(source))
	case source != "capec" && capecForm.MatchString(id):
		c.must(join(path, "source_name"), "of a CAPEC it is capec, not %s", shown(source))
	}
	if o["url"] != nil && o["hashes"] == nil {
		c.should(ruleReference, path, "a URL should come with hashes of what it led to")
	}
}

// killChain checks how the names of phases are written (§2.11).
func (c *checker) killChain(path string, o Object) {
	for _, name := range []string{"kill_chain_name", "phase_name"} {
		if text := o.Text(name); text != "" && (strings.ToLower(text) != text || strings.ContainsAny(text, " _")) {
			c.should(ruleKillChain, join(path, name), "%s should be lower-case, with hyphens between words", shown(text))
		}
	}
}

// observable checks the values of observables (§6).
func (c *checker) observable(path string, o Object, kind string) {
	value := o.Text("value")
	here := join(path, "value")
	switch kind {
	case "ipv4-addr":
		c.address(here, value, netip.Addr.Is4)
	case "ipv6-addr":
		c.address(here, value, netip.Addr.Is6)
	case "mac-addr":
		if !macForm.MatchString(value) {
			c.must(here, "%s is no address: six pairs of lower-case digits, with colons", shown(value))
		}
	case "email-addr":
		if a, err := mail.ParseAddress(value); err != nil || a.Address != value {
			c.must(here, "%s is no address, or more than one", shown(value))
		}
	case "domain-name":
		if !domain(value) {
			c.must(here, "%s is no domain name", shown(value))
		}
	case "url":
		if u, err := url.Parse(value); err == nil && u.Scheme != "" && u.Host == "" && u.Opaque == "" && u.Path == "" {
			c.must(here, "%s is no URL", shown(value))
		}
	case "artifact", "file", "directory":
		c.fileObservable(path, o, kind)
	case "email-message":
		c.message(path, o)
	case "network-traffic":
		c.traffic(path, o)
	case "software":
		c.software(path, o)
	case "windows-registry-key":
		if hive.MatchString(o.Text("key")) {
			c.must(join(path, "key"), "the hive's name must not be abbreviated")
		}
	}
}

func (c *checker) address(path, value string, is func(netip.Addr) bool) {
	addr, err := netip.ParseAddr(value)
	if strings.Contains(value, "/") {
		var prefix netip.Prefix
		prefix, err = netip.ParsePrefix(value)
		addr = prefix.Addr()
	}
	if value != "" && (err != nil || !is(addr) || addr.Zone() != "") {
		c.must(path, "%s is no address, and no range", shown(value))
	}
}

func domain(text string) bool {
	labels := strings.Split(strings.TrimSuffix(text, "."), ".")
	return len(text) <= 253 && !slices.ContainsFunc(labels, func(label string) bool { return !domainLabel.MatchString(label) })
}

func (c *checker) fileObservable(path string, o Object, kind string) {
	if media := o.Text("mime_type"); media != "" {
		switch _, _, err := mime.ParseMediaType(media); {
		case kind == "artifact" && !mediaForm.MatchString(media):
			c.must(join(path, "mime_type"), "%s is no media type", shown(media))
		case err != nil || !mediaForm.MatchString(media):
			c.should(ruleMIME, join(path, "mime_type"), "%s should be a registered media type", shown(media))
		}
	}
	for _, name := range []string{"name_enc", "path_enc"} {
		if charset := o.Text(name); charset != "" {
			if _, err := ianaindex.IANA.Encoding(charset); err != nil {
				c.must(join(path, name), "%s is no character set that IANA has registered", shown(charset))
			}
		}
	}
}

// ownFields are the headers of a message that have properties of their own.
var ownFields = []string{"date", "received_lines", "content_type", "from_ref", "sender_ref", "to_refs", "cc_refs", "bcc_refs", "subject"}

func (c *checker) message(path string, o Object) {
	for _, name := range slices.Sorted(maps.Keys(o.Inner("additional_header_fields"))) {
		if slices.Contains(ownFields, name) {
			c.must(join(path, "additional_header_fields."+name), "it has a property of its own")
		}
	}
	switch multipart, _ := o["is_multipart"].(bool); {
	case multipart && o["body"] != nil:
		c.must(join(path, "body"), "a message of several parts has body_multipart")
	case !multipart && o["body_multipart"] != nil:
		c.must(join(path, "body_multipart"), "it is used when is_multipart is true only")
	}
}

func (c *checker) traffic(path string, o Object) {
	if o["is_active"] == true && o["end"] != nil {
		c.must(join(path, "end"), "what is active has no end")
	}
	if (o["src_port"] == nil) != (o["dst_port"] == nil) || o["src_port"] == nil {
		c.should(rulePorts, path, "src_port and dst_port should both be there")
	}
	for i, protocol := range o.Texts("protocols") {
		if !slices.Contains(protocols, strings.ToLower(protocol)) {
			c.should(ruleProtocols, fmt.Sprintf("%s[%d]", join(path, "protocols"), i), "%s should be a name that IANA has registered", shown(protocol))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(o.Inner("ipfix"))) {
		if !ipfixForm.MatchString(key) {
			c.should(ruleNames, join(path, "ipfix."+key), "IANA has registered no such element of IPFIX")
		}
	}
}

// protocols are the names of protocols in use, as IANA has registered them in the
// registries of services, of protocol numbers and of Ethernet types.
var protocols = strings.Fields(`ah amqp amqps arp bacnet bgp bittorrent bootp capwap cifs coap coaps dccp dccps dhcp dhcpv6 diameter dicom dns dnp3 domain eigrp esp
	ethernet finger ftp ftp-data ftps git gopher gre gtp h323 hl7 hip hopopt http http-alt https icmp icmp6 icmpv6 iec-104 igmp igrp imap imap4 imaps ip ipcomp ipp
	ipsec ipv4 ipv6 ipv6-frag ipv6-icmp ipv6-nonxt ipv6-opts ipv6-route irc ircs isakmp iscsi isis jabber kerberos kpasswd l2tp ldap ldaps lldp llmnr mdns
	memcache mgcp modbus mongodb mms mqtt mqtts ms-sql-m ms-sql-s mysql nat-t netbios netbios-dgm netbios-ns netbios-ssn netflow nfs nntp nntps ntp opcua
	opc-ua-tcp ospf pgm pim pop2 pop3 pop3s postgresql pptp printer profinet quic radius radius-acct rdp redis rip rlogin rpcbind rsh rsvp rsync rtcp rtmp rtp
	rtsp s7comm sctp sip sips skype slp smb smtp smtps snmp snmptrap socks socks4 socks5 spdy ssdp ssh ssl stomp stun stuns submission submissions sunrpc
	svn syslog syslog-tls tacacs tcp telnet telnets tftp tls turn turns udp udplite upnp vnc vrrp vxlan wccp websocket whois winrm wins ws-discovery wss
	x11 xmpp xmpp-client xmpp-server zigbee`)

func (c *checker) software(path string, o Object) {
	if cpe := o.Text("cpe"); cpe != "" && !cpeForm.MatchString(cpe) {
		c.must(join(path, "cpe"), "%s is no CPE 2.3 name", shown(cpe))
	}
	for i, code := range o.Texts("languages") {
		if !languageTag(code) {
			c.must(fmt.Sprintf("%s[%d]", join(path, "languages"), i), "%s is no language of RFC 5646", shown(code))
		}
	}
}

// observables checks the deprecated container of observed data (§2.13): observables
// by keys of their own, which refer to each other by those keys.
func (c *checker) observables(path string, value any) {
	container, ok := value.(map[string]any)
	if !ok || len(container) == 0 {
		c.must(path, "observables by key are expected")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(container)) {
		o, ok := container[key].(map[string]any)
		if !ok {
			c.must(join(path, key), "an object is expected")
			continue
		}
		if Object(o).Type() == "" {
			c.must(join(path, key+".type"), "it is required")
		}
	}
}
