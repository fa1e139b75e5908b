// Package bulk reads the body of Elasticsearch's bulk API: lines of JSON in
// pairs, an action and, but for delete, the document it is about
// (Elasticsearch, "Bulk index or delete documents").
//
// It imports no room and keeps nothing: what it yields are slices of the body.
package bulk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// The actions of the protocol.
const (
	Create = "create"
	Index  = "index"
	Update = "update"
	Delete = "delete"
)

// Item is one action.
type Item struct {
	Action   string
	Index    string
	ID       string
	Document []byte // one line; nil for Delete
}

// ErrMalformed is a body that cannot be taken apart any further. Nothing of
// such a body is to be taken: what is an action and what a document is in
// doubt.
var ErrMalformed = errors.New("malformed bulk request")

// maxItems bounds how many actions a body holds, which is what a caller keeps
// an answer for. Shippers send thousands.
const maxItems = 250_000

// ErrTooMany is a body of more actions than are taken at once.
var ErrTooMany = fmt.Errorf("more than %d actions in a bulk request", maxItems)

// target is what an action says of where its document goes.
type target struct {
	Index string `json:"_index"`
	ID    string `json:"_id"`
}

// Parse takes a body apart. Actions that name no index get the one given. The
// error says on which line it stopped.
func Parse(body []byte, index string) ([]Item, error) {
	var items []Item
	var last []byte // shippers repeat the same action for thousands of documents
	var item Item
	for number := 1; len(body) > 0; number++ {
		var line []byte
		if line, body = cut(body); len(line) == 0 {
			continue
		}
		if !bytes.Equal(line, last) {
			var err error
			if item, err = action(line, index); err != nil {
				return nil, fmt.Errorf("%w: line %d is no action", ErrMalformed, number)
			}
			last = line
		}
		item.Document = nil
		if item.Action != Delete {
			number++
			if len(body) == 0 {
				return nil, fmt.Errorf("%w: line %d, the document, is missing", ErrMalformed, number)
			}
			item.Document, body = cut(body)
		}
		if len(items) == maxItems {
			return nil, ErrTooMany
		}
		items = append(items, item)
	}
	return items, nil
}

// cut cuts the first line off.
func cut(body []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(body, []byte{'\n'})
	return bytes.TrimSpace(line), rest
}

func action(line []byte, index string) (Item, error) {
	var said map[string]target
	if err := json.Unmarshal(line, &said); err != nil {
		return Item{}, err
	}
	if len(said) != 1 {
		return Item{}, ErrMalformed
	}
	for name, to := range said {
		switch name {
		case Create, Index, Update, Delete:
		default:
			return Item{}, ErrMalformed
		}
		if to.Index == "" {
			to.Index = index
		}
		return Item{Action: name, Index: to.Index, ID: to.ID}, nil
	}
	return Item{}, ErrMalformed
}

// IsObject reports whether a line looks like one JSON object: whether its
// brackets close where it ends. Whether it is one in every detail its decoder
// sees.
func IsObject(line []byte) bool {
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return false
	}
	depth := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i == len(line)-1
			}
		case '"':
			if i = quoteEnd(line, i+1); i < 0 {
				return false
			}
		}
	}
	return false
}

// quoteEnd returns where the string that goes on at i ends, or -1.
func quoteEnd(line []byte, i int) int {
	for {
		n := bytes.IndexByte(line[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		escapes := 0
		for line[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
		i++
	}
}
