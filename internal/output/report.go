package output

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"

	"tocsin/intel"
	"tocsin/node"
)

var (
	//go:embed report.html
	reportPage string
	//go:embed report.css
	reportStyle string
	//go:embed report.js
	reportScript string
)

// ReportConfig says what a report says about itself.
type ReportConfig struct {
	Program string    // name and version of what made it
	Made    time.Time // when
	Also    []string  // further sentences about what was not covered
}

// WriteReport writes everything found as one HTML page that needs nothing else:
// no other file, no network, no script.
func WriteReport(w io.Writer, o *Overview, s *node.Summary, c ReportConfig) error {
	buffered := bufio.NewWriter(w)
	if err := reportTemplate().Execute(buffered, newPage(o, s, c)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return buffered.Flush()
}

var reportTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Parse(reportPage))
})

// page is the report as its template sees it. Every text in it has passed
// Plain or block.
type page struct {
	Style, Script template.HTML // ours, with their tags
	Policy        string        // Content-Security-Policy
	Program, Made string

	Title     string
	Facts     []string
	Covered   []string
	Gaps      []string
	Levels    []levelView
	Chart     *chart
	Rules     []ruleView
	Matrix    []tacticView
	Hosts     []hostView
	MoreHosts []hostView // folded away
	Further   string     // about hosts not listed
	Sources   []sourceView
	Unlist    string // about sources not listed
}

type levelView struct {
	Name     string
	Class    string
	Marks    []bool
	Findings string
	Rules    string
	None     bool
}

func newPage(o *Overview, s *node.Summary, c ReportConfig) page {
	style, script := "<style>"+reportStyle+"</style>", "<script>"+reportScript+"</script>"
	p := page{
		// Both are files of ours, embedded: nothing from outside is in them.
		Style: template.HTML(style), Script: template.HTML(script),
		Policy: "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; style-src " + hash(reportStyle) +
			"; script-src " + hash(reportScript),
		Program: Plain(c.Program), Made: moment(c.Made) + " UTC",
		Title: title(o, s), Facts: facts(o, s), Covered: []string{readSentence(s), foundSentence(o, s)}, Gaps: append(Gaps(s), c.Also...),
		Levels: levels(o), Chart: newChart(o.timeline), Matrix: matrix(o),
	}
	p.Rules = ruleViews(o, p.Chart)
	p.Hosts, p.Further = hostViews(o)
	if len(p.Hosts) > shownHosts {
		p.Hosts, p.MoreHosts = p.Hosts[:shownHosts], p.Hosts[shownHosts:]
	}
	p.Sources, p.Unlist = sourceViews(s)
	return p
}

// hash is the source expression that lets an inline style or script run (CSP
// level 3, section 8.3), and no other.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// title says the state in one sentence.
func title(o *Overview, s *node.Summary) string {
	if s.Events == 0 {
		return "Nothing was read"
	}
	if o.Findings == 0 {
		return "Nothing found in " + Count(s.Events, "event", "events")
	}
	level, rules, hosts := o.Highest(), 0, 0
	for _, g := range o.groups {
		if g.Meta.Level == level {
			rules++
		}
	}
	for _, h := range o.hosts.inOrder {
		if h.ByLevel[level] > 0 {
			hosts++
		}
	}
	text := Count(rules, level.String()+" rule", level.String()+" rules") + " matched"
	if hosts > 0 {
		text += " on " + Count(hosts, "host", "hosts")
	}
	return text
}

func facts(o *Overview, s *node.Summary) []string {
	var all []string
	if first := firstSentence(o); first != "" {
		all = append(all, strings.TrimSuffix(first, "."))
	}
	all = append(all, Count(o.Findings, "finding", "findings")+" by "+Count(o.Rules(), "rule", "rules"))
	if n := o.HostCount(); n > 0 {
		all = append(all, Count(n, "host", "hosts"))
	}
	if first, last := o.Span(); !first.IsZero() {
		all = append(all, span(first, last)+" UTC")
	}
	return append(all, Count(s.Events, "event", "events")+" read, "+asked(s)+" asked")
}

func levels(o *Overview) []levelView {
	rules := map[intel.Severity]int{}
	for _, g := range o.groups {
		rules[g.Meta.Level]++
	}
	var views []levelView
	for level := intel.Critical; level >= intel.Informational; level-- {
		views = append(views, levelView{
			Name: capital(level.String()), Class: level.String(), Marks: marks(level), Findings: number(o.ByLevel[level]),
			Rules: Count(rules[level], "rule", "rules"), None: o.ByLevel[level] == 0,
		})
	}
	return views
}

// marks are the four marks of a level, filled or not.
func marks(l intel.Severity) []bool {
	all := make([]bool, 4)
	for i := range all {
		all[i] = int(l)-int(intel.Informational) > i
	}
	return all
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

type hostView struct {
	Name, Findings, Rules string
	First                 string
	Class, Level          string
	Marks                 []bool
}

const (
	// maxHostRows bounds the hosts a page lists; the gravest come first.
	maxHostRows = 500
	// shownHosts is how many of them are seen at once.
	shownHosts = 16
)

func hostViews(o *Overview) (views []hostView, further string) {
	hosts := o.Hosts()
	for _, h := range hosts[:min(len(hosts), maxHostRows)] {
		level := h.Highest()
		views = append(views, hostView{
			Name: Plain(h.Name), Findings: number(h.Findings), Rules: number(h.Rules), First: moment(h.First()),
			Class: level.String(), Level: capital(level.String()), Marks: marks(level),
		})
	}
	var notes []string
	if rest := len(hosts) - len(views); rest > 0 {
		notes = append(notes, Count(rest, "host more with fewer findings", "hosts more with fewer findings"))
	}
	if n := o.hosts.further; n > 0 {
		notes = append(notes, Count(n, "finding", "findings")+" on still further hosts")
	}
	if n := o.hosts.unnamed; n > 0 {
		notes = append(notes, Count(n, "finding names", "findings name")+" no host")
	}
	return views, strings.Join(notes, "; ")
}

type sourceView struct{ Name, Format, Events, Size, Skipped string }

// maxSourceRows bounds the sources a page lists.
const maxSourceRows = 200

func sourceViews(s *node.Summary) (views []sourceView, rest string) {
	for _, source := range s.Sources[:min(len(s.Sources), maxSourceRows)] {
		var skipped uint64
		for _, skip := range source.Skipped {
			skipped += skip.Count
		}
		v := sourceView{Name: Plain(source.Name), Format: string(source.Format), Events: number(source.Events), Size: byteSize(source.Bytes), Skipped: number(skipped)}
		if source.Format == "" {
			v.Format = "not recognised"
		}
		views = append(views, v)
	}
	if n := len(s.Sources) - len(views); n > 0 {
		rest = Count(n, "source more", "sources more")
	}
	return views, rest
}
