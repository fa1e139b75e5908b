package strict_test

import (
	"errors"
	"strings"
	"testing"

	"tocsin/internal/strict"
)

type thing struct {
	Name  string `yaml:"name"`
	Count int    `yaml:"count"`
	Parts []struct {
		ID   string            `yaml:"id"`
		More map[string]string `yaml:"more"`
	} `yaml:"parts"`
}

func TestEveryProblemHasItsLine(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"name: a\nnama: b\n":                       `x.yaml:2: unknown key "nama"`,
		"name: a\ncount: many\n":                   "x.yaml:2: str many does not fit here",
		"name: a\nname: b\n":                       "x.yaml:2: ",
		"name: a\nparts:\n  - id: x\n    idd: y\n": `x.yaml:4: unknown key "idd"`,
		"name: &n a\nparts:\n  - id: *n\n":         "x.yaml:3: aliases",
		"name: a\n---\nname: b\n":                  "x.yaml:",
		"name: a\n\t- b\n":                         "x.yaml:",
		"":                                         "x.yaml:1: ",
		"[a, b]\n":                                 "x.yaml:1: ",
		"name: a\nparts:\n  - {id: x, {a: b}: c}\n": "x.yaml:3: ",
		strings.Repeat("[", 100):                    "x.yaml:1: ",
		"name: " + strings.Repeat("x", 2<<20):       "x.yaml:1: larger than",
	} {
		var v thing
		_, err := strict.Load("x.yaml", []byte(text), &v)
		if _, ok := errors.AsType[*strict.Problem](err); !ok || !strings.HasPrefix(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: %v, want %q", text, err, says)
		}
	}
}

func TestLinesOfPaths(t *testing.T) {
	t.Parallel()
	var v thing
	d, err := strict.Load("x.yaml", []byte("name: a\n\nparts:\n  - id: x\n  - id: y\n    more:\n      k: v\n"), &v)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"name": 1, "parts": 3, "parts[0]": 4, "parts[1]": 5, "parts[1].id": 5, "parts[1].more.k": 7,
		"parts[1].none": 5, "parts[7].id": 3, "none": 1, "": 1,
	} {
		if got := d.Line(path); got != want {
			t.Errorf("%s stands at line %d, want %d", path, got, want)
		}
	}
	if !d.Has("parts[1].more") || d.Has("parts[0].more") {
		t.Error("Has is wrong of more")
	}
	if got := d.Problem("parts[1].more.k", "no %s", "good").Error(); got != "x.yaml:7: no good" {
		t.Error(got)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"outage.total_minutes", "loss.direct", "a"}
	for word, want := range map[string]string{
		"outage.total_minuts": `, did you mean "outage.total_minutes"?`, "loss.direkt": `, did you mean "loss.direct"?`,
		"something else": "", "": `, did you mean "a"?`,
	} {
		if got := strict.Nearest(word, words); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// FuzzLoad takes any bytes: they are refused with a line, or read.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"name: a\ncount: 3\nparts:\n  - id: x\n    more: {k: v}\n", "a: &b c\nd: *b\n", "- - - -", "name: !!binary aGk=\n", "? [a]\n: b\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v thing
		_, err := strict.Load("x.yaml", text, &v)
		if p, ok := errors.AsType[*strict.Problem](err); err != nil && (!ok || p.Line < 1 || p.Reason == "") {
			t.Errorf("%v", err)
		}
	})
}
