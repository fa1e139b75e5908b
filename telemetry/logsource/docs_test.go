package logsource_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/intel"
	"tocsin/internal/testdata"
	"tocsin/telemetry/logsource"
)

const preface = `# Log sources

What telemetry of which product becomes which of Sigma's log sources. Written by
` + "`go test ./telemetry/logsource -run Documented -update`" + ` from the mapping files in
` + "`telemetry/logsource/mapping`" + `; do not edit. What is marked * was not tried on real
records, only on records written from the documentation: it is not proven on
real data. How to add a mapping of your own stands in ` + "`docs/watch.md`" + `.

`

// TestLogSourcesAreDocumented holds docs/logsources.md to the mappings.
func TestLogSourcesAreDocumented(t *testing.T) {
	t.Parallel()
	m := load(t)
	var b strings.Builder
	b.WriteString(preface)
	writeProducts(&b, m)
	writeSources(&b, m, readSeen(t))
	b.WriteString("\n## What nothing produces\n\n| product | category | service | why |\n| --- | --- | --- | --- |\n")
	for _, u := range m.Unproducible() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", u.LogSource.Product, u.LogSource.Category, u.LogSource.Service, u.Reason)
	}
	path := filepath.Join(testdata.Root(t), "docs", "logsources.md")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("docs/logsources.md is not what the mappings say (-file +mappings); rewrite it with -update:\n%s", diff)
	}
}

func writeProducts(b *strings.Builder, m *logsource.Mappings) {
	b.WriteString("## Products\n\n| product | read from | tried on |\n| --- | --- | --- |\n")
	all := m.Producers(intel.LogSource{})
	slices.SortFunc(all, func(x, y logsource.Producer) int { return cmp.Compare(x.Title, y.Title) })
	for _, p := range all {
		fmt.Fprintf(b, "| %s | %s | %s |\n", marked(p), strings.Join(p.Inputs, ", "), strings.Join(p.Proven, ", "))
	}
}

func writeSources(b *strings.Builder, m *logsource.Mappings, seen map[string]bool) {
	b.WriteString("\n## Log sources\n\n| product | category | service | from |\n| --- | --- | --- | --- |\n")
	for _, l := range m.LogSources() {
		if l.Product == "" && l.Category != "" && !ofNoProduct[l.Category] {
			continue // a category of many products, each of which has its line
		}
		var from []string
		for _, p := range m.Producers(l) {
			title := p.Title
			if !isSeen(seen, p.Mapping, l) {
				title += "*"
			}
			from = append(from, title)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", l.Product, l.Category, l.Service, strings.Join(from, ", "))
	}
}

// isSeen reports whether real records were resolved to the log source; of any
// product where it names none.
func isSeen(seen map[string]bool, mapping string, l intel.LogSource) bool {
	if l.Product != "" {
		return seen[seenKey(mapping, l)]
	}
	for line := range seen {
		if strings.HasPrefix(line, mapping+":") && strings.HasSuffix(line, " "+l.String()) {
			return true
		}
	}
	return false
}

// ofNoProduct are categories whose rules name no product.
var ofNoProduct = map[string]bool{
	"antivirus": true, "database": true, "dns": true, "firewall": true, "network": true, "proxy": true, "webserver": true,
}

func marked(p logsource.Producer) string {
	if len(p.Proven) == 0 {
		return p.Title + "*"
	}
	return p.Title
}
