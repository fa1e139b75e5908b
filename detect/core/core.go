// Package core holds the detection rules that ship inside the program, so that
// it finds something on the first day without anybody having chosen rules:
// over Windows, Linux, networks and clouds, from the first step of an attack to
// its end, ransomware and worms above all.
//
// The rules are the project's own, in the Sigma language, one file a subject
// below rules. Beside each, below examples, stand events that it must match and
// events that look alike and that it must not; the tests hold them to it.
//
// Levels mean the same throughout: critical is an attack under way, act now;
// high is an attack until shown otherwise; medium deserves a look on the day;
// low and informational count only together with others.
package core

import (
	"embed"
	"io/fs"
)

//go:embed rules/*.yml
var files embed.FS

// Rules returns the rule files, one below another without folders; read them
// with sigma.LoadFS.
func Rules() fs.FS {
	rules, err := fs.Sub(files, "rules")
	if err != nil {
		panic(err) // the name is a constant: only a programmer can cause it
	}
	return rules
}
