package warning_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/warning"
	"tocsin/intel"
	"tocsin/internal/store/storetest"
	"tocsin/internal/testdata"
)

const morningForm = `category: MI
colour: red
tlp: green
scope: {sectors: [health], regions: [GB]}
expires: 30d
texts:
  - {language: en, title: WannaCry, body: It spreads over SMB 1., impact: Files are lost.}
indicators:
  - value: www[.]iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea[.]com
    action: do-not-block
    why: the worm stops where this name answers
  - values: [24d004a104d4d54034dbcffc2a4b19a11f39008a575aa614ea04703480b1022c, 84c82835a5d21bbcf75a61706d8ab549]
    label: WannaCry
measures:
  - {id: patch, text: Install MS17-010., due: 24h, evidence: true}
ask: {by: 2h, since: 2017-05-01}
`

func TestFormIsRead(t *testing.T) {
	t.Parallel()
	d, err := warning.ReadForm("form.yaml", []byte(morningForm), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.Colour != alliance.Red || d.Marking != intel.TLPGreen || time.Duration(d.ExpiresIn) != 30*24*hour || len(d.Asked) != 3 || time.Duration(d.Ask.Within) != 2*hour {
		t.Errorf("read %+v", d)
	}
	if i := d.Asked[0]; i.Kind != intel.Domain || *i.Action != intel.DoNotBlock || !strings.HasSuffix(i.Value, "wea.com") {
		t.Errorf("read %+v", i)
	}
	if i := d.Asked[2]; i.Kind != intel.MD5 || i.Action != nil || i.Label != "WannaCry" {
		t.Errorf("read %+v", i)
	}
}

func TestFormSaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, want string }{
		"an unknown key":      {"category: MI", "categorie: MI", `form.yaml:1: unknown key "categorie"`},
		"no such colour":      {"colour: red", "colour: pink", "form.yaml:2: colour \"pink\""},
		"no action":           {"    action: do-not-block\n", "", "has no action: say detect, block or do-not-block"},
		"no such action":      {"action: do-not-block", "action: sinkhole", "form.yaml:10:"},
		"what is it":          {"www[.]iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea[.]com", "???", "say kind"},
		"no length of time":   {"due: 24h", "due: soon", "form.yaml:15: \"soon\""},
		"since is no length":  {"since: 2017-05-01", "since: 3d", "a moment is wanted"},
		"a file without form": {"measures:", "rules: [{file: x}]\nmeasures:", "no file can be read here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := warning.ReadForm("form.yaml", []byte(strings.Replace(morningForm, c.from, c.to, 1)), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestLengthsOfTimeAreWrittenAsTheyAreRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"90m0s", "24h", "7d", "1d", ""} {
		var w warning.Within
		if err := w.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		again, err := w.MarshalText()
		if want := map[string]string{"24h": "1d", "90m0s": "1h30m0s"}[text]; err != nil || string(again) != text && string(again) != want {
			t.Errorf("%q is written %q", text, again)
		}
	}
}

func FuzzReadForm(f *testing.F) {
	f.Add([]byte(morningForm))
	if more, err := os.ReadFile(filepath.Join("testdata", "wannacry.yaml")); err == nil {
		f.Add(more)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := warning.ReadForm("form.yaml", text, nil)
		if err == nil && d.Colour.Rank() == 0 {
			t.Errorf("read without a colour: %+v", d)
		}
	})
}

// The form that the guide shows is one, and nothing keeps it from being issued.
func TestFormOfTheGuideIsRead(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(filepath.Join(testdata.Root(t), "docs", "alliance.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(guide), "\n## Warn\n")
	_, text, _ = strings.Cut(text, "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	d, err := warning.ReadForm("alliance.md", []byte(text), func(string) ([]byte, error) {
		return []byte("title: Shadow copies\nid: 6a1f3a4e-52b5-4d0e-9d5c-0b7f6f3c9a11\n"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, storetest.Open(t, storetest.SQLite(t), rooms()...))
	r := must[warning.Record](t)(o.Draft(t.Context(), dan, d))
	v := must[warning.View](t)(o.Show(t.Context(), dan, r.ID))
	if len(v.Problems) > 0 || v.Drafted().Questions() != 5 || d.Rules[0].ID == "" {
		t.Errorf("problems %+v of %+v", v.Problems, d)
	}
}
