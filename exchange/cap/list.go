package cap

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// Join makes the text of Addresses and Incidents: items separated by blanks, in
// double quotes when they hold blanks (§3.2.1, addresses). A double quote cannot
// stand in an item; it becomes a single one.
func Join(items []string) string {
	quoted := make([]string, 0, len(items))
	for _, item := range items {
		item = strings.ReplaceAll(item, `"`, "'")
		if strings.ContainsAny(item, " \t\r\n") || item == "" {
			item = `"` + item + `"`
		}
		quoted = append(quoted, item)
	}
	return strings.Join(quoted, " ")
}

// Split undoes Join.
func Split(text string) ([]string, error) {
	var items []string
	for rest := strings.TrimLeft(text, " \t\r\n"); rest != ""; rest = strings.TrimLeft(rest, " \t\r\n") {
		if rest[0] == '"' {
			item, after, closed := strings.Cut(rest[1:], `"`)
			if !closed {
				return nil, errors.New("a double quote is not closed")
			}
			if after != "" && !strings.ContainsAny(after[:1], " \t\r\n") {
				return nil, errors.New("a blank is missing after a double quote")
			}
			items, rest = append(items, item), after
			continue
		}
		end := strings.IndexAny(rest, " \t\r\n")
		if end < 0 {
			end = len(rest)
		}
		if strings.Contains(rest[:end], `"`) {
			return nil, errors.New("a double quote stands inside an item")
		}
		items, rest = append(items, rest[:end]), rest[end:]
	}
	return items, nil
}

// Reference names an earlier message (§3.2.1, references).
type Reference struct {
	Sender     string
	Identifier string
	Sent       DateTime
}

// Reference returns what names this alert.
func (a *Alert) Reference() Reference { return Reference{a.Sender, a.Identifier, a.Sent} }

// JoinReferences makes the text of an alert's References.
func JoinReferences(references []Reference) string {
	texts := make([]string, 0, len(references))
	for _, r := range references {
		texts = append(texts, r.Sender+","+r.Identifier+","+string(r.Sent))
	}
	return strings.Join(texts, " ")
}

// SplitReferences undoes JoinReferences.
func SplitReferences(text string) ([]Reference, error) {
	var references []Reference
	for word := range strings.FieldsSeq(text) {
		parts := strings.Split(word, ",")
		if len(parts) != 3 {
			return nil, fmt.Errorf("%q is not sender,identifier,sent", clip(word))
		}
		r := Reference{parts[0], parts[1], DateTime(parts[2])}
		if reason := cmp.Or(nameFault(r.Sender), nameFault(r.Identifier), timeFault(r.Sent)); reason != "" {
			return nil, fmt.Errorf("%q: %s", clip(word), reason)
		}
		references = append(references, r)
	}
	return references, nil
}
