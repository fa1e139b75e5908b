package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tocsin/internal/output"
	"tocsin/plan/criterion"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// regimeCmd is the verbs of laws and plans. They need no node.
type regimeCmd struct {
	List  regimeListCmd  `cmd:"" help:"List the regimes, and with --org which of them bind an organisation and why."`
	Show  regimeShowCmd  `cmd:"" help:"Show a regime: whom it binds, its levels, clocks and forms, and what is unconfirmed."`
	Facts regimeFactsCmd `cmd:"" help:"List the facts that regimes ask for: what they are called, and what they may be."`
	Check regimeCheckCmd `cmd:"" help:"Say what is wrong with packs of regimes, with file, line and reason."`
	Grade regimeGradeCmd `cmd:"" help:"Grade an incident from its facts, and say what may still raise the level."`
}

// regimesFolder is where users' packs lie in the data directory.
const regimesFolder = "regimes"

// packFlags choose the packs beside those of the program.
type packFlags struct {
	Pack []string `help:"Pack or folder of packs to use beside the program's and those in the data directory; repeatable." placeholder:"FILE" sep:"none"`
}

// library is every regime: the program's, the data directory's, and those given.
func (p *packFlags) library(c *console) (*regime.Library, error) {
	l, err := regime.Builtin()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(c.data, regimesFolder)
	if _, err := os.Stat(folder); err == nil {
		if l, err = withPacks(l, folder); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, path := range p.Pack {
		if l, err = withPacks(l, path); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// withPacks adds the packs of a file or folder.
func withPacks(l *regime.Library, path string) (*regime.Library, error) {
	texts, err := packTexts(path)
	if err != nil {
		return nil, err
	}
	return l.WithTexts(texts)
}

// packTexts are the packs in a file or at the top of a folder, by path.
func packTexts(path string) (map[string][]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, unwrapped(err))
	}
	files := []string{path}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.yaml")); err != nil {
			return nil, err
		}
	}
	texts := map[string][]byte{}
	for _, file := range files {
		if texts[file], err = limitedFile(file); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// maxInput bounds a pack, facts or a description: what reads them takes no more.
const maxInput = 1 << 20

// limitedFile reads a file up to a byte more than is taken, so that one that is
// too large is refused by whoever reads it, and no memory is spent on it.
func limitedFile(path string) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, unwrapped(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, maxInput+1))
}

// unwrapped is what is wrong with a file without the path again.
func unwrapped(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// readOrganisation reads a description; nobody is nil.
func readOrganisation(l *regime.Library, path string) (*organisation.Organisation, error) {
	if path == "" {
		return nil, nil
	}
	text, err := limitedFile(path)
	if err != nil {
		return nil, err
	}
	o, err := l.ReadOrganisation(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

// page writes lines, and keeps the first error.
type page struct {
	out io.Writer
	err error
}

// line writes one line, whose parts from outside are made plain.
func (p *page) line(format string, args ...any) {
	if p.err != nil {
		return
	}
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = output.Plain(text)
		}
	}
	_, p.err = fmt.Fprintf(p.out, format+"\n", args...)
}

// unconfirmed is a note after what no source confirms.
func unconfirmed(m regime.Mark) string {
	if m.Confirmed() {
		return ""
	}
	return "  [unconfirmed]"
}

// because joins the comparisons that decide.
func because(atoms []criterion.Atom) string {
	var all []string
	for _, a := range atoms {
		text := a.Text
		if a.Truth == criterion.No {
			text = "not " + text
		}
		if a.Reason != "" {
			text += " (" + a.Reason + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}
