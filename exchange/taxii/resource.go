package taxii

import (
	"encoding/json"
	"time"
)

// MediaType is what every answer is, and what every request asks for (§1.6.8).
const MediaType = "application/taxii+json;version=2.1"

// stixMediaType is what collections hold.
const stixMediaType = "application/stix+json;version=2.1"

// Discovery tells of a server (§4.1).
type Discovery struct {
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Contact     string   `json:"contact,omitempty"`
	Default     string   `json:"default,omitempty"`
	APIRoots    []string `json:"api_roots,omitempty"`
}

// APIRoot tells of an API root (§4.2).
type APIRoot struct {
	Title            string   `json:"title"`
	Description      string   `json:"description,omitempty"`
	Versions         []string `json:"versions"`
	MaxContentLength int64    `json:"max_content_length"` // bytes of a request's body
}

// Collection tells of a collection (§5.2).
type Collection struct {
	ID          string   `json:"id"` // a UUID of version 4, which some clients insist on
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Alias       string   `json:"alias,omitempty"` // stands for the id in paths
	CanRead     bool     `json:"can_read"`
	CanWrite    bool     `json:"can_write"`
	MediaTypes  []string `json:"media_types,omitempty"`
}

// Status tells what became of added objects (§4.3). Of ours, all of them are
// settled by the time of the answer.
type Status struct {
	ID           string   `json:"id"`
	Status       string   `json:"status"` // complete or pending
	Requested    string   `json:"request_timestamp,omitempty"`
	TotalCount   int      `json:"total_count"`
	SuccessCount int      `json:"success_count"`
	Successes    []Detail `json:"successes,omitempty"`
	FailureCount int      `json:"failure_count"`
	Failures     []Detail `json:"failures,omitempty"`
	PendingCount int      `json:"pending_count"`
	Pendings     []Detail `json:"pendings,omitempty"`
}

// Detail tells of one object of a Status.
type Detail struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Message string `json:"message,omitempty"`
}

// Error is a TAXII error message (§3.6.1).
type Error struct {
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	ID          string `json:"error_id,omitempty"`
	Code        string `json:"error_code,omitempty"`
	HTTPStatus  string `json:"http_status,omitempty"`
	External    string `json:"external_details,omitempty"`
	Details     any    `json:"details,omitempty"`
}

// Page is a page of objects (§3.7, the envelope).
type Page struct {
	More    bool              `json:"more,omitempty"`
	Next    string            `json:"next,omitempty"`
	Objects []json.RawMessage `json:"objects,omitempty"`
	// First and Last are when the first and the last of them were added, from the
	// headers; as they came, and empty where the server does not say.
	First, Last string `json:"-"`
}

// ManifestEntry says what a collection holds, without the object (§5.3).
type ManifestEntry struct {
	ID        string `json:"id"`
	DateAdded string `json:"date_added"`
	Version   string `json:"version"`
	MediaType string `json:"media_type,omitempty"`
}

// Manifest is a page of them.
type Manifest struct {
	More        bool            `json:"more,omitempty"`
	Next        string          `json:"next,omitempty"`
	Objects     []ManifestEntry `json:"objects,omitempty"`
	First, Last string          `json:"-"`
}

// Versions is a page of the versions of an object (§5.8).
type Versions struct {
	More     bool     `json:"more,omitempty"`
	Next     string   `json:"next,omitempty"`
	Versions []string `json:"versions,omitempty"`
}

// momentLayout is how moments are written (§3.5): microseconds, Z.
const momentLayout = "2006-01-02T15:04:05.000000Z"

// Moment writes a moment as TAXII does.
func Moment(t time.Time) string { return t.UTC().Format(momentLayout) }
