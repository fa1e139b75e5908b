package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tocsin/exchange/stix"
	"tocsin/intel"
	"tocsin/internal/output"
)

// stixCmd is the verbs of STIX documents. They need no node.
type stixCmd struct {
	Validate stixValidateCmd `cmd:"" help:"Say what is wrong with bundles and objects of STIX 2.1, with path and reason."`
	Show     stixShowCmd     `cmd:"" help:"List the objects of a bundle, or print one as JSON."`
}

type stixValidateCmd struct {
	Paths  []string `arg:"" name:"file" help:"Files of bundles, objects or lists of objects, also gzipped; or folders of *.json."`
	Strict bool     `help:"Take what the standard says SHOULD as it takes MUST."`
	Advice bool     `help:"Also print what is no fault: SHOULD, and types and properties that the standard does not define."`
	Format string   `help:"text, or json: one object a file." enum:"text,json" default:"text"`
}

// validated is what --format json prints of a file.
type validated struct {
	File   string      `json:"file"`
	Valid  bool        `json:"valid"`
	Errors []stixFault `json:"errors"`
	Advice []stixFault `json:"advice,omitempty"`
}

type stixFault struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Run checks each file by itself; one that cannot be read at all is one of the
// invalid.
func (v *stixValidateCmd) Run(c *console) error {
	files, err := stixFiles(v.Paths)
	if err != nil {
		return err
	}
	invalid := 0
	encoder := json.NewEncoder(c.out)
	for _, file := range files {
		result, err := v.file(file)
		if err != nil {
			return err
		}
		if !result.Valid {
			invalid++
		}
		if v.Format == "json" {
			err = encoder.Encode(result)
		} else {
			err = result.print(c)
		}
		if err != nil {
			return err
		}
	}
	if invalid > 0 {
		return fmt.Errorf("%s of %d not valid", output.Count(invalid, "file", "files"), len(files))
	}
	return nil
}

func (v *stixValidateCmd) file(path string) (*validated, error) {
	result := &validated{File: path, Errors: []stixFault{}}
	text, err := stixText(path)
	if err != nil {
		return nil, err
	}
	d, err := stix.Parse(text)
	if err != nil {
		result.Errors = append(result.Errors, stixFault{Reason: err.Error()})
		return result, nil
	}
	for _, f := range d.Faults() {
		said := stixFault{f.Path, f.Reason}
		switch {
		case f.Level == stix.Must, f.Level == stix.Should && v.Strict:
			result.Errors = append(result.Errors, said)
		case v.Advice:
			said.Reason = f.Level.String() + ": " + said.Reason
			result.Advice = append(result.Advice, said)
		}
	}
	result.Valid = len(result.Errors) == 0
	return result, nil
}

func (r *validated) print(c *console) error {
	out := &page{out: c.out}
	for _, f := range slices.Concat(r.Errors, r.Advice) {
		if f.Path == "" {
			out.line("%s: %s", r.File, f.Reason)
			continue
		}
		out.line("%s: %s: %s", r.File, f.Path, f.Reason)
	}
	if r.Valid {
		out.line("%s: valid", r.File)
	}
	return out.err
}

// stixFiles are the files of paths, and of the folders among them.
func stixFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, unwrapped(err))
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && (strings.HasSuffix(file, ".json") || strings.HasSuffix(file, ".json.gz")) {
				files = append(files, file)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, fmt.Errorf("%s: no *.json in it", path)
		}
	}
	return files, nil
}

func stixText(path string) ([]byte, error) { return packedText(path, stix.MaxSize) }

// packedText reads a file, unpacked, up to a byte more than is taken, so that one that
// is too large is refused by whoever reads it.
func packedText(path string, limit int64) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, unwrapped(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil || !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		return text, err
	}
	packed, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	text, err = io.ReadAll(io.LimitReader(packed, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

type stixShowCmd struct {
	Path   string `arg:"" name:"file" help:"A bundle, an object or a list of objects, also gzipped."`
	ID     string `help:"Show this object alone." placeholder:"ID"`
	Type   string `help:"Only objects of this type." placeholder:"TYPE"`
	Format string `help:"text, or json: the canonical form (RFC 8785)." enum:"text,json" default:"text"`
}

func (s *stixShowCmd) Run(c *console) error {
	text, err := stixText(s.Path)
	if err != nil {
		return err
	}
	d, err := stix.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Path, err)
	}
	objects := slices.DeleteFunc(slices.Clone(d.Objects), func(o stix.Object) bool {
		return s.ID != "" && o.ID() != s.ID || s.Type != "" && o.Type() != s.Type
	})
	if len(objects) == 0 && s.ID+s.Type != "" {
		return fmt.Errorf("%s: no such object in it", s.Path)
	}
	if s.Format == "json" {
		return printObjects(c, d, objects, s.ID+s.Type == "")
	}
	out := &page{out: c.out}
	for _, o := range objects {
		showObject(out, o, s.ID != "")
	}
	if s.ID == "" {
		out.line("%s", output.Count(len(objects), "object", "objects"))
	}
	return out.err
}

// printObjects prints the document, or one object a line where some were chosen.
func printObjects(c *console, d *stix.Document, objects []stix.Object, all bool) error {
	if all {
		text, err := d.JSON()
		if err == nil {
			_, err = fmt.Fprintf(c.out, "%s\n", text)
		}
		return err
	}
	for _, o := range objects {
		text, err := o.JSON()
		if err == nil {
			_, err = fmt.Fprintf(c.out, "%s\n", text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// showObject is a line of an object, or all that it says.
func showObject(out *page, o stix.Object, all bool) {
	if all {
		text, err := json.MarshalIndent(o, "", "  ")
		if out.err = cmp.Or(out.err, err); out.err == nil {
			_, out.err = fmt.Fprintln(out.out, output.Plain(string(text)))
		}
		return
	}
	name := cmp.Or(o.Text("name"), o.Text("value"), o.Text("relationship_type"), o.Text("path"), o.Text("key"), o.Text("pattern"))
	mark := ""
	if source := o.Text("source_ref"); source != "" {
		name += " " + source + " → " + o.Text("target_ref")
	}
	if m := o.Marking(); m != intel.Unmarked {
		mark += "  TLP:" + strings.ToUpper(m.String())
	}
	if o["revoked"] == true {
		mark += "  revoked"
	}
	out.line("%s  %s", o.ID(), strings.Join(strings.Fields(name), " ")+mark)
}
