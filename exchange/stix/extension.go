package stix

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Extension is the id of the definition of what our own bundles add to STIX. Its
// property "action" of an indicator says what is to be done where it is seen:
// detect, block or do-not-block.
const Extension = "extension-definition--6f3cb7c1-3b0e-4b52-9d86-5a0f7c2b9e41"

var predefinedForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*-ext$`)

// extensionTypes returns what the extensions of an object are (§7.3).
func (o Object) extensionTypes() []string {
	var types []string
	for _, value := range o.Inner("extensions") {
		if extension, ok := value.(map[string]any); ok {
			types = append(types, Object(extension).Text("extension_type"))
		}
	}
	return types
}

// openedBy reports whether an extension may have put any property on the object.
func (o Object) openedBy() bool {
	return slices.Contains(o.extensionTypes(), "toplevel-property-extension")
}

// newType returns which of new-sdo, new-sco and new-sro defines the object's type.
func (o Object) newType() string {
	for _, kind := range o.extensionTypes() {
		if strings.HasPrefix(kind, "new-") {
			return kind
		}
	}
	return ""
}

// extensions checks the extensions of an object.
func (c *checker) extensions(path string, value any) {
	extensions, ok := value.(map[string]any)
	if !ok {
		c.must(path, "an object is expected")
		return
	}
	if len(extensions) == 0 {
		c.must(path, "it must not be empty")
	}
	for _, name := range slices.Sorted(maps.Keys(extensions)) {
		here := join(path, name)
		extension, ok := extensions[name].(map[string]any)
		switch {
		case !ok:
			c.must(here, "an object is expected")
		case len(extension) == 0:
			c.must(here, "it must not be empty")
		case c.tableModel.extensions[name] != nil:
			class := c.tableModel.extensions[name]
			c.class(here, extension, class)
			c.unknown(here, extension, class, false)
			c.specialExtension(here, name, extension)
		case strings.HasPrefix(name, extensionDefinition+"--"):
			c.defined(here, name, extension)
		case predefinedForm.MatchString(name):
			c.customName(here, name, "x-", "extension", false)
			c.dictionary(here, extension)
		default:
			c.must(here, "it is no name of an extension: the id of its definition, or a name that ends in -ext")
		}
	}
}

// defined checks an extension that has a definition.
func (c *checker) defined(path, id string, extension Object) {
	if reason := idFault(id); reason != "" {
		c.must(path, "%s", reason)
	}
	kind, stated := extension["extension_type"]
	text, _ := kind.(string)
	switch {
	case !stated:
		c.must(join(path, "extension_type"), "it is required")
	case !slices.Contains(c.vocabularies["extension-type-enum"], text):
		c.must(join(path, "extension_type"), "%s is none of %s", shown(kind), strings.Join(c.vocabularies["extension-type-enum"], ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(extension)) {
		if name != "id" && !propertyForm.MatchString(name) {
			c.must(join(path, name), "it is no name of a property: lower-case letters, digits and underscores, at least three")
		}
	}
}

// specialExtension checks what the tables cannot say of predefined extensions.
func (c *checker) specialExtension(path, name string, extension Object) {
	switch name {
	case "windows-process-ext":
		if priority := extension.Text("priority"); priority != "" && !strings.HasSuffix(priority, "_CLASS") {
			c.should(rulePriority, join(path, "priority"), "it should end in _CLASS")
		}
	case "http-request-ext":
		for header, values := range extension.Inner("request_header") {
			if _, ok := values.([]any); !ok {
				c.must(join(path, "request_header."+header), "a list of texts is expected")
			}
			if !slices.Contains(headers, strings.ToLower(header)) {
				c.should(ruleNames, join(path, "request_header."+header), "no such header of requests is registered")
			}
		}
	case "socket-ext":
		for option := range extension.Inner("options") {
			if !slices.Contains(socketOptions, option) {
				c.should(ruleNames, join(path, "options."+option), "it is no option of a socket")
			}
		}
	case "pdf-ext":
		for key := range extension.Inner("document_info_dict") {
			if !slices.Contains(pdfKeys, key) {
				c.should(ruleNames, join(path, "document_info_dict."+key), "no such key of a PDF's information dictionary is defined")
			}
		}
	case "windows-pebinary-ext":
		if stamp := extension.Text("time_date_stamp"); strings.Contains(stamp, ".") {
			c.must(join(path, "time_date_stamp"), "it has whole seconds")
		}
	}
}

// socketOptions are the options of sockets that systems have under the prefixes that
// the standard names (§6.12.4).
var socketOptions = strings.Fields(`SO_ACCEPTCONN SO_BINDTODEVICE SO_BROADCAST SO_BSDCOMPAT SO_BUSY_POLL SO_CONDITIONAL_ACCEPT SO_DEBUG SO_DOMAIN
	SO_DONTLINGER SO_DONTROUTE SO_ERROR SO_EXCLUSIVEADDRUSE SO_GROUP_PRIORITY SO_KEEPALIVE SO_LINGER SO_MARK SO_MAX_MSG_SIZE SO_OOBINLINE SO_PASSCRED
	SO_PEEK_OFF SO_PEERCRED SO_PRIORITY SO_PROTOCOL SO_PROTOCOL_INFO SO_RANDOMIZE_PORT SO_RCVBUF SO_RCVBUFFORCE SO_RCVLOWAT SO_RCVTIMEO SO_REUSEADDR
	SO_REUSEPORT SO_RXQ_OVFL SO_SNDBUF SO_SNDBUFFORCE SO_SNDLOWAT SO_SNDTIMEO SO_TIMESTAMP SO_TYPE SO_UPDATE_ACCEPT_CONTEXT SO_USELOOPBACK
	ICMP_FILTER ICMP6_FILTER IP_ADD_MEMBERSHIP IP_ADD_SOURCE_MEMBERSHIP IP_BLOCK_SOURCE IP_DONTFRAGMENT IP_DROP_MEMBERSHIP IP_DROP_SOURCE_MEMBERSHIP
	IP_FREEBIND IP_HDRINCL IP_MINTTL IP_MTU IP_MTU_DISCOVER IP_MULTICAST_ALL IP_MULTICAST_IF IP_MULTICAST_LOOP IP_MULTICAST_TTL IP_NODEFRAG IP_OPTIONS
	IP_PKTINFO IP_RECEIVE_BROADCAST IP_RECVERR IP_RECVIF IP_RECVOPTS IP_RECVORIGDSTADDR IP_RECVTOS IP_RECVTTL IP_RETOPTS IP_ROUTER_ALERT IP_TOS
	IP_TRANSPARENT IP_TTL IP_UNBLOCK_SOURCE IP_UNICAST_IF IPV6_ADDRFORM IPV6_ADD_MEMBERSHIP IPV6_CHECKSUM IPV6_DONTFRAG IPV6_DROP_MEMBERSHIP
	IPV6_HDRINCL IPV6_HOPLIMIT IPV6_JOIN_GROUP IPV6_LEAVE_GROUP IPV6_MTU IPV6_MTU_DISCOVER IPV6_MULTICAST_HOPS IPV6_MULTICAST_IF IPV6_MULTICAST_LOOP
	IPV6_PKTINFO IPV6_PROTECTION_LEVEL IPV6_RECVERR IPV6_RECVIF IPV6_RECVPKTINFO IPV6_RECVTCLASS IPV6_RTHDR IPV6_TCLASS IPV6_UNICAST_HOPS IPV6_UNICAST_IF
	IPV6_V6ONLY MCAST_BLOCK_SOURCE MCAST_INCLUDE MCAST_EXCLUDE MCAST_JOIN_GROUP MCAST_JOIN_SOURCE_GROUP MCAST_LEAVE_GROUP MCAST_LEAVE_SOURCE_GROUP
	MCAST_UNBLOCK_SOURCE TCP_CONGESTION TCP_CORK TCP_DEFER_ACCEPT TCP_EXPEDITED_1122 TCP_FASTOPEN TCP_INFO TCP_KEEPCNT TCP_KEEPIDLE TCP_KEEPINTVL
	TCP_LINGER2 TCP_MAXRT TCP_MAXSEG TCP_MD5SIG TCP_NODELAY TCP_NOTSENT_LOWAT TCP_QUICKACK TCP_SYNCNT TCP_TIMESTAMPS TCP_USER_TIMEOUT TCP_WINDOW_CLAMP
	IRLMP_9WIRE_MODE IRLMP_DISCOVERY_MODE IRLMP_ENUMDEVICES IRLMP_EXCLUSIVE_MODE IRLMP_IAS_QUERY IRLMP_IAS_SET IRLMP_IRLPT_MODE IRLMP_PARAMETERS
	IRLMP_SEND_PDU_LEN IRLMP_SHARP_MODE IRLMP_TINYTP_MODE`)

// pdfKeys are the keys of a document information dictionary (ISO 32000-1 §14.3.3).
var pdfKeys = []string{"Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate", "Trapped"}

// headers are the fields of HTTP requests that IANA has registered and that are in use.
var headers = strings.Fields(`a-im accept accept-charset accept-datetime accept-encoding accept-language access-control-request-headers
	access-control-request-method authorization cache-control connection content-encoding content-length content-md5 content-type cookie date dnt expect
	forwarded from front-end-https host http2-settings if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive max-forwards origin
	pragma prefer proxy-authorization proxy-connection range referer save-data sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user sec-gpc te
	trailer transfer-encoding upgrade upgrade-insecure-requests user-agent via warning x-att-deviceid x-correlation-id x-csrf-token x-forwarded-for
	x-forwarded-host x-forwarded-proto x-http-method-override x-request-id x-requested-with x-uidh x-wap-profile`)
