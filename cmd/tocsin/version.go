package main

import (
	"fmt"
	"runtime/debug"
)

type versionCmd struct{}

func (versionCmd) Run(c *console) error {
	_, err := fmt.Fprintln(c.out, programName())
	return err
}

// programName is "tocsin" and the version that the build recorded: a release's
// tag, or which commit it was made from.
func programName() string {
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return "tocsin " + info.Main.Version
	}
	if commit := commitOf(info); commit != "" {
		return "tocsin, commit " + commit
	}
	return "tocsin, a build without version"
}

// commitOf returns the commit of a build from a checkout, shortened, and
// whether files were changed since.
func commitOf(info *debug.BuildInfo) string {
	if info == nil {
		return ""
	}
	commit, changed := "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			commit = fmt.Sprintf("%.12s", setting.Value)
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changed = " with changes"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changed
}
