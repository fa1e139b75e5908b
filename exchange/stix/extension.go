package stix

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

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
		for header := range extension.Inner("request_header") {
			if !slices.Contains(headers, strings.ToLower(header)) {
				c.should(ruleNames, join(path, "request_header."+header), "no such header of requests is registered")
			}
		}
	case "socket-ext":
		for option := range extension.Inner("options") {
			if !socketOption.MatchString(option) {
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

var socketOption = regexp.MustCompile(`^(SO|ICMP|ICMP6|IP|IPV6|MCAST|TCP|IRLMP)(_[A-Z]+)+$`)

// pdfKeys are the keys of a document information dictionary (ISO 32000-1 §14.3.3).
var pdfKeys = []string{"Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate", "Trapped"}

// headers are the fields of HTTP requests that IANA has registered and that are in use.
var headers = strings.Fields(`a-im accept accept-charset accept-datetime accept-encoding accept-language access-control-request-headers
	access-control-request-method authorization cache-control connection content-encoding content-length content-md5 content-type cookie date dnt expect
	forwarded from front-end-https host http2-settings if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive max-forwards origin
	pragma prefer proxy-authorization proxy-connection range referer save-data sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user sec-gpc te
	trailer transfer-encoding upgrade upgrade-insecure-requests user-agent via warning x-att-deviceid x-correlation-id x-csrf-token x-forwarded-for
	x-forwarded-host x-forwarded-proto x-http-method-override x-request-id x-requested-with x-uidh x-wap-profile`)
