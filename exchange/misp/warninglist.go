package misp

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"tocsin/internal/fault"
)

// Warninglist is a list of what is ordinary though someone may list it
// (list.json).
type Warninglist struct {
	Name               string   `json:"name"`
	Description        string   `json:"description"`
	Type               string   `json:"type"` // string, substring, hostname, cidr, regex
	MatchingAttributes []string `json:"matching_attributes"`
	List               []string `json:"list"`
}

// maxWarninglist bounds a list's file: the largest hold a million names.
const maxWarninglist = 256 << 20

// ReadWarninglist reads a list.json. Regular expressions are returned as RE2
// takes them, without the slashes around them. The error is fault.Invalid for
// what is no warninglist.
func ReadWarninglist(in io.Reader) (Warninglist, error) {
	var l Warninglist
	if err := json.NewDecoder(io.LimitReader(in, maxWarninglist)).Decode(&l); err != nil {
		return l, fmt.Errorf("warninglist: %w: %w", err, fault.Invalid)
	}
	if l.Type == "" {
		l.Type = "string" // MISP warninglist format §2.3: the default
	}
	switch l.Type {
	case "string", "substring", "hostname", "cidr":
	case "regex":
		for i, text := range l.List {
			l.List[i] = expression(text)
		}
	default:
		return l, fmt.Errorf("warninglist %q: type %q is not one of string, substring, hostname, cidr, regex: %w", l.Name, l.Type, fault.Invalid)
	}
	if l.Name == "" {
		return l, fmt.Errorf("warninglist: it has no name: %w", fault.Invalid)
	}
	return l, nil
}

// expression turns /text/flags, the form of PHP and JavaScript, into RE2's.
func expression(text string) string {
	end := strings.LastIndexByte(text, '/')
	if !strings.HasPrefix(text, "/") || end < 1 {
		return text
	}
	body, flags := text[1:end], text[end+1:]
	kept := strings.Map(func(flag rune) rune {
		if strings.ContainsRune("ims", flag) {
			return flag
		}
		return -1
	}, flags)
	body = strings.ReplaceAll(body, `\/`, "/")
	body = strings.ReplaceAll(body, `\@`, "@")
	if kept != "" {
		return "(?" + kept + ")" + body
	}
	return body
}
