package observable

import (
	_ "embed"
	"strings"
)

//go:embed extensions.txt
var extensionsText string

// extension says what a name that ends in one is.
type extension uint8

const (
	noExtension  extension = iota
	onlyFile               // no top-level domain
	ratherFile             // also a top-level domain; a bare name of two labels is a file
	ratherDomain           // also a top-level domain; a bare name of two labels is a domain
)

// extensions holds extensions.txt.
var extensions = func() map[string]extension {
	table := map[string]extension{}
	for line := range strings.Lines(extensionsText) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, mark, _ := strings.Cut(line, " ")
		switch mark {
		case "file":
			table[name] = ratherFile
		case "domain":
			table[name] = ratherDomain
		default:
			table[name] = onlyFile
		}
	}
	return table
}()
