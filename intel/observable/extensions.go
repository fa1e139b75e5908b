package observable

import (
	_ "embed"
	"strings"
)

//go:embed extensions.txt
var extensionsText string

// extension says what a name that ends in one may be.
type extension struct {
	domain bool // it is also a top-level domain
	file   bool // a bare name of two labels that ends in it is a file
	word   bool // it is also a word
}

// extensions holds extensions.txt.
var extensions = func() map[string]extension {
	table := map[string]extension{}
	for line := range strings.Lines(extensionsText) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		e := extension{file: true}
		for _, mark := range words[1:] {
			switch mark {
			case "domain":
				e.domain, e.file = true, false
			case "file":
				e.domain = true
			case "word":
				e.word = true
			}
		}
		table[words[0]] = e
	}
	return table
}()

// extensionOf returns what the end of a name says; ok is false when it is no
// file's.
func extensionOf(name string) (e extension, ok bool) {
	e, ok = extensions[strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])]
	return e, ok
}
