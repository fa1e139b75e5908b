package core_test

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/detect/core"
	"tocsin/detect/sigma"
	"tocsin/intel"
)

// pack is read once for all tests.
var pack = sync.OnceValue(func() *sigma.Set { return sigma.LoadFS(core.Rules()) })

// load returns all rules; any that is not perfect is an error.
func load(tb testing.TB) *sigma.Set {
	tb.Helper()
	set := pack()
	for _, p := range slices.Concat(set.Problems, set.Notes) {
		tb.Error(p)
	}
	return set
}

func TestPackIsLargeEnough(t *testing.T) {
	t.Parallel()
	set := load(t)
	if n := len(set.Rules) + len(set.Correlations); n < 60 {
		t.Errorf("%d rules and correlations, want 60 or more", n)
	}
}

var (
	uuid   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	attack = regexp.MustCompile(`^attack\.(t\d{4}(\.\d{3})?|[a-z-]+)$`)
)

// longestTitle is how much of a title fits on one line of the table at 160 columns.
const longestTitle = 46

// described is what rules and correlations say about themselves alike.
type described struct {
	path, id, title, description, author, license, date string
	level                                               intel.Severity
	tags, falsePositives                                []string
	inner                                               bool // only a correlation's part
}

func TestEveryRuleSaysWhatItIs(t *testing.T) {
	t.Parallel()
	titles := map[string]string{}
	for _, d := range descriptions(load(t)) {
		if !uuid.MatchString(d.id) {
			t.Errorf("%s: %q is no random UUID", d.path, d.id)
		}
		if d.author != "Tocsin" || d.license != "Apache-2.0" || d.date == "" || d.level == intel.Unrated {
			t.Errorf("%s: author %q, licence %q, date %q, level %s", d.path, d.author, d.license, d.date, d.level)
		}
		if other, taken := titles[d.title]; taken {
			t.Errorf("%s and %s have the same title %q", d.path, other, d.title)
		}
		titles[d.title] = d.path
		if d.inner {
			continue
		}
		if len(d.title) > longestTitle {
			t.Errorf("%s: title %q is longer than a line of the table has room for", d.path, d.title)
		}
		if d.description == "" || len(d.falsePositives) == 0 {
			t.Errorf("%s: say what %q means and when it is mistaken", d.path, d.title)
		}
		checkTags(t, d)
	}
}

func checkTags(t *testing.T, d described) {
	t.Helper()
	tactics, techniques := 0, 0
	for _, tag := range d.tags {
		switch {
		case !attack.MatchString(tag):
			t.Errorf("%s: tag %q", d.path, tag)
		case strings.HasPrefix(tag, "attack.t") && tag[len("attack.t")] <= '9':
			techniques++
		default:
			tactics++
		}
	}
	if tactics == 0 || techniques == 0 {
		t.Errorf("%s: tags %q name no tactic or no technique", d.path, d.tags)
	}
}

func descriptions(set *sigma.Set) []described {
	inner := map[string]bool{}
	for _, c := range set.Correlations {
		for _, name := range c.Rules {
			inner[name] = true
		}
	}
	var all []described
	for _, r := range set.Rules {
		all = append(all, described{r.Path, r.ID, r.Title, r.Description, r.Author, r.License, r.Date, r.Level, r.Tags, r.FalsePositives, inner[r.Name]})
	}
	for _, c := range set.Correlations {
		all = append(all, described{c.Path, c.ID, c.Title, c.Description, c.Author, c.License, c.Date, c.Level, c.Tags, c.FalsePositives, inner[c.Name]})
	}
	return all
}
