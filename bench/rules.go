package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tocsin/detect/sigma"
	"tocsin/internal/testdata"
)

// windowsRules reads every active Windows rule that needs no placeholder, the
// rules all engines are measured with. The order is that of the files.
func windowsRules(data string) ([]*sigma.Rule, error) {
	dir, err := testdata.Unpack(filepath.Join(data, "detect", "sigma-rules.tar.zst"))
	if err != nil {
		return nil, err
	}
	tops, err := filepath.Glob(filepath.Join(dir, "rules*"))
	if err != nil {
		return nil, err
	}
	var rules []*sigma.Rule
	for _, top := range tops {
		err := filepath.WalkDir(top, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".yml" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			file, err := sigma.Parse(path, text)
			if err != nil {
				return err
			}
			for _, r := range file.Rules {
				if r.LogSource.Product == "windows" && len(r.Placeholders()) == 0 {
					rules = append(rules, r)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// multiplied returns the rules and factor-1 variants of each, in which every
// literal is turned by some characters ("powershell" → "wershellpo"): other
// texts to look for, of the same length and as common letters. Numbers stay, so
// that a variant asks about the same event IDs.
func multiplied(rules []*sigma.Rule, factor int) ([]*sigma.Rule, error) {
	all := append([]*sigma.Rule(nil), rules...)
	for turn := 1; turn < factor; turn++ {
		for _, r := range rules {
			variant, err := r.Rewrite(func(t *sigma.Test) (sigma.Expr, error) { return turned(t, turn), nil })
			if err != nil {
				return nil, err
			}
			all = append(all, variant)
		}
	}
	return all, nil
}

func turned(t *sigma.Test, turn int) *sigma.Test {
	pattern, ok := t.Match.(*sigma.Pattern)
	if !ok {
		return t
	}
	altered := *pattern
	altered.Tokens = append([]sigma.Token(nil), pattern.Tokens...)
	for i := range altered.Tokens {
		if token := &altered.Tokens[i]; token.Wild == sigma.None {
			token.Literal = turnText(token.Literal, turn)
		}
	}
	test := *t
	test.Match = &altered
	return &test
}

func turnText(text string, turn int) string {
	if strings.Trim(text, "0123456789") == "" {
		return text
	}
	runes := []rune(text)
	at := turn % len(runes)
	return string(runes[at:]) + string(runes[:at])
}

// copyRules makes a folder of the files that the rules were read from, for
// programs that read rules themselves.
func copyRules(rules []*sigma.Rule, dir string) error {
	for _, r := range rules {
		text, err := os.ReadFile(r.Path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, r.ID+".yml"), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
