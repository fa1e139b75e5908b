package observable_test

import (
	"strings"
	"testing"

	"tocsin/intel/observable"
)

func TestFieldsAreChecked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"# a comment\n\nImage\tpath\n":    "",
		"uri\trequest\thost,vhost\tquery": "",
		"CommandLine\tcommand-line,text":  "",
		"Image":                           "line 1: want a field's name",
		"\n\tpath":                        "line 2: want a field's name",
		"Image\tpaht":                     `line 1: field Image: unknown kind of observable "paht"`,
		"Image\tpath\nImage\tip":          `line 2: field "Image" stands there twice`,
		"Image\tpath\thost\tquery":        "line 1: field Image: a request, and only that, names",
		"uri\trequest":                    "line 1: field uri: a request, and only that, names",
		"Image\tpath,words":               `line 1: field Image: only text may stand after a comma, not "words"`,
	} {
		err := observable.ParseFields(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
