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
	readNothing reading = iota + 100
	readIPPort
	readHost
	readHosts
	readHash
	readHashes
	readPath
	readPaths
	readProgram
	readObject
	readRequest
	readWebRequest
)

// readings are the words of fields.tsv beside the names of kinds.
var readings = map[string]reading{
	"ip-port": readIPPort, "host": readHost, "hosts": readHosts, "hash": readHash, "hashes": readHashes, "path": readPath,
	"paths": readPaths, "program": readProgram, "object": readObject, "request": readRequest, "web-request": readWebRequest,
}

// field is a line of fields.tsv.
type field struct {
	name    string
	reading reading
	hosts   []string // of a request: where the host may stand
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
	f := field{name: columns[0], reading: readings[columns[1]]}
	if f.reading == 0 {
		var kind intel.ObservableKind
		if err := kind.UnmarshalText([]byte(columns[1])); err != nil {
			return field{}, fmt.Errorf("field %s: %w, or one of the readings", f.name, err)
		}
		f.reading = reading(kind)
	}
	request := f.reading == readRequest || f.reading == readWebRequest
	if request != (len(columns) > 2) || len(columns) > 4 {
		return field{}, fmt.Errorf("field %s: a request names where the host stands, and nothing else does", f.name)
	}
	if request {
		f.hosts = strings.Split(columns[2], ",")
	}
	if len(columns) > 3 {
		f.query = columns[3]
	}
	return f, nil
}
