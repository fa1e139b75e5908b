package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/strictjson"
)

type asked struct {
	Name  string                     `json:"name"`
	Count int                        `json:"count,omitempty"`
	At    time.Time                  `json:"at,omitzero"`
	Tags  []string                   `json:"tags,omitempty"`
	Inner struct{ A *bool }          `json:"inner,omitzero"`
	Facts map[string]json.RawMessage `json:"facts,omitempty"`
}

func TestWhatIsWrongIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                              "it is empty: a JSON value is wanted",
		`{"name":`:                      "it ends too early",
		`{"name":"a"} {}`:               "there is more than one value",
		`{"name":"a"} x`:                "at byte",
		`{"nom":"a"}`:                   "/nom: the name is not known",
		`{"name":"a","name":"b"}`:       "/name: the name is given twice",
		`{"facts":{"x":{"a":1,"a":2}}}`: "/facts/x/a: the name is given twice",
		`{"name":7}`:                    "/name: a text is wanted, not a number",
		`{"count":"7"}`:                 "/count: a whole number is wanted, not a string",
		`{"count":1.5}`:                 "/count: a whole number is wanted, not a number",
		`{"tags":["a",2]}`:              "/tags/1: a text is wanted, not a number",
		`{"tags":{}}`:                   "/tags: a list is wanted, not a {",
		`{"inner":{"A":"yes"}}`:         "/inner/A: true or false is wanted, not a string",
		`{"at":"yesterday"}`:            "/at: a time such as 2026-11-30T08:00:00Z is wanted",
		"{\"name\":\"\xff\"}":           "it is not UTF-8 text",
		"{\"facts\":{\"x\":\"\xff\"}}":  "it is not UTF-8 text",
		`{"name":"\ud800"}`:             "/name: ",
		`{"facts":{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}}`: "it is nested deeper than 32 levels",
	} {
		var into asked
		err := strictjson.Read(strings.NewReader(text), &into)
		if p, ok := errors.AsType[*strictjson.Problem](err); !ok || !errors.Is(err, fault.Invalid) || !strings.Contains(p.Error(), want) {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
}

func TestWhatIsRightIsRead(t *testing.T) {
	t.Parallel()
	var into asked
	err := strictjson.Read(iotest.OneByteReader(strings.NewReader(`{"name":"[{\"]","count":3,"at":"2026-11-30T08:00:00Z","tags":["东"],"facts":{"x":{"value":1}}} `)), &into)
	if err != nil || into.Name != `[{"]` || into.Count != 3 || into.Tags[0] != "东" || string(into.Facts["x"]) != `{"value":1}` || into.At.Year() != 2026 {
		t.Errorf("%+v, %v", into, err)
	}
}

func TestAReaderThatFailsIsNotTheSendersFault(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	err := strictjson.Read(io.MultiReader(strings.NewReader(`{"name":"a`), iotest.ErrReader(gone)), &asked{})
	if !errors.Is(err, gone) || errors.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

// Whatever is read, what is taken is what the standard library takes too, and
// what it writes is taken again.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{"name":"a","count":3,"tags":["x"],"facts":{"x":{"value":1}}}`, `{"inner":{"A":true}}`, `{"at":"2026-11-30T08:00:00Z"}`, `[`, `"\ud800"`, strings.Repeat("[", 50)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var into, other asked
		err := strictjson.Read(bytes.NewReader(text), &into)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if err := json.Unmarshal(text, &other); err != nil {
			t.Fatalf("%q is taken, and the standard library says %v", text, err)
		}
		written, err := json.Marshal(into)
		if err != nil {
			t.Fatal(err)
		}
		if err := strictjson.Read(bytes.NewReader(written), &other); err != nil {
			t.Fatalf("%s, written from %q: %v", written, text, err)
		}
	})
}
