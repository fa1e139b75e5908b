package regime

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"tocsin/internal/fault"
	"tocsin/internal/strict"
	"tocsin/plan/calendar"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
)

//go:embed pack/*.yaml
var builtin embed.FS

// mostPacks bounds a library: some ten times the regimes we know of.
const mostPacks = 500

// Library is packs with what they share: the dictionary of facts, the taxonomy
// of organisations, the tables of holidays. It does not change once made.
type Library struct {
	dictionary *fact.Dictionary
	taxonomy   *organisation.Taxonomy
	tables     map[string]*calendar.Table
	packs      map[string]*Pack
}

// Builtin returns the packs that come with the program. An error is a mistake in
// them, which the program should not start with.
func Builtin() (*Library, error) {
	l, err := empty()
	if err != nil {
		return nil, err
	}
	root, err := fs.Sub(builtin, "pack")
	if err != nil {
		return nil, err
	}
	return l.With(root)
}

// empty is a library without packs.
func empty() (*Library, error) {
	taxonomy, err := organisation.Load()
	if err != nil {
		return nil, err
	}
	dictionary, err := fact.Builtin()
	if err != nil {
		return nil, err
	}
	if dictionary, err = dictionary.With(taxonomy.Definitions()); err != nil {
		return nil, err
	}
	tables, err := calendar.Tables()
	if err != nil {
		return nil, err
	}
	return &Library{dictionary: dictionary, taxonomy: taxonomy, tables: tables, packs: map[string]*Pack{}}, nil
}

// draft is a pack that is read and not checked yet: facts that others define
// may be missing.
type draft struct {
	pack     *Pack
	document *strict.Document
}

// With returns a library that has the packs of a folder too, which stand in
// files *.yaml at its top. A pack takes the place of one of the same name. The
// error joins those of all packs that are refused, each a *strict.Problem; the
// library then has the others.
func (l *Library) With(folder fs.FS) (*Library, error) {
	files, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return nil, err
	}
	texts := make(map[string][]byte, len(files))
	for _, file := range files {
		if texts[file], err = fs.ReadFile(folder, file); err != nil {
			return nil, err
		}
	}
	return l.WithTexts(texts)
}

// WithTexts is With of files by name.
func (l *Library) WithTexts(texts map[string][]byte) (*Library, error) {
	wider := &Library{dictionary: l.dictionary, taxonomy: l.taxonomy, tables: l.tables, packs: maps.Clone(l.packs)}
	var drafts []draft
	var problems []error
	seen := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(texts)) {
		d, err := wider.read(file, texts[file])
		if err == nil && seen[d.pack.Regime] {
			err = d.document.Problem("regime", "regime %s stands in another file as well", d.pack.Regime)
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		seen[d.pack.Regime] = true
		drafts = append(drafts, d)
	}
	if len(wider.packs)+len(drafts) > mostPacks {
		return wider, fmt.Errorf("more than %d regimes: %w", mostPacks, fault.Invalid)
	}
	for _, d := range drafts {
		if err := wider.finish(d); err != nil {
			problems = append(problems, err)
			continue
		}
		wider.packs[d.pack.Regime] = d.pack
	}
	return wider, errors.Join(problems...)
}

// read reads a pack and takes over the facts that it defines.
func (l *Library) read(file string, text []byte) (draft, error) {
	d := draft{pack: &Pack{}}
	var err error
	if d.document, err = strict.Load(file, text, d.pack); err != nil {
		return d, err
	}
	for i := range d.pack.Facts {
		wider, err := l.dictionary.With(d.pack.Facts[i : i+1])
		if err != nil {
			return d, d.document.Problem(fmt.Sprintf("facts[%d]", i), "%s", err)
		}
		l.dictionary = wider
	}
	return d, nil
}

// finish checks a pack and compiles its conditions.
func (l *Library) finish(d draft) error {
	dictionary, err := l.dictionary.With(d.pack.categoryFact())
	if err != nil {
		return d.document.Problem("categories", "%s", err)
	}
	d.pack.dictionary = dictionary
	c := &checker{pack: d.pack, document: d.document, library: l}
	return c.check()
}

// Packs returns every pack, sorted by name.
func (l *Library) Packs() []*Pack {
	all := make([]*Pack, 0, len(l.packs))
	for _, name := range slices.Sorted(maps.Keys(l.packs)) {
		all = append(all, l.packs[name])
	}
	return all
}

// Only returns the library with no packs but those named. The error is
// fault.NotFound.
func (l *Library) Only(names ...string) (*Library, error) {
	less := &Library{dictionary: l.dictionary, taxonomy: l.taxonomy, tables: l.tables, packs: map[string]*Pack{}}
	for _, name := range names {
		p, err := l.Pack(name)
		if err != nil {
			return nil, err
		}
		less.packs[name] = p
	}
	return less, nil
}

// Pack returns a pack by name. The error is fault.NotFound, with the name that
// was probably meant.
func (l *Library) Pack(name string) (*Pack, error) {
	if p := l.packs[name]; p != nil {
		return p, nil
	}
	names := slices.Sorted(maps.Keys(l.packs))
	return nil, fmt.Errorf("no regime is called %.100q%s: %w", name, strict.Nearest(name, names), fault.NotFound)
}

// Dictionary is every fact that can be typed: the program's, and what packs
// define.
func (l *Library) Dictionary() *fact.Dictionary { return l.dictionary }

// Taxonomy is every sector and designation there is.
func (l *Library) Taxonomy() *organisation.Taxonomy { return l.taxonomy }

// ReadOrganisation reads the description of an organisation from JSON. The error
// is fault.Invalid.
func (l *Library) ReadOrganisation(text []byte) (*organisation.Organisation, error) {
	return l.taxonomy.Read(l.dictionary, l.tables, text)
}
