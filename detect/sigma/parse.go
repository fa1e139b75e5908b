package sigma

import (
	"errors"

	"go.yaml.in/yaml/v4"
)

// File is what one rule file holds.
type File struct {
	Path         string
	Rules        []*Rule
	Correlations []*Correlation
	Filters      []*Filter
	Notes        []*Problem // worth a look, but nothing is lost
}

// Parse reads one YAML file of rules, correlations and filters, one a document.
// Path is used in messages only. Documents that are wrong are left out and
// reported together as Problems, each with line, column and what to do; the
// others are in the File all the same, which is never nil.
//
// Several documents may also be joined the old way, by "action: global" (what
// the following documents share), "repeat" (what the next changes of the one
// before) and "reset".
//
// A file of more than 1 MiB, of more than 200,000 values once aliases are
// followed, or nested deeper than 64 is refused.
func Parse(path string, text []byte) (*File, error) {
	file := &File{Path: path}
	var problems Problems
	roots, err := readDocuments(text)
	if err != nil {
		problems = append(problems, problemOf(path, err))
	}
	var actions actions
	budget := newBudget()
	for _, root := range roots {
		document, err := actions.apply(root)
		if err == nil && document != nil {
			err = file.add(document, budget)
		}
		if err != nil {
			problem := problemOf(path, err)
			problem.ID, problem.Title = names(root)
			problems = append(problems, problem)
		}
		if budget.exhausted() {
			break
		}
	}
	if len(roots) == 0 && len(problems) == 0 {
		problems = Problems{{Path: path, Reason: "the file holds no YAML document"}}
	}
	if len(problems) > 0 {
		return file, problems
	}
	return file, nil
}

func problemOf(path string, err error) *Problem {
	problem := &Problem{Path: path, Reason: err.Error()}
	if f, ok := errors.AsType[*flaw](err); ok {
		problem.Line, problem.Column = f.line, f.column
	}
	return problem
}

// add reads one document into the file.
func (f *File) add(root *yaml.Node, b *budget) error {
	doc, err := newDocument(f.Path, root, b)
	if err != nil {
		return err
	}
	defer func() { f.Notes = append(f.Notes, doc.notes...) }()
	switch {
	case doc.has("correlation"):
		c, err := doc.correlation()
		if err == nil {
			f.Correlations = append(f.Correlations, c)
		}
		return err
	case doc.has("filter"):
		filter, err := doc.filter()
		if err == nil {
			f.Filters = append(f.Filters, filter)
		}
		return err
	case doc.has("detection"):
		r, err := doc.rule()
		if err == nil {
			f.Rules = append(f.Rules, r)
		}
		return err
	}
	return flawAt(root, "neither a rule (detection), a correlation (correlation) nor a filter (filter)")
}

// names finds ID and title of a document that may be broken.
func names(root *yaml.Node) (id, title string) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch root.Content[i].Value {
		case "id":
			id = root.Content[i+1].Value
		case "title":
			title = root.Content[i+1].Value
		}
	}
	return id, title
}
