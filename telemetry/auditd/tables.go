package auditd

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

//go:embed types.txt
var typesText string

//go:embed syscalls.txt
var syscallsText string

// types is the record types' names by number, and their numbers by name.
var types = sync.OnceValues(func() (names map[string][]byte, numbers map[string]int) {
	names, numbers = map[string][]byte{}, map[string]int{}
	for line := range dataLines(typesText) {
		numbered(line, func(number int, name string) {
			names[strconv.Itoa(number)] = []byte(name)
			numbers[name] = number
		})
	}
	return names, numbers
})

// syscalls is the names of system calls by architecture, as audit writes it
// ("c000003e", enriched "x86_64"), and by number.
var syscalls = sync.OnceValue(func() map[string]map[string][]byte {
	tables := map[string]map[string][]byte{}
	var table map[string][]byte
	for line := range dataLines(syscallsText) {
		if arch, ok := strings.CutPrefix(line, "arch "); ok {
			code, name, _ := strings.Cut(arch, " ")
			table = map[string][]byte{}
			tables[code], tables[name] = table, table
			continue
		}
		numbered(line, func(number int, name string) { table[strconv.Itoa(number)] = []byte(name) })
	}
	return tables
})

// dataLines yields the lines of an embedded file without its comments.
func dataLines(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "#") && !yield(strings.TrimSpace(line)) {
				return
			}
		}
	}
}

// numbered calls add for each name of a line: "1300 SYSCALL 1302 PATH IPC" are
// the numbers 1300, 1302 and 1303.
func numbered(line string, add func(number int, name string)) {
	next := 0
	for word := range strings.FieldsSeq(line) {
		if number, err := strconv.Atoi(word); err == nil {
			next = number
			continue
		}
		add(next, word)
		next++
	}
}
