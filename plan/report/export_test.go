package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/testdata"
	"tocsin/plan"
	"tocsin/plan/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil { //nolint:gosec // read by everyone
			t.Fatal(err)
		}
		return
	}
	want := ok(os.ReadFile(file))
	if !bytes.Equal(got, want) {
		t.Errorf("%s (rewrite with -update):\n%s", file, cmp.Diff(string(want), string(got)))
	}
}

// signed is the port's report, signed by two.
func (d *desk) signed() report.Report {
	d.t.Helper()
	d.grades[act] = []plan.Graded{{Level: "II", At: d.aware, By: ann.Name}}
	p := d.draft(d.open(port()))
	p = d.write(p, "remarks", "The ministry's *press office* was told by telephone.\n\n- at 04:10\n- again at 05:00")
	ok(d.Sign(d.ctx(), d.as(ann, p), "duty officer"))
	return ok(d.Sign(d.ctx(), d.as(bob, p), "commander"))
}

var written = []struct {
	recipient, language string
	format              report.Format
}{
	{"", "en", report.HTML}, {"", "zh", report.HTML}, {"csirt", "en", report.JSON}, {"press", "zh", report.JSON}, {"press", "en", report.HTML},
}

func TestExportsAreAsReviewed(t *testing.T) {
	t.Parallel()
	d := one(t)
	p := d.signed()
	for _, w := range written {
		name := "early." + w.language + "." + string(w.format)
		if w.recipient != "" {
			name = "early." + w.recipient + "." + w.language + "." + string(w.format)
		}
		golden(t, name, d.export(p, w.recipient, w.language, w.format))
	}
}

// sumsVariable tells the test binary to print what it exports.
const sumsVariable = "TOCSIN_REPORT_SUMS"

// The same version gives the same bytes: again, in another process in another
// zone, after the case and the report went on, and after it was submitted.
func TestAnExportCanBeRepeated(t *testing.T) {
	d := one(t)
	p := d.signed()
	formats := []report.Format{report.JSON, report.HTML}
	if _, err := machineFonts(); err == nil {
		formats = append(formats, report.PDF)
	}
	sums := func() string {
		var b strings.Builder
		for _, format := range formats {
			for _, language := range []string{"en", "zh"} {
				fmt.Fprintf(&b, "sum %s %s %s\n", format, language, shortSum(d.export(p, "csirt", language, format)))
			}
		}
		return b.String()
	}
	here := sums()
	if os.Getenv(sumsVariable) != "" {
		fmt.Print(here)
		return
	}
	i := ok(d.register.Get(d.ctx(), p.Incident))
	ok(d.Submitted(d.ctx(), d.as(ann, p), report.Sending{To: []string{"csirt"}, At: d.aware, Proof: "no. 7"}))
	cause := "Something else."
	ok(d.register.Describe(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, incident.Details{Cause: &cause}))
	d.write(p, "cause", "Written later.")
	if again := sums(); again != here {
		t.Errorf("again:\n%swant\n%s", again, here)
	}
	other := exec.Command(os.Args[0], "-test.run=^TestAnExportCanBeRepeated$")
	other.Env = append(os.Environ(), sumsVariable+"=1", "TZ=America/New_York")
	out, err := other.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), here) {
		t.Errorf("in another process:\n%swant\n%s", out, here)
	}
}

// extract returns the text of a PDF as another program reads it, without what
// lines are broken by.
func extract(t testing.TB, pdf []byte) string {
	t.Helper()
	program := testdata.Peer(t, "pdftotext")
	file := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "-enc", "UTF-8", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	return squeezed(string(out))
}

func squeezed(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

func TestTheTextOfAPDFCanBeSelected(t *testing.T) {
	t.Parallel()
	d := one(t)
	p := d.signed()
	for language, wants := range map[string][]string{
		"en": {"Early warning of an incident", "Hafen Elbe GmbH 易北港", "Serious (II), since", "Files on 41 servers were encrypted", "cut off at the core switch", "commander", "Bob Koch", "Page 1 of"},
		"zh": {"事件早期预警报告", "重大（II级）", "整体中断2小时以上", "已采取的措施", "国家应急中心", "签署：commander", "第1页"},
	} {
		text := extract(t, d.export(p, "csirt", language, report.PDF))
		for _, want := range wants {
			if !strings.Contains(text, squeezed(want)) {
				t.Errorf("%s: %q is not in the text of the PDF:\n%s", language, want, text)
			}
		}
	}
}

func TestARecipientIsOneOfTheRegimes(t *testing.T) {
	t.Parallel()
	d := one(t)
	p := d.draft(d.open(port()))
	for name, call := range map[string]func() error{
		"recipient": func() error { _, err := d.Export(d.ctx(), p.ID, 0, "nobody", "en", report.JSON); return err },
		"language":  func() error { _, err := d.Export(d.ctx(), p.ID, 0, "csirt", "de", report.JSON); return err },
		"format":    func() error { _, err := d.Export(d.ctx(), p.ID, 0, "csirt", "en", "docx"); return err },
	} {
		if err := call(); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// hostile is text that a careless export would obey.
const hostile = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) \" onmouseover=\"x =HYPERLINK(1) \u202egnp.exe"

func TestHTMLInEveryTextIsInert(t *testing.T) {
	t.Parallel()
	d := one(t)
	s := port()
	for _, text := range []*string{&s.title, &s.summary, &s.cause, &s.host, &s.note, &s.task, &s.planned, &s.domain, &s.event} {
		*text += " " + hostile
	}
	i := d.open(s)
	p := d.draft(i)
	p = d.write(p, "remarks", hostile+"\n\n| a | b |\n|--|--|\n| "+hostile+" | x |")
	p = ok(d.Review(d.ctx(), d.as(bob, p), false, hostile))
	closed := ok(d.register.Advance(d.ctx(), incident.Change{Who: ann, Incident: i.ID, Why: hostile}, incident.Advance{To: incident.Closed, Resolution: incident.NearMiss}))
	known := regexp.MustCompile(`^<(!doctype html|/?(html|head|body|title|style|header|main|footer|section|h1|h2|h3|p|span|dl|dt|dd|strong|em|code|pre|blockquote|ul|ol|li|table|caption|thead|tbody|tr|th|td|time|div|b|br|meta)( (lang|class|scope|colspan|aria-hidden|datetime|charset|name|content|http-equiv)="[^"<>]*")*)>$`)
	pages := map[string][]byte{
		"report": d.export(p, "", "en", report.HTML),
		"case":   ok(d.CasePaper(d.ctx(), closed.ID, "en", report.HTML)),
		"review": ok(d.AfterAction(d.ctx(), closed.ID, "zh", report.HTML)),
	}
	for name, page := range pages {
		for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(string(page), -1) {
			if !known.MatchString(tag) {
				t.Errorf("%s: the page has the tag %q", name, tag)
			}
		}
		if !strings.Contains(html.UnescapeString(string(page)), "<script>alert(1)</script>") {
			t.Errorf("%s: the text is not shown", name)
		}
	}
	for name, text := range map[string][]byte{"report": d.export(p, "", "en", report.JSON), "case": ok(d.ExportCase(d.ctx(), closed.ID, "en"))} {
		if !json.Valid(text) || bytes.Contains(text, []byte("<script")) {
			t.Errorf("%s: the JSON could be taken for a page", name)
		}
	}
	d.export(p, "", "en", report.PDF)
	ok(d.CasePaper(d.ctx(), closed.ID, "en", report.XLSX))
}

// Whatever a field that a recipient must not see says, wherever in the case it
// came from: it does not occur in what that recipient gets, in any format.
func TestHiddenFieldsNeverOccurInWhatARecipientGets(t *testing.T) {
	t.Parallel()
	recipients := []string{"csirt", "police", "press"}
	d := one(t)
	_, noFonts := machineFonts()
	pdfs := 4 // are slow
	rapid.Check(t, func(rt *rapid.T) {
		s := port()
		secrets := map[string]string{} // what the field says, by field
		token := func(id string) string {
			secrets[id] = "zq" + rapid.StringMatching(`[a-z]{12}`).Draw(rt, id)
			return secrets[id]
		}
		s.cause, s.host, s.planned, s.domain, s.evidence = token("cause"), token("assets"), token("planned"), token("observables")+".example", token("evidence")
		amount := rapid.IntRange(10_000_000, 99_999_999).Draw(rt, "amount")
		s.facts["loss.direct"] = fmt.Sprintf(`{"value": %d, "currency": "EUR"}`, amount)
		grouped := fmt.Sprintf("%d %03d %03d", amount/1_000_000, amount/1000%1000, amount%1000)
		p := d.draft(d.open(s))
		for _, id := range []string{"level", "impact", "ransom", "remarks"} {
			if rapid.Bool().Draw(rt, id+" written") {
				p = d.write(p, id, "It is "+token(id)+rapid.SampledFrom([]string{".", "\n\n- a\n- b", ", **bold**"}).Draw(rt, id+" style"))
			}
		}
		seen := map[string]bool{}
		for _, recipient := range recipients {
			for _, format := range []report.Format{report.JSON, report.HTML, report.PDF} {
				language := rapid.SampledFrom([]string{"en", "zh"}).Draw(rt, "language")
				var text string
				switch {
				case format != report.PDF:
					text = squeezed(string(d.export(p, recipient, language, format)))
				case noFonts != nil || pdfs == 0:
					continue
				default:
					pdfs--
					text = extract(t, d.export(p, recipient, language, format))
				}
				for k := range p.Content.Fields {
					f := &p.Content.Fields[k]
					hidden := false
					for _, from := range f.HiddenFrom {
						hidden = hidden || from == recipient
					}
					secret, has := secrets[f.ID]
					if f.ID == "loss" {
						secret, has = squeezed(grouped), true
					}
					if !has {
						continue
					}
					occurs := strings.Contains(text, secret)
					seen[f.ID] = seen[f.ID] || occurs
					if hidden && occurs {
						rt.Fatalf("%s gets %s with %q of the field %s:\n%s", recipient, format, secret, f.ID, text)
					}
					if !hidden && !occurs && f.ID != "loss" {
						rt.Fatalf("%s gets no %q of the field %s, which it may see, as %s", recipient, secret, f.ID, format)
					}
				}
			}
		}
		whole := squeezed(string(d.export(p, "", "en", report.HTML)))
		for id, secret := range secrets {
			if !strings.Contains(whole, secret) {
				rt.Fatalf("%s does not say %q", id, secret)
			}
		}
	})
}

func shortSum(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }

// What is around the fields does not give away what they hide: who it is from,
// its number, a fact among others, what the timeline tells of.
func TestAnAnonymousNoticeNamesNobody(t *testing.T) {
	t.Parallel()
	d := one(t)
	s := port()
	s.facts["loss.direct"] = `{"value": 12345678, "currency": "EUR"}`
	i := d.open(s)
	p := ok(d.Draft(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, report.Ask{Regime: act, Form: "anonymous"}))
	secrets := []string{"Hafen Elbe", i.Number, "12 345 678", s.host}
	for _, format := range []report.Format{report.JSON, report.HTML} {
		whole, press := string(d.export(p, "", "en", format)), string(d.export(p, "press", "en", format))
		for _, secret := range secrets {
			if !strings.Contains(whole, secret) {
				t.Errorf("%s: the whole does not say %q", format, secret)
			}
			if strings.Contains(press, secret) {
				t.Errorf("%s: the press is told %q", format, secret)
			}
		}
		for _, open := range []string{"135 min (2 h 15 min)", "Loss of EUR 10 million or more", "core switch"} {
			if !strings.Contains(press, open) {
				t.Errorf("%s: the press is not told %q", format, open)
			}
		}
	}
}

func TestALongListIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	d := one(t)
	i := d.open(port())
	var hosts []incident.Asset
	for n := range 1500 {
		hosts = append(hosts, incident.Asset{Kind: "host", Name: fmt.Sprintf("host-%04d.hafen.example", n)})
	}
	ok(d.register.AddAssets(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, hosts))
	p := d.draft(i)
	page := string(d.export(p, "", "en", report.HTML))
	if n := strings.Count(page, "<td>host-"); n != 1000 || !strings.Contains(page, "and 501 more, which the case has") {
		t.Errorf("%d hosts are shown", n)
	}
	if _, err := d.Sign(d.ctx(), report.Change{Who: audit.Actor{ID: "node", Name: "node"}, Report: p.ID}, ""); !errors.Is(err, fault.Forbidden) {
		t.Errorf("the node signed: %v", err)
	}
}
