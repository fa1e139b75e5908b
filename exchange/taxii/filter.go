package taxii

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// filters are the parameters of a request (§3.4).
type filters struct {
	after time.Time
	limit int
	match url.Values // match[id], match[type], match[version], match[spec_version]
	next  string
}

// most bounds the values of one match.
const mostValues = 1000

// matches are the fields that can be matched; §3.4.1 lets others be ignored.
var matches = []string{"id", "type", "version", "spec_version"}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, fault.Invalid)...)
}

// parseFilters reads the parameters of a request, of which allowed are matches.
func parseFilters(query url.Values, allowed []string) (*filters, error) {
	f := &filters{match: url.Values{}}
	for name, values := range query {
		field, isMatch := strings.CutPrefix(name, "match[")
		field = strings.TrimSuffix(field, "]")
		switch {
		case !isMatch && name != "added_after" && name != "limit" && name != "next":
			continue
		case isMatch && !slices.Contains(allowed, field):
			continue
		case len(values) > 1:
			return nil, invalid("%s is given more than once", name)
		}
		var err error
		switch name {
		case "added_after":
			f.after, err = ParseTime(values[0])
		case "limit":
			f.limit, err = parseLimit(values[0])
		case "next":
			f.next = values[0]
		default:
			f.match[field], err = parseMatch(values[0])
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return f, nil
}

func parseLimit(text string) (int, error) {
	digits := strings.TrimLeft(text, "0")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, invalid("a whole number from 1 is expected")
	}
	n, err := strconv.Atoi(digits)
	if err != nil { // more than there can be
		return 1 << 31, nil
	}
	return n, nil
}

func parseMatch(text string) ([]string, error) {
	values := strings.Split(text, ",")
	if len(values) > mostValues {
		return nil, invalid("more than %d values", mostValues)
	}
	for i, value := range values {
		values[i] = strings.TrimSpace(value)
		if values[i] == "" {
			return nil, invalid("an empty value")
		}
	}
	return values, nil
}

// query makes a query of the filters.
func (f *filters) query() (Query, error) {
	q := Query{After: f.after, Limit: f.limit, IDs: f.match["id"], Types: f.match["type"], SpecVersions: f.match["spec_version"]}
	seen := map[string]bool{}
	for _, version := range f.match["version"] {
		if seen[version] {
			return q, invalid("match[version]: %.40q is given twice", version)
		}
		seen[version] = true
		switch version {
		case "all":
			q.Versions.All = true
		case "first":
			q.Versions.First = true
		case "last":
			q.Versions.Last = true
		default:
			at, err := ParseTime(version)
			if err != nil {
				return q, fmt.Errorf("match[version]: all, first, last or %w", err)
			}
			q.Versions.Exact = append(q.Versions.Exact, at)
		}
	}
	if q.Versions.All && len(seen) > 1 {
		return q, invalid("match[version]: all goes with no other value")
	}
	return q, nil
}

// token is what next holds: where the next page begins, and of what.
type token struct {
	Of    string              `json:"o"` // for which client, collection and kind of page
	After int64               `json:"a"` // µs
	Match map[string][]string `json:"m,omitempty"`
}

const mostToken = 64 << 10

// owner says to which client, and which of its pages, a token belongs.
func owner(client, collection, kind string) string {
	sum := sha256.Sum256([]byte(client + "\x00" + collection + "\x00" + kind))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

func (t *token) String() string {
	text, _ := json.Marshal(t) // of texts and numbers
	return base64.RawURLEncoding.EncodeToString(text)
}

// resume puts the filters of a token into the place of those given: requests for
// further pages may repeat them (also added_after, as it was or as it would be now)
// or leave them out, but not ask for something else.
func (f *filters) resume(of string) error {
	if f.next == "" {
		return nil
	}
	var t token
	text, err := base64.RawURLEncoding.DecodeString(f.next)
	if err != nil || len(text) > mostToken || json.Unmarshal(text, &t) != nil || t.Of != of || t.After <= 0 {
		return invalid("next: it is not from an earlier answer to this request")
	}
	for field, values := range f.match {
		if !slices.Equal(values, t.Match[field]) {
			return invalid("next: match[%s] is not what it was", field)
		}
	}
	for field := range t.Match {
		if !slices.Contains(matches, field) {
			return invalid("next: it is not from an earlier answer to this request")
		}
	}
	f.match, f.after = t.Match, time.UnixMicro(t.After)
	return nil
}
