package taxii

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// Position is where a pull is: give it back to go on there. The zero value is the
// beginning.
type Position struct {
	// AddedAfter is the last moment of adding that was seen, as the server wrote it.
	AddedAfter string `json:"added_after,omitempty"`
	// Next is where the page after the last one is, while there is one.
	Next string `json:"next,omitempty"`
	// Since is what AddedAfter was when Next was first given: some servers take their
	// next only with the filters it was made for.
	Since string `json:"since,omitempty"`
}

// Pull reads what was added to a collection after a position, page by page, and calls
// take for each page with the position after it, which is for the caller to keep
// together with the objects: a pull that ends early is resumed there. It returns the
// last position.
//
// Some servers lose their places, so that a next that one refuses, and that was not
// from this pull, is left out: added_after alone leads on. A page without anything new
// ends the pull with fault.Invalid when the server says that there is more, since some
// give the same page for ever.
func (c *Client) Pull(ctx context.Context, collection string, f Filter, from Position, take func(objects []json.RawMessage, after Position) error) (Position, error) {
	at, most := from, c.MaxPages
	if most <= 0 {
		most = defaultPages
	}
	seen := map[[sha256.Size]byte]bool{}
	for pages := 0; ; pages++ {
		f.AddedAfter, f.Next = at.AddedAfter, at.Next
		if at.Next != "" {
			f.AddedAfter = at.Since
		}
		page, err := c.Objects(ctx, collection, f)
		if err != nil && pages == 0 && f.Next != "" && isRefused(err) {
			at.Next, at.Since = "", ""
			f.AddedAfter, f.Next = at.AddedAfter, ""
			page, err = c.Objects(ctx, collection, f)
		}
		if err != nil {
			return at, err
		}
		after := Position{AddedAfter: at.AddedAfter}
		if later(page.Last, at.AddedAfter) {
			after.AddedAfter = page.Last
		}
		if page.More && page.Next != "" {
			after.Next, after.Since = page.Next, f.AddedAfter
		}
		fresh := c.fresh(page, seen)
		if len(page.Objects) > 0 && fresh || !page.More {
			if err := take(page.Objects, after); err != nil {
				return at, err
			}
		}
		switch {
		case !page.More:
			return after, nil
		case len(page.Objects) > 0 && !fresh, after.Next == "" && after.AddedAfter == at.AddedAfter:
			// The same page again, or no way to ask for another one. The same next is no sign: medallion keeps the place to itself.
			at.Next, at.Since = "", ""
			return at, fmt.Errorf("pull %s: after %d pages the server says that there is more and gives nothing new: %w", collection, pages+1, errEndless)
		case pages+1 == most:
			return after, fmt.Errorf("pull %s: more than %d pages: %w", collection, most, errEndless)
		case len(page.Objects) == 0 && pages > mostEmpty:
			return at, fmt.Errorf("pull %s: %d pages without objects: %w", collection, pages+1, errEndless)
		}
		at = after
	}
}

var errEndless = invalid("it pages without end")

// mostEmpty bounds pages that are empty, which a server may give when objects were
// deleted meanwhile.
const mostEmpty = 1000

// fresh reports whether a page is another one than those before. The hashes of pages
// are few: 2,000,000 objects are 2,000 pages.
func (c *Client) fresh(page *Page, seen map[[sha256.Size]byte]bool) bool {
	h := sha256.New()
	for _, object := range page.Objects {
		_, _ = h.Write(object)
		_, _ = h.Write([]byte{0})
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	if seen[sum] {
		return false
	}
	seen[sum] = true
	return true
}

// later reports whether a moment that a server wrote is one and is after another.
// Servers write them in more ways than one; what cannot be read cannot be asked by.
func later(text, than string) bool {
	t, err := ParseTime(text)
	if err != nil {
		return false
	}
	other, err := ParseTime(than)
	return err != nil || t.After(other)
}

// isRefused reports whether a server did not understand a request.
func isRefused(err error) bool {
	var r *refusal
	return errors.As(err, &r) && slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity}, r.status)
}
