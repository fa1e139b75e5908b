package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/detect/core"
	"tocsin/detect/sigma"
	"tocsin/internal/testdata"
)

// TestDocumentedCommandsAreCommands reads every command of the user's guides as
// the program would.
func TestDocumentedCommandsAreCommands(t *testing.T) {
	t.Parallel()
	for guide, least := range map[string]int{
		"watch.md": 20, "intake.md": 3, "memory.md": 15, "operate.md": 12, "people.md": 15, "incidents.md": 40, "reports.md": 5, "exchange.md": 5, "alliance.md": 10,
	} {
		documentedCommands(t, filepath.Join(testdata.Root(t), "docs", guide), least)
	}
}

func documentedCommands(t *testing.T, path string, least int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	word := regexp.MustCompile(`'[^']*'|\S+`)
	titles := coreTitles()
	commands := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "  #") // what is said of it
		words := word.FindAllString(strings.TrimSpace(line), -1)
		if len(words) == 0 || words[0] != "tocsin" {
			continue
		}
		if end := slices.Index(words, "#"); end >= 0 {
			words = words[:end] // a remark
		}
		commands++
		for i := range words {
			words[i] = strings.Trim(words[i], "'")
		}
		var grammar cli
		parser, err := newParser(&grammar)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(words[1:]); err != nil {
			t.Errorf("%s: %v", lines.Text(), err)
		}
		if title := grammar.Rules.Disable.Rule; len(title) > 0 && !titles[title[0]] {
			t.Errorf("%s: no rule that comes with tocsin is called so", lines.Text())
		}
	}
	if commands < least {
		t.Errorf("%s: %d commands found: does the guide still show them as lines that begin with tocsin?", path, commands)
	}
}

// coreTitles are those of the rules that come with the program.
var coreTitles = sync.OnceValue(func() map[string]bool {
	titles := map[string]bool{}
	for _, r := range sigma.LoadFS(core.Rules()).Rules {
		titles[r.Title] = true
	}
	return titles
})
