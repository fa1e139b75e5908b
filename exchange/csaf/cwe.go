package csaf

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed cwe.txt
var cweTable string

// weakness is what a release of CWE says of one.
type weakness struct {
	release    int // since this one, by its place in the list
	usage      byte
	deprecated bool
	name       string // empty: it is no weakness any more
}

// catalogue is CWE in all its releases.
type catalogue struct {
	releases []string
	dates    []time.Time
	entries  map[string][]weakness // by "CWE-79"
}

// weaknesses reads the table at the first use.
var weaknesses = sync.OnceValue(func() *catalogue {
	c := &catalogue{entries: map[string][]weakness{}}
	places := map[string]int{}
	for line := range strings.Lines(cweTable) {
		words := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 5)
		switch words[0] {
		case "#", "":
		case "release":
			date, err := time.Parse(time.DateOnly, words[2])
			if err != nil {
				panic(err) // our own table
			}
			places[words[1]] = len(c.releases)
			c.releases = append(c.releases, words[1])
			c.dates = append(c.dates, date)
		default:
			w := weakness{release: places[words[1]]}
			if words[2] != "x" {
				w.usage, w.deprecated, w.name = words[2][0], words[3] == "d", strings.TrimSpace(words[4])
			}
			c.entries["CWE-"+words[0]] = append(c.entries["CWE-"+words[0]], w)
		}
	}
	return c
})

func (c *catalogue) has(release string) bool { return slices.Contains(c.releases, release) }

// at is a weakness as it was in a release.
func (c *catalogue) at(id, release string) (found weakness, ok bool) {
	place := slices.Index(c.releases, release)
	for _, w := range c.entries[id] {
		if w.release <= place {
			found = w
		}
	}
	return found, found.name != ""
}

// named reports whether a weakness had a name in any release.
// Some releases end a name with a space; who copied that is not wrong.
func (c *catalogue) named(id, name string) bool {
	name = strings.TrimSpace(name)
	return slices.ContainsFunc(c.entries[id], func(w weakness) bool { return w.name == name && name != "" })
}

// latest is the release that was the last at a time.
func (c *catalogue) latest(at time.Time) string {
	last := ""
	for i, date := range c.dates {
		if !date.After(at) {
			last = c.releases[i]
		}
	}
	return last
}
