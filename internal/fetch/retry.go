package fetch

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// LongestRetry is the longest time that an answer can ask to wait: what is to
// be told today is of no use next week.
const LongestRetry = 24 * time.Hour

// RetryAfter returns how long the answer asks to wait before the next try, in
// seconds or until a date (RFC 9110 §10.2.3); at most LongestRetry, and 0 when it
// says nothing that can be read.
func (r *Response) RetryAfter(now time.Time) time.Duration {
	text := strings.TrimSpace(r.Header.Get("Retry-After"))
	if text == "" {
		return 0
	}
	switch seconds, err := strconv.ParseUint(text, 10, 31); {
	case err == nil:
		return min(time.Duration(seconds)*time.Second, LongestRetry)
	case errors.Is(err, strconv.ErrRange):
		return LongestRetry
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, min(at.Sub(now), LongestRetry))
}
