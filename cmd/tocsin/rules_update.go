package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/detect/sigma"
	"tocsin/internal/fault"
	"tocsin/internal/output"
	"tocsin/knowledge"
)

// sigmaHQ is the newest release of the largest public set.
const (
	sigmaHQ    = "https://github.com/SigmaHQ/sigma/releases/latest/download/sigma_all_rules.zip"
	sigmaHQSet = "sigmahq"
)

type updateCmd struct {
	From     string `arg:"" optional:"" name:"url|file" help:"Archive (zip, tar, tar.gz, tar.zst), its address, or a folder. Without it: SigmaHQ's newest release."`
	Name     string `help:"Name of the set; the archive's name without it." placeholder:"NAME"`
	SHA256   string `name:"sha256" help:"Refuse the archive unless its SHA-256 is this." placeholder:"HEX"`
	Rollback bool   `help:"Go back to the version before instead."`
	Remove   bool   `help:"Take the set away instead."`
}

func (u *updateCmd) Run(ctx context.Context, c *console) error {
	name, err := u.name()
	if err != nil {
		return usageError{err}
	}
	library := c.library()
	switch {
	case u.Rollback && u.Remove:
		return usageError{errors.New("--rollback or --remove, not both")}
	case u.Rollback:
		set, err := library.Rollback(name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "%s is back at version %.12s of %s, %s\n", set.Name, set.Current.ID,
			set.Current.Installed.Format("2006-01-02"), output.Count(set.Current.Rules, "rule", "rules"))
		return err
	case u.Remove:
		if err := library.Remove(name); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "%s is removed\n", name)
		return err
	}
	return u.install(ctx, c, library, name)
}

func (u *updateCmd) install(ctx context.Context, c *console, library *knowledge.Library, name string) error {
	from := u.From
	if from == "" {
		from = sigmaHQ
	}
	path := from
	if isAddress(from) {
		fetched, err := c.fetch(ctx, from, u.SHA256 != "")
		if err != nil {
			return fmt.Errorf("%w\nfetch the archive by other means and give its file: tocsin rules update FILE", err)
		}
		defer func() { _ = os.Remove(fetched) }()
		path = fetched
	}
	source, err := knowledge.FromPath(path, from)
	if err != nil {
		return err
	}
	if u.SHA256 != "" && !strings.EqualFold(u.SHA256, source.SHA256) {
		return fmt.Errorf("%s has SHA-256 %s, not the %s you gave: nothing was installed: %w", from, source.SHA256, u.SHA256, fault.Invalid)
	}
	var loaded *sigma.Set
	set, err := library.Install(name, source, time.Now(), func(folder string) (int, error) {
		loaded = sigma.Load(folder)
		rules := len(loaded.Rules) + len(loaded.Correlations)
		if rules == 0 {
			return 0, fmt.Errorf("none of its %s holds a rule that loads: %w", output.Count(loaded.Files, "file", "files"), fault.Invalid)
		}
		return rules, nil
	})
	if err != nil {
		return err
	}
	return u.tell(c, set, loaded)
}

func (u *updateCmd) tell(c *console, set knowledge.Set, loaded *sigma.Set) error {
	if loaded == nil {
		_, err := fmt.Fprintf(c.out, "%s is already at this version, %s\nSHA-256 %s\n", set.Name, output.Count(set.Current.Rules, "rule", "rules"), set.Current.SHA256)
		return err
	}
	_, err := fmt.Fprintf(c.out, "%s: %s installed from %s\nSHA-256 %s\n", set.Name, output.Count(set.Current.Rules, "rule", "rules"), output.Plain(set.Current.Origin), set.Current.SHA256)
	if n := rejectedFiles(loaded.Problems); err == nil && n > 0 {
		_, err = fmt.Fprintf(c.out, "%s not load; they are left out\n", output.Count(n, "file does", "files do"))
	}
	if set.Previous != nil && err == nil {
		_, err = fmt.Fprintf(c.out, "Before it: %s of %s. To go back: tocsin rules update --rollback --name %s\n",
			output.Count(set.Previous.Rules, "rule", "rules"), set.Previous.Installed.Format("2006-01-02"), set.Name)
	}
	return err
}

// name is the set's: given, or made of the archive's name.
func (u *updateCmd) name() (string, error) {
	if u.Name != "" || u.From == "" {
		name := u.Name
		if name == "" {
			name = sigmaHQSet
		}
		return name, reserved(name)
	}
	base := strings.ToLower(filepath.Base(strings.TrimRight(u.From, "/")))
	for _, ending := range []string{".zip", ".gz", ".tgz", ".zst", ".tar"} {
		base = strings.TrimSuffix(base, ending)
	}
	base = strings.TrimLeft(strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789._-", r) {
			return r
		}
		return '-'
	}, base), ".-")
	return base, reserved(base)
}

func reserved(name string) error {
	if name == coreSet {
		return fmt.Errorf("%q names the rules that come with tocsin; choose another with --name", name)
	}
	if err := knowledge.CheckName(name); err != nil {
		return fmt.Errorf("%w; choose another with --name", err)
	}
	return nil
}
