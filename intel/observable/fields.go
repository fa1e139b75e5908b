package observable

import (
	_ "embed"
	"fmt"
	"strings"

	"tocsin/intel"
)

//go:embed fields.tsv
var fieldsText string

// reading says how the value of a field is read: as a kind of observable when
// below 100, else as one of these.
type reading uint8

const (
	readText reading = iota + 100
	readIPPort
	readHost
	readHosts
	readHash
	readHashes
	readPath
	readPaths
	readProgram
	readRoute
	readName
	readObject
	readRequest
	readWebRequest
)

// readings are the words of fields.tsv beside the names of kinds.
var readings = map[string]reading{
	"text":    readText,
	"ip-port": readIPPort, "host": readHost, "hosts": readHosts, "hash": readHash, "hashes": readHashes, "path": readPath,
	"paths": readPaths, "program": readProgram, "object": readObject, "route": readRoute, "name": readName, "request": readRequest, "web-request": readWebRequest,
}

// field is a line of fields.tsv.
type field struct {
	name    string
	reading reading
	text    bool     // it is text as well, in which observables stand
	others  []string // of a request: where the host may stand; of an object: its type; else one must be there too
	query   string   // of a request: where the query stands
}

// parseFields reads lines as fields.tsv has them.
func parseFields(text string) ([]field, error) {
	var fields []field
	known := map[string]bool{}
	for number, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		f, err := parseField(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		if known[f.name] {
			return nil, fmt.Errorf("line %d: field %q stands there twice", number+1, f.name)
		}
		known[f.name] = true
		fields = append(fields, f)
	}
	return fields, nil
}

func parseField(line string) (field, error) {
	columns := strings.Split(line, "\t")
	if len(columns) < 2 || columns[0] == "" {
		return field{}, fmt.Errorf("want a field's name, a tab and how it is read, not %q", line)
	}
	how, text, both := strings.Cut(columns[1], ",")
	if both && text != "text" {
		return field{}, fmt.Errorf("field %s: only text may stand after a comma, not %q", columns[0], text)
	}
	f := field{name: columns[0], reading: readings[how], text: both || how == "text"}
	if f.reading == 0 {
		var kind intel.ObservableKind
		if err := kind.UnmarshalText([]byte(how)); err != nil {
			return field{}, fmt.Errorf("field %s: %w, or one of the readings", f.name, err)
		}
		f.reading = reading(kind)
	}
	isRequest := f.reading == readRequest || f.reading == readWebRequest
	if len(columns) > 2 {
		f.others = strings.Split(columns[2], ",")
	}
	if isRequest && f.others == nil || len(columns) > 3 && !isRequest || len(columns) > 4 {
		return field{}, fmt.Errorf("field %s: a request, and only that, names where the host and the query stand", f.name)
	}
	if len(columns) > 3 {
		f.query = columns[3]
	}
	return f, nil
}
