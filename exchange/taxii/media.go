package taxii

import (
	"mime"
	"strconv"
	"strings"
)

// acceptable reports whether an Accept header allows MediaType (§1.6.8). Wildcards
// and a media type without a version do, as does no header at all.
func acceptable(headers []string) bool {
	stated := false
	for _, header := range headers {
		for one := range strings.SplitSeq(header, ",") {
			if strings.TrimSpace(one) == "" {
				continue
			}
			stated = true
			kind, parameters, err := mime.ParseMediaType(one)
			if err != nil {
				continue
			}
			if q, err := strconv.ParseFloat(parameters["q"], 64); err == nil && q == 0 {
				continue
			}
			version := parameters["version"]
			if kind == "*/*" || kind == "application/*" || kind == "application/taxii+json" && (version == "" || version == "2.1") {
				return true
			}
		}
	}
	return !stated
}

// isMediaType reports whether a Content-Type is that of TAXII 2.1, or one of others.
func isMediaType(header string, others []string) bool {
	for _, allowed := range append([]string{MediaType}, others...) {
		if same(header, allowed) {
			return true
		}
	}
	return false
}

func same(a, b string) bool {
	kind, parameters, err := mime.ParseMediaType(a)
	wanted, want, wantErr := mime.ParseMediaType(b)
	return err == nil && wantErr == nil && kind == wanted && parameters["version"] == want["version"]
}
