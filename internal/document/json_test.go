package document_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"tocsin/internal/document"
	"tocsin/internal/fault"
)

func TestPaperIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, p := range []*document.Paper{english(), chinese(), long()} {
		first := must(p.JSON())(t)
		again := must(must(document.Read(first))(t).JSON())(t)
		if !bytes.Equal(first, again) {
			t.Errorf("%s: written again it differs", p.Title)
		}
	}
}

func TestOnlyTheCanonicalFormIsRead(t *testing.T) {
	t.Parallel()
	good := string(must(text("好").JSON())(t))
	if _, err := document.Read([]byte(good)); err != nil {
		t.Fatalf("the form itself: %v", err)
	}
	for name, bad := range map[string]string{
		"white space":      strings.Replace(good, ",", ", ", 1),
		"unknown key":      strings.Replace(good, `{"issuer"`, `{"hidden":1,"issuer"`, 1),
		"repeated key":     strings.Replace(good, `"title":`, `"title":"x","title":`, 1),
		"key in capitals":  strings.Replace(good, `"title":`, `"Title":`, 1),
		"escape":           strings.Replace(good, "好", `\u597d`, 1),
		"unknown block":    strings.Replace(good, `"paragraph"`, `"script"`, 1),
		"two kinds":        strings.Replace(good, `{"paragraph":`, `{"heading":{"text":"x"},"paragraph":`, 1),
		"key in block":     strings.Replace(good, `{"runs":`, `{"onclick":"x","runs":`, 1),
		"style":            strings.Replace(good, `{"text":"好"}`, `{"style":"blink","text":"好"}`, 1),
		"null block":       strings.Replace(good, `"blocks":[`, `"blocks":[null,`, 1),
		"cut":              good[:len(good)/2],
		"something behind": good + "{}",
		"another language": strings.Replace(good, `"zh-CN"`, `"fr"`, 1),
		"another marking":  strings.Replace(good, `"TLP:RED"`, `"TLP:WHITE"`, 1),
		"nothing":          "",
		"nesting":          strings.Repeat("[", 100_000),
	} {
		if bad == good {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := document.Read([]byte(bad)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want it refused as invalid", name, err)
		}
	}
}

func TestWhatCannotBeRenderedIsRefused(t *testing.T) {
	t.Parallel()
	with := func(b document.Block) *document.Paper {
		p := text("")
		p.Sections[0].Blocks = document.Blocks{b}
		return p
	}
	one := []document.Column{{Title: "n"}}
	for name, p := range map[string]*document.Paper{
		"no title":        {Language: document.English},
		"row too short":   with(document.Table{Columns: one, Rows: [][]document.Cell{{}}}),
		"row too long":    with(document.Table{Columns: one, Rows: [][]document.Cell{{{}, {}}}}),
		"no columns":      with(document.Table{}),
		"formula":         with(document.Table{Columns: one, Rows: [][]document.Cell{{{Number: "=1+1"}}}}),
		"exponent":        with(document.Table{Columns: one, Rows: [][]document.Cell{{{Number: "1e9"}}}}),
		"leading zero":    with(document.Table{Columns: one, Rows: [][]document.Cell{{{Number: "007"}}}}),
		"two in one cell": with(document.Table{Columns: one, Rows: [][]document.Cell{{{Number: "1", Text: "x"}}}}),
		"depth":           with(document.List{Items: []document.Item{{Depth: 8}}}),
		"state":           with(document.Checklist{Checks: []document.Check{{State: "maybe"}}}),
		"pointer":         with(&document.Paragraph{}),
		"nil":             with(nil),
		"too much text":   with(document.Text(strings.Repeat("x", 17<<20))),
	} {
		for rendering, err := range map[string]error{"check": p.Check(), "json": second(p.JSON()), "html": second(p.HTML()), "xlsx": second(p.XLSX())} {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%s, %s: got %v, want invalid", name, rendering, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func FuzzRead(f *testing.F) {
	for _, file := range []string{"english.json", "chinese.json"} {
		seed, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		p, err := document.Read(input)
		if err != nil {
			return
		}
		again, err := p.JSON()
		if err != nil || !bytes.Equal(again, input) {
			t.Errorf("accepted, but written as %q, %v", again, err)
		}
		if _, err := p.HTML(); err != nil {
			t.Error(err)
		}
	})
}
