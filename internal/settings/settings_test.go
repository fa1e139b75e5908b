package settings_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"tocsin/internal/fault"
	"tocsin/internal/settings"
)

// days is a setting that reads itself.
type days time.Duration

func (d *days) UnmarshalYAML(n *yaml.Node) error {
	var count int
	if _, err := fmt.Sscanf(n.Value, "%dd", &count); err != nil {
		return fmt.Errorf("line %d: %q is no number of days", n.Line, n.Value)
	}
	*d = days(time.Duration(count) * 24 * time.Hour)
	return nil
}

func (d days) String() string { return fmt.Sprintf("%dd", time.Duration(d)/24/time.Hour) }

type example struct {
	Listen string `yaml:"listen"`
	TLS    struct {
		Certificate string          `yaml:"certificate"`
		Password    settings.Secret `yaml:"password"`
	} `yaml:"tls"`
	Servers []string `yaml:"servers"`
	Keep    days     `yaml:"keep"`
	Limit   int      `yaml:"limit"`
	Inside  string   `yaml:"-"`
}

func TestFileSetsWhatItNames(t *testing.T) {
	t.Parallel()
	e := example{Limit: 7, Listen: "default"}
	origins, err := settings.Read("t.yaml", []byte("tls:\n  password: hush\nservers: ['nats://u:p@h:1', h2]\nkeep: 3d\nlisten:\n"), &e)
	if err != nil {
		t.Fatal(err)
	}
	origins["limit"] = "--limit"
	want := []settings.Value{
		{"listen", "default", "default"},
		{"tls.certificate", "", "default"},
		{"tls.password", "[redacted]", "t.yaml:2"},
		{"servers", []any{"nats://u:[redacted]@h:1", "h2"}, "t.yaml:3"},
		{"keep", "3d", "t.yaml:4"},
		{"limit", 7, "--limit"},
	}
	if diff := cmp.Diff(want, settings.List(&e, origins)); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
	if e.TLS.Password.Reveal() != "hush" {
		t.Error("the secret is lost")
	}
}

func TestWhatIsWrongIsNamedWithItsLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"a typing error", "listn: x\n", []string{`t.yaml:1: unknown key "listn": did you mean "listen"?`}},
		{"in a section", "tls:\n  certifcate: x\n", []string{`t.yaml:2: unknown key "tls.certifcate": did you mean "tls.certificate"?`}},
		{"in the wrong section", "certificate: x\n", []string{`t.yaml:1: unknown key "certificate": did you mean "tls.certificate"?`}},
		{"like nothing", "zzzzzz: x\n", []string{"t.yaml:1: unknown key \"zzzzzz\": invalid"}},
		{"all at once", "listn: x\ntls: {passwort: y}\n", []string{"t.yaml:1", `t.yaml:2: unknown key "tls.passwort": did you mean "tls.password"?`}},
		{"hidden", "Inside: x\n", []string{`unknown key "Inside"`}},
		{"no section", "tls: yes\n", []string{"t.yaml:1: tls must be keys and values"}},
		{"a list", "- listen\n", []string{"t.yaml:1: the file must be keys and values"}},
		{"a wrong type", "limit: many\n", []string{"line 1", "t.yaml"}},
		{"a value of its own type", "keep: long\n", []string{`"long" is no number of days`}},
		{"twice", "limit: 1\nlimit: 2\n", []string{"limit"}},
		{"no YAML", "a: [\n", []string{"t.yaml"}},
		{"too long", "#" + strings.Repeat("x", 2<<20), []string{"more than"}},
	} {
		var e example
		_, err := settings.Read("t.yaml", []byte(test.text), &e)
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", test.name, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", test.name, err, want)
			}
		}
	}
	for _, empty := range []string{"", " \n", "# nothing\n", "tls:\n"} {
		var e example
		if origins, err := settings.Read("t.yaml", []byte(empty), &e); err != nil || len(origins) > 0 {
			t.Errorf("%q: %v, %v", empty, origins, err)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	s := settings.Secret("hush")
	inJSON, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%s %v %+v %#v %q", s, s, s, s, s), string(inJSON)} {
		if strings.Contains(text, "hush") || !strings.Contains(text, "[redacted]") {
			t.Errorf("got %s", text)
		}
	}
	for address, want := range map[string]string{
		"postgres://tocsin:pw@db/x?sslmode=verify-full": "postgres://tocsin:[redacted]@db/x?sslmode=verify-full",
		"nats://token@h":                        "nats://token@h",
		"no address":                            "no address",
		"/etc/tocsin/node.key":                  "/etc/tocsin/node.key",
		"tls://a%40b:p%40w@h:4222/":             "tls://a%40b:[redacted]@h:4222/",
		"postgres://u:p%w/d?e#f@h/x":            "postgres://u:[redacted]@h/x",
		"postgres://h/x?user=u&password=pw&a=b": "postgres://h/x?user=u&password=[redacted]&a=b",
		"postgres://u@h/x?sslpassword=pw":       "postgres://u@h/x?sslpassword=[redacted]",
		"postgres://h1:5432,h2:5432/x":          "postgres://h1:5432,h2:5432/x",
	} {
		if got := settings.WithoutPassword(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"listen: x\n", "tls: {password: y}\nservers: [a, b]\n", "a: &a [*a]\n", "? [x]\n: y\n", "<<: {listen: x}\n", "limit: 0x10\nkeep: 3d"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var e example
		origins, err := settings.Read("t.yaml", text, &e)
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
		if err == nil {
			settings.List(&e, origins)
		}
	})
}
