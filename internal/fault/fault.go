// Package fault names the failures that a caller can act on. Test for them
// with errors.Is; every other error is internal.
package fault

import "errors"

// The kinds of failure.
var (
	NotFound    = errors.New("not found")
	Invalid     = errors.New("invalid")
	Forbidden   = errors.New("forbidden")
	Conflict    = errors.New("conflict")
	Unavailable = errors.New("unavailable")
)
