package document_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/internal/testdata"
)

// pages returns a paper's PDF as another program reads its pages.
func pages(t *testing.T, p *document.Paper) []string {
	t.Helper()
	program := testdata.Peer(t, "pdftotext")
	file := save(t, p)
	out, err := exec.Command(program, "-layout", "-enc", "UTF-8", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
}

func save(t *testing.T, p *document.Paper) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "paper.pdf")
	if err := os.WriteFile(file, must(p.PDF(fonts(t)))(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// squeezed is text without what lines are broken by.
func squeezed(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

func TestTextOfAPDFCanBeSelected(t *testing.T) {
	t.Parallel()
	for _, p := range []*document.Paper{english(), chinese()} {
		got := squeezed(strings.Join(pages(t, p), ""))
		for _, s := range p.Sections {
			want := []string{p.Title, p.Issuer.Name, s.Title}
			for _, b := range s.Blocks {
				if paragraph, ok := b.(document.Paragraph); ok {
					for _, r := range paragraph.Runs {
						want = append(want, r.Text)
					}
				}
			}
			for _, w := range want {
				if !strings.Contains(got, squeezed(w)) {
					t.Errorf("%q is not in the text of the PDF:\n%s", w, got)
				}
			}
		}
	}
}

func TestEveryPageHasItsMarkingAndNumber(t *testing.T) {
	t.Parallel()
	all := pages(t, long())
	if len(all) < 20 {
		t.Fatalf("got %d pages, want a report of 20", len(all))
	}
	for i, page := range all {
		if strings.Count(page, "TLP:AMBER+STRICT") != 2 {
			t.Errorf("page %d is not marked above and below", i+1)
		}
		if !strings.Contains(page, fmt.Sprintf("Page %d of %d", i+1, len(all))) {
			t.Errorf("page %d has no number", i+1)
		}
	}
}

func TestTitlesOfATableAreOnEachOfItsPages(t *testing.T) {
	t.Parallel()
	rows, withRows := 0, 0
	for i, page := range pages(t, long()) {
		if n := strings.Count(page, ".dwg.locked") - strings.Count(page, "->"); n > 0 {
			rows += n
			withRows++
			if !strings.Contains(page, "No.") || !strings.Contains(page, "Host") {
				t.Errorf("page %d has rows without titles", i+1)
			}
		}
	}
	if rows != 600 || withRows < 10 {
		t.Errorf("got %d rows on %d pages, want all 600 on many", rows, withRows)
	}
}

func TestFontsAreEmbeddedAsSubsets(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(testdata.Peer(t, "pdffonts"), save(t, chinese())).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")[2:]
	for _, line := range lines {
		if !strings.Contains(line, "yes yes yes") { // embedded, a subset, with its characters
			t.Errorf("got %s", line)
		}
	}
	if len(lines) < 2 || !strings.Contains(string(out), "+Han ") {
		t.Errorf("got the fonts\n%s", out)
	}
}

// What the fonts lack, and what would be hidden, can be read in the PDF.
func TestHostileTextCanBeReadInAPDF(t *testing.T) {
	t.Parallel()
	p := english()
	p.Sections = []document.Section{{Title: "x", Blocks: document.Blocks{document.Text("a\u202eb c\x00d 😀 𠮷 \ue000 Lǚ ⼈人 а(cyrillic) ;")}}}
	got := squeezed(strings.Join(pages(t, p), ""))
	for _, want := range []string{"a‹U+202E›bc‹U+0000›d", "‹U+1F600›", "‹U+20BB7›", "‹U+E000›", "‹U+2F08›人", "а(cyrillic)"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
}

// oneCell is a paper with one cell of so many pieces of a kilobyte, each with one f.
func oneCell(count int) *document.Paper {
	p := text("")
	piece := "日志" + strings.Repeat("0123456789abcde.", 64)[6:] + "f"
	p.Sections[0].Blocks = document.Blocks{document.Table{
		Columns: []document.Column{{Title: "列"}, {Title: "备注"}},
		Rows:    [][]document.Cell{{{Text: strings.Repeat(piece, count)}, {Text: "短"}}},
	}}
	return p
}

func TestACellOfManyPagesIsSetWhole(t *testing.T) {
	t.Parallel()
	const count = 256 // 256 KiB: under the race detector each costs 10 ms
	p := oneCell(count)
	got := squeezed(strings.Join(pages(t, p), ""))
	if n := strings.Count(got, "f"); n != count {
		t.Errorf("got %d of %d pieces", n, count)
	}
	if _, err := p.XLSX(); err != nil {
		t.Error(err)
	}
}

// Titles as high as a page are not repeated, or no row would ever be set.
func TestTitlesHigherThanAPageStandOnce(t *testing.T) {
	t.Parallel()
	p := text("")
	table := document.Table{Columns: []document.Column{{Title: strings.Repeat("很长的标题", 700)}, {Title: strings.Repeat("x ", 400)}}}
	for range 20 {
		table.Rows = append(table.Rows, []document.Cell{{Text: "一行"}, {Text: strings.Repeat("y ", 600)}})
	}
	p.Sections[0].Blocks = document.Blocks{table}
	got := squeezed(strings.Join(pages(t, p), ""))
	if titles, rows := strings.Count(got, "很长的标题"), strings.Count(got, "一行"); titles < 600 || titles > 700 || rows != 20 {
		t.Errorf("got %d pieces of the title and %d rows, want 700 and 20", titles, rows)
	}
}

func TestAbsentFontsAreToldByPackage(t *testing.T) {
	t.Parallel()
	_, err := document.FindFonts(t.TempDir())
	if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "fonts-liberation") {
		t.Errorf("without any font: got %v", err)
	}
	latin := t.TempDir()
	for _, file := range fonts(t).Files() {
		if !strings.Contains(file, "truetype/droid") && !strings.Contains(file, "arphic") {
			_, below, _ := strings.Cut(file, "/fonts/")
			link(t, file, filepath.Join(latin, below))
		}
	}
	f := must(document.FindFonts(latin))(t)
	if _, err := chinese().PDF(f); !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "fonts-droid-fallback") {
		t.Errorf("without a Chinese font: got %v", err)
	}
	if _, err := english().PDF(f); err != nil {
		t.Errorf("an English paper needs no Chinese font: %v", err)
	}
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(from, to); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
}

// sumsVariable tells the test binary to print the sums of all renderings.
const sumsVariable = "TOCSIN_DOCUMENT_SUMS"

func sums(tb testing.TB) string {
	tb.Helper()
	var b bytes.Buffer
	writers := renderings(tb)
	for _, name := range []string{"JSON", "HTML", "XLSX", "PDF"} {
		for i, p := range []*document.Paper{english(), chinese(), everywhere(hostile)} {
			fmt.Fprintf(&b, "sum %s %d %x\n", name, i, sha256.Sum256(must(writers[name](p))(tb)))
		}
	}
	return b.String()
}

// Another process, in another zone, makes the same bytes.
func TestEveryRenderingCanBeRepeated(t *testing.T) {
	here := sums(t)
	if os.Getenv(sumsVariable) != "" {
		fmt.Print(here)
		return
	}
	for _, zone := range []string{"America/New_York"} {
		again := exec.Command(os.Args[0], "-test.run=^TestEveryRenderingCanBeRepeated$")
		again.Env = append(os.Environ(), sumsVariable+"=1", "TZ="+zone)
		out, err := again.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !strings.Contains(string(out), here) {
			t.Errorf("in another process, in %s:\n%swant\n%s", zone, out, here)
		}
	}
}
