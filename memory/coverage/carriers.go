package coverage

import (
	"bytes"
	_ "embed" // carriers.yaml
	"errors"
	"fmt"
	"slices"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/intel"
)

//go:embed carriers.yaml
var carriersFile []byte

// gapLimit is the longest gap that can be meant: after a week of silence nobody
// can say that a source was watching.
const gapLimit = 7 * 24

// Rules are what decides: which log source carries what. They do not change
// and may be used by many at once.
type Rules struct {
	carriers   []carrier
	sensors    []sensor
	endpoints  []string // products
	defaultGap int
}

// sensor is a log source that speaks of what others do.
type sensor struct {
	Log    logSource `yaml:"log"`
	Reason string    `yaml:"reason"`
}

// carrier is one row of the rules.
type carrier struct {
	Log    logSource  `yaml:"log"`
	Kinds  []kindName `yaml:"kinds"`
	Gap    int        `yaml:"gap"`
	Reason string     `yaml:"reason"`
}

type logSource struct {
	Product  string `yaml:"product"`
	Category string `yaml:"category"`
	Service  string `yaml:"service"`
}

// kindName is a kind as the file names it.
type kindName struct{ intel.ObservableKind }

// UnmarshalYAML implements yaml.Unmarshaler.
func (k *kindName) UnmarshalYAML(n *yaml.Node) error {
	if err := k.UnmarshalText([]byte(n.Value)); err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	return nil
}

// Load returns the rules that the program brings. An error is a mistake in
// them, which the program should not start with.
func Load() (*Rules, error) { return Parse(carriersFile) }

// Parse reads rules in the form of carriers.yaml, and refuses what is not
// complete: a row without a log source, kind, gap or reason, a kind that is
// never seen itself, a log source that stands twice in its list.
func Parse(text []byte) (*Rules, error) {
	var file struct {
		DefaultGap int       `yaml:"default_gap"`
		Endpoints  []string  `yaml:"endpoints"`
		Sensors    []sensor  `yaml:"sensors"`
		Carriers   []carrier `yaml:"carriers"`
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("carriers: %w", err)
	}
	if file.DefaultGap < 1 || file.DefaultGap > gapLimit {
		return nil, fmt.Errorf("carriers: default_gap is %d, not 1 to %d hours", file.DefaultGap, gapLimit)
	}
	seen := map[logSource]bool{}
	for i, c := range file.Carriers {
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("carriers: row %d, %s: %w", i+1, intel.LogSource(c.Log), err)
		}
		if seen[c.Log] {
			return nil, fmt.Errorf("carriers: row %d, %s stands twice", i+1, intel.LogSource(c.Log))
		}
		seen[c.Log] = true
	}
	clear(seen)
	for i, c := range file.Sensors {
		if c.Log == (logSource{}) || c.Reason == "" || seen[c.Log] {
			return nil, fmt.Errorf("sensors: row %d, %s: it needs a log source that does not stand twice, and a reason", i+1, intel.LogSource(c.Log))
		}
		seen[c.Log] = true
	}
	return &Rules{carriers: file.Carriers, sensors: file.Sensors, endpoints: file.Endpoints, defaultGap: file.DefaultGap}, nil
}

func (c *carrier) check() error {
	switch {
	case c.Log == logSource{}:
		return errors.New("no log source: it would be every one")
	case len(c.Kinds) == 0:
		return errors.New("no kinds")
	case c.Gap < 1 || c.Gap > gapLimit:
		return fmt.Errorf("gap is %d, not 1 to %d hours", c.Gap, gapLimit)
	case c.Reason == "":
		return errors.New("no reason")
	case slices.Contains(c.Kinds, kindName{intel.IPRange}):
		return errors.New("cidr is a question, and never seen itself")
	}
	return nil
}

// fits reports whether events of a log source are what another, which may
// leave parts open, asks for.
func fits(want, have intel.LogSource) bool {
	return (want.Product == "" || want.Product == have.Product) &&
		(want.Category == "" || want.Category == have.Category) &&
		(want.Service == "" || want.Service == have.Service)
}

// gapOf returns the gap of a log source for a question, and false when it is no
// carrier for it. Of several rows the shortest gap counts.
func (r *Rules) gapOf(q *Question, have intel.LogSource) (int, bool) {
	gap, found := 0, false
	for _, c := range r.carriers {
		if fits(intel.LogSource(c.Log), have) && (q.byRule() || slices.Contains(c.Kinds, kindName{q.kind()})) {
			if !found || c.Gap < gap {
				gap, found = c.Gap, true
			}
		}
	}
	if !q.byRule() {
		return gap, found
	}
	if !found {
		gap = r.defaultGap
	}
	return gap, have != intel.LogSource{} && fits(q.LogSource, have)
}

// carriersOf returns the log sources that carry a kind.
func (r *Rules) carriersOf(q *Question) []string {
	var all []string
	if q.byRule() {
		return []string{q.LogSource.String()}
	}
	for _, c := range r.carriers {
		if slices.Contains(c.Kinds, kindName{q.kind()}) {
			all = append(all, intel.LogSource(c.Log).String())
		}
	}
	return all
}
