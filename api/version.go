package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tocsin/alliance/warning"
	"tocsin/incident"
	"tocsin/people"
	"tocsin/plan/duty"
	"tocsin/plan/report"
)

// An incident's version is its ETag, "v7" in quotes. Whoever changes it says by
// If-Match which version they have seen, and is refused with 412 and the present
// incident when somebody else was faster (RFC 9110 section 13.1.1). What
// overwrites (PATCH) is refused with 428 when it does not say (RFC 6585 section
// 3); what only adds may leave it away.

// versioned is what has a version.
type versioned interface{ tag() string }

// tagOf is the version of an answer, as a header; "" for what has none.
func tagOf(v any) string {
	switch v := v.(type) {
	case incident.Incident:
		return tag(v.Version)
	case report.Report:
		return tag(v.Version)
	case duty.Described:
		return tag(v.Version)
	case warning.Record:
		return tag(v.Version)
	case warning.View:
		return tag(v.Version)
	case versioned:
		return v.tag()
	}
	return ""
}

func tag(version int64) string { return `"v` + strconv.FormatInt(version, 10) + `"` }

// errUnversioned refuses a change of what one has not seen.
var errUnversioned = errors.New("precondition required")

// ifMatch is the version that a request has seen; 0 is any.
func ifMatch(r *http.Request) (int64, error) {
	text := strings.TrimSpace(r.Header.Get("If-Match"))
	if text == "" || text == "*" {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(strings.Trim(text, `"`), "v")
	version, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || version < 1 || text != tag(version) {
		return 0, &HeaderError{"If-Match", text, `give the ETag of the answer before, such as "v7", or *`}
	}
	return version, nil
}

// adds is a change of an incident that overwrites nothing.
func adds(r *http.Request, why string) (incident.Change, error) {
	version, err := ifMatch(r)
	return incident.Change{Who: people.Actor(r.Context()), Incident: r.PathValue("id"), Version: version, Why: why}, err
}

// overwrites is a change of an incident that has to say what it has seen.
func overwrites(r *http.Request) (incident.Change, error) {
	if r.Header.Get("If-Match") == "" {
		return incident.Change{}, fmt.Errorf("say which version you change: send If-Match with the ETag of the incident: %w", errUnversioned)
	}
	return adds(r, "")
}
