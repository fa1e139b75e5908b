package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"tocsin/alliance/warning"
	"tocsin/api"
	"tocsin/internal/fault"
)

// ofWarning names a warning.
type ofWarning struct {
	Warning string `arg:"" help:"Its number, as 2026-001, or ID."`
}

func warningPath(name, part string) string { return "/api/v1/warnings/" + url.PathEscape(name) + part }

// warned prints what a warning is after a change.
type warned struct {
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

func (a *warned) say(c *console, r *warning.Record) error {
	if a.Format == "json" {
		return json.NewEncoder(c.out).Encode(r)
	}
	p := &page{out: c.out}
	p.line("%s", oneWarning(r))
	return p.err
}

// oneWarning is a warning on a line.
func oneWarning(r *warning.Record) string {
	text := fmt.Sprintf("%-26s  %-9s  %-6s  ", r.Name(), r.State, r.Colour)
	if r.Revision > 0 {
		text += fmt.Sprintf("revision %d  ", r.Revision)
	}
	if r.Exercise {
		text += "EXERCISE  "
	}
	if r.Unratified {
		text += "NOT RATIFIED  "
	}
	return text + r.Title
}

// readDraft reads a form; a rule's file is relative to it.
func readDraft(name string) (warning.Draft, error) {
	text, err := limitedFile(name)
	if err != nil {
		return warning.Draft{}, err
	}
	d, err := warning.ReadForm(name, text, func(rule string) ([]byte, error) {
		if !filepath.IsLocal(rule) {
			return nil, fmt.Errorf("file %q: name one beside or below the form: %w", rule, fault.Invalid)
		}
		return os.ReadFile(filepath.Join(filepath.Dir(name), rule))
	})
	if err != nil {
		return d, usageError{err}
	}
	return d, nil
}

// sayDrafted prints a draft and what keeps it from being issued.
func sayDrafted(ctx context.Context, c *console, a *atNode, w *warned, r *warning.Record) error {
	if err := w.say(c, r); err != nil || w.Format == "json" {
		return err
	}
	var v warning.View
	if err := a.read(ctx, warningPath(r.ID, ""), nil, &v); err != nil {
		return err
	}
	p := &page{out: c.out}
	printProblems(p, &v)
	printNext(p, &v)
	return p.err
}

type warnDraftCmd struct {
	atNode
	warned
	File string `arg:"" help:"The draft, in YAML; docs/alliance.md has the form."`
}

func (d *warnDraftCmd) Run(ctx context.Context, c *console) error {
	draft, err := readDraft(d.File)
	if err != nil {
		return err
	}
	var r warning.Record
	if err := d.post(ctx, "/api/v1/warnings", draft, &r); err != nil {
		return err
	}
	return sayDrafted(ctx, c, &d.atNode, &d.warned, &r)
}

type warnEditCmd struct {
	atNode
	warned
	ofWarning
	File string `arg:"" help:"The draft, in YAML."`
	Why  string `help:"Of a revision: the reason, which recipients read; by default the one there is."`
}

func (e *warnEditCmd) Run(ctx context.Context, c *console) error {
	draft, err := readDraft(e.File)
	if err != nil {
		return err
	}
	var r warning.Record
	path := warningPath(e.Warning, "")
	if err := e.change(ctx, http.MethodPut, path+"/draft", path, api.Drafting{Draft: draft, Why: e.Why}, &r); err != nil {
		return err
	}
	return sayDrafted(ctx, c, &e.atNode, &e.warned, &r)
}

type warnAmendCmd struct {
	atNode
	warned
	ofWarning
	File string `arg:"" help:"The whole warning as it is to be, in YAML."`
	Why  string `help:"The reason, which recipients read." required:""`
}

func (a *warnAmendCmd) Run(ctx context.Context, c *console) error {
	draft, err := readDraft(a.File)
	if err != nil {
		return err
	}
	var r warning.Record
	if err := a.post(ctx, warningPath(a.Warning, "/amend"), api.Drafting{Draft: draft, Why: a.Why}, &r); err != nil {
		return err
	}
	return sayDrafted(ctx, c, &a.atNode, &a.warned, &r)
}

// recolour is the flags of another colour.
type recolour struct {
	atNode
	warned
	ofWarning
	Colour string `arg:"" help:"blue, yellow, orange or red." enum:"blue,yellow,orange,red"`
	Why    string `help:"The reason, which recipients read." required:""`
}

func (r *recolour) to(ctx context.Context, c *console, part string) error {
	var rec warning.Record
	asked := map[string]string{"colour": r.Colour, "why": r.Why}
	if err := r.post(ctx, warningPath(r.Warning, part), asked, &rec); err != nil {
		return err
	}
	return sayDrafted(ctx, c, &r.atNode, &r.warned, &rec)
}

type warnRaiseCmd struct{ recolour }

func (r *warnRaiseCmd) Run(ctx context.Context, c *console) error { return r.to(ctx, c, "/raise") }

type warnLowerCmd struct{ recolour }

func (l *warnLowerCmd) Run(ctx context.Context, c *console) error { return l.to(ctx, c, "/lower") }

type warnDiscardCmd struct {
	atNode
	warned
	ofWarning
	Why string `help:"The reason, for the trail."`
}

func (d *warnDiscardCmd) Run(ctx context.Context, c *console) error {
	var r warning.Record
	if err := d.post(ctx, warningPath(d.Warning, "/discard"), api.Reason{Why: d.Why}, &r); err != nil {
		return err
	}
	return d.say(c, &r)
}

// shortSum is how much of a draft's hash is shown, and must be given to approve it.
const shortSum = 12

func short(sum string) string { return sum[:min(len(sum), shortSum)] }

// sameDraft reports whether a hash that was given means the draft that waits.
func sameDraft(given, sum string) bool {
	return len(given) >= shortSum && strings.HasPrefix(sum, strings.ToLower(given))
}
