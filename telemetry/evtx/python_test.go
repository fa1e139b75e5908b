package evtx_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/internal/testdata"
)

// pythonProgram prints for each log named on standard input what python-evtx
// makes of it, at most some records spread over the log.
const pythonProgram = `
import json, sys
from Evtx.Evtx import Evtx
most = int(sys.argv[1])
for path in sys.stdin:
    path = path.rstrip("\n")
    records, refused = [], 0
    try:
        with Evtx(path) as log:
            for chunk in log.chunks():
                try:
                    records += [r for r in chunk.records()]
                except Exception:
                    refused += 1
            step = max(1, -(-len(records) // most))
            out = []
            for r in records[::step]:
                try:
                    out.append({"offset": r.offset(), "xml": r.xml()})
                except Exception:
                    refused += 1
    except Exception:
        out = []
        refused += 1
    print(json.dumps({"path": path, "records": out, "refused": refused}))
`

// fewRecords is how many records of each log are compared, because python-evtx
// takes six milliseconds for one. With allRecordsVariable set it is all.
const (
	fewRecords         = 3
	allRecordsVariable = "TOCSIN_ALL_RECORDS"
)

// TestConformancePythonEVTX compares with python-evtx, an implementation that
// has nothing in common with the Rust crate, element by element.
func TestConformancePythonEVTX(t *testing.T) {
	python := testdata.Python(t, "Evtx")
	most := fewRecords
	if os.Getenv(allRecordsVariable) != "" {
		most = 1 << 30
	}
	for _, set := range sampleSets {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			files := sampleFiles(t, set)
			var passed, total, refused int
			for log := range pythonLogs(t, python, most, files) {
				ours := recordsByOffset(t, log.Path)
				refused += log.Refused
				for _, theirs := range log.Records {
					total++
					diff := differ(ours[theirs.Offset], theirs.XML)
					if diff == "" {
						passed++
						continue
					}
					t.Errorf("%s at %d: %s", filepath.Base(log.Path), theirs.Offset, diff)
				}
			}
			t.Logf("%s: files %d, records %d/%d, beside %d that python-evtx refuses", set, len(files), passed, total, refused)
		})
	}
}

// pythonLog is what python-evtx makes of a log.
type pythonLog struct {
	Path    string `json:"path"`
	Records []struct {
		Offset int64  `json:"offset"`
		XML    string `json:"xml"`
	} `json:"records"`
	Refused int `json:"refused"`
}

func pythonLogs(t *testing.T, python string, most int, files []string) func(func(pythonLog) bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python, "-c", pythonProgram, strconv.Itoa(most))
	cmd.Stdin = strings.NewReader(strings.Join(files, "\n"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func(yield func(pythonLog) bool) {
		for d := json.NewDecoder(out); ; {
			var log pythonLog
			if err := d.Decode(&log); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if !yield(log) {
				break
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// xmlElement is an element with its names as they are written.
type xmlElement struct {
	name     string
	attrs    []flat
	text     string
	children []*xmlElement
}

func parseXML(text string) (*xmlElement, error) {
	open := []*xmlElement{{}}
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) && len(open[0].children) == 1 {
			return open[0].children[0], nil
		}
		if err != nil {
			return nil, err
		}
		last := open[len(open)-1]
		switch v := token.(type) {
		case xml.StartElement:
			e := &xmlElement{name: xmlName(v.Name)}
			for _, a := range v.Attr {
				e.attrs = append(e.attrs, flat{xmlName(a.Name), a.Value})
			}
			last.children = append(last.children, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			last.text += string(v)
		}
	}
}

func xmlName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// differ compares a record of ours with XML; it returns "" when they are the
// same but for the allowances below.
func differ(ours []flat, text string) string {
	root, err := parseXML(text)
	if err != nil {
		return fmt.Sprintf("%v in %s", err, text)
	}
	if ours == nil {
		return "only theirs: " + text
	}
	theirs := xmlFields(nil, "", root, false)
	got, want := map[string][]string{}, map[string][]string{}
	for _, f := range ours {
		// What has only characters that XML must not have is absent too.
		if value := plain(f.value); !alikeText(value, "") {
			got[f.path] = append(got[f.path], value)
		}
	}
	for _, f := range theirs {
		want[f.path] = append(want[f.path], f.value)
	}
	for path := range want {
		if !slices.EqualFunc(got[path], want[path], alike) && !alikeArrays(ours, path, want[path]) {
			return fmt.Sprintf("%s: got %q, want %q", path, got[path], want[path])
		}
	}
	for path := range got {
		if want[path] == nil {
			return fmt.Sprintf("only ours: %s: %q", path, got[path])
		}
	}
	return ""
}

// plain is the text of a value written as JSON, "" for null.
func plain(value string) string {
	var text string
	switch {
	case value == "null":
		return ""
	case json.Unmarshal([]byte(value), &text) == nil:
		return text
	default:
		return value
	}
}

// xmlFields flattens an element by the rules of the package's documentation.
// Allowance: an element without content counts as absent, since python-evtx
// writes those that Windows leaves out (elements that depend on a null, and
// attributes that are null) as empty ones.
func xmlFields(fields []flat, path string, e *xmlElement, container bool) []flat {
	path = strings.TrimPrefix(path+"."+e.name, ".")
	attributes := false
	for _, a := range e.attrs {
		if a.value != "" {
			attributes = true
			fields = append(fields, flat{path + ".#attributes." + a.path, a.value})
		}
	}
	own := path
	if attributes || len(e.children) > 0 {
		own += ".#text"
	}
	if len(e.children) > 0 && strings.TrimSpace(e.text) == "" {
		e.text = "" // the line breaks that python-evtx puts between elements
	}
	fields = append(fields, contents(own, e.text)...)
	named := slices.ContainsFunc(e.children, func(c *xmlElement) bool { return container && dataKey(c) != "" })
	counts := map[string]int{}
	for i, c := range e.children {
		if !container || c.name != "Data" {
			numbered := *c
			if n := counts[c.name]; n > 0 {
				numbered.name += "_" + strconv.Itoa(n)
			}
			counts[c.name]++
			name := c.name
			fields = xmlFields(fields, path, &numbered, name == "EventData" || name == "UserData")
			continue
		}
		key := dataKey(c)
		switch {
		case !named:
			fields = append(fields, contents(path+".Data.#text", c.text)...)
		case key != "":
			if i == 0 || dataKey(e.children[i-1]) != key {
				counts["Data "+key]++
			}
			if n := counts["Data "+key]; n > 1 {
				key += "_" + strconv.Itoa(n-1)
			}
			fields = append(fields, contents(path+"."+key, c.text)...)
		}
	}
	return fields
}

func dataKey(e *xmlElement) string {
	for _, a := range e.attrs {
		if e.name == "Data" && a.path == "Name" {
			return a.value
		}
	}
	return ""
}

var stringItem = regexp.MustCompile(`(?s)<string>(.*?)</string>\n`)

// contents are the values in an element's text. Allowance: python-evtx keeps an
// array of strings in one element, as <string> elements of its own making.
func contents(path, text string) (fields []flat) {
	if strings.HasPrefix(text, "<string>") {
		for _, item := range stringItem.FindAllStringSubmatch(text, -1) {
			if item[1] != "" {
				fields = append(fields, flat{path, item[1]})
			}
		}
		return fields
	}
	if text != "" {
		fields = append(fields, flat{path, text})
	}
	return fields
}

// alikeArrays: of an array with empty strings in it python-evtx reads some items
// twice, once from their middle. Ours must be among them, in their order.
func alikeArrays(ours []flat, path string, theirs []string) bool {
	empty := false
	for _, f := range ours {
		if f.path != path {
			continue
		}
		value := plain(f.value)
		if value == "" {
			empty = true
			continue
		}
		i := slices.Index(theirs, value)
		if i < 0 {
			return false
		}
		theirs = theirs[i+1:]
	}
	return empty
}

// alike compares values. Each allowance is one way in which python-evtx writes
// a type, and applies only where ours has the form of that type.
func alike(ours, theirs string) bool {
	return ours == theirs || alikeText(ours, theirs) || alikeHex(ours, theirs) || alikeTime(ours, theirs) ||
		alikeBool(ours, theirs) || alikeBinary(ours, theirs)
}

var hexForm = regexp.MustCompile(`^0x[0-9a-f]+$`)

// alikeText: reading XML makes every line end a line feed (XML 1.0 §2.11), and
// python-evtx drops the characters that XML must not have (§2.2).
func alikeText(ours, theirs string) bool {
	ours = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(ours)
	return theirs == strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, ours)
}

// alikeHex: python-evtx pads hex integers to their width, and writes those of
// type size_t in decimal.
func alikeHex(ours, theirs string) bool {
	if !hexForm.MatchString(ours) {
		return false
	}
	a, err := strconv.ParseUint(ours, 0, 64)
	if err != nil || strings.HasPrefix(theirs, "0") && theirs != "0" && !hexForm.MatchString(theirs) {
		return false
	}
	b, err := strconv.ParseUint(theirs, 0, 64)
	return err == nil && a == b
}

// alikeTime: python-evtx computes with floating point seconds, and has year 1
// for times that are not set.
func alikeTime(ours, theirs string) bool {
	a, err := time.Parse("2006-01-02T15:04:05.0000000Z", ours)
	if err != nil {
		return false
	}
	theirs = strings.TrimSuffix(theirs, "+00:00")
	b, err := time.Parse("2006-01-02 15:04:05.999999", theirs)
	return err == nil && (a.Sub(b).Abs() <= 10*time.Microsecond || theirs == "0001-01-01 00:00:00" && a.Year() == 1601)
}

// alikeBool: python-evtx writes Python's words.
func alikeBool(ours, theirs string) bool {
	return ours == "true" && theirs == "True" || ours == "false" && theirs == "False"
}

// alikeBinary: python-evtx writes binary data in base64.
func alikeBinary(ours, theirs string) bool {
	data, err := base64.StdEncoding.DecodeString(theirs)
	return err == nil && fmt.Sprintf("%X", data) == ours
}
