package document_test

import (
	"encoding/csv"
	"html"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"tocsin/internal/document"
)

// hostile is text that a careless rendering would obey, hide or break on.
const hostile = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)> \" onmouseover=\"x ' javascript:alert(1) " +
	"{{.}} =1+1 \u202egnp.exe\u202c \u2066x\u2069 \x00\x07\x1b[31m zero\u200bwidth \ufeff \xff\xfe ]]> -->\u2028next\u0085 \U000e0041 \ufe0f 😀👨‍👩‍👧 \U0010ffff \ufffe \u202e"

// everywhere is a paper with the text in each of its places.
func everywhere(text string) *document.Paper {
	m := moment(0)
	m.Zone = text
	return &document.Paper{
		Title: "T " + text, Reference: text, Status: text, Language: document.English, Marking: document.TLPGreen,
		Issuer: document.Party{Name: text, Lines: []string{text}}, Recipient: document.Party{Name: text}, Written: m,
		Sections: []document.Section{{Title: text, Blocks: document.Blocks{
			document.Paragraph{Runs: []document.Run{{Text: text}, {Text: text, Style: document.Bold}, {Text: text, Style: document.Italic}, {Text: text, Style: document.Code}}, Quote: true},
			document.Heading{Text: text},
			document.Preformatted{Text: text},
			document.List{Items: []document.Item{{Mark: text, Depth: 7, Runs: []document.Run{{Text: text}}}}},
			document.Fields{Fields: []document.Field{{Label: text, Value: text, Note: text}}},
			document.Table{Caption: text, Columns: []document.Column{{Title: text}, {Title: text, Numeric: true}}, Rows: [][]document.Cell{{{Text: text}, {Moment: m}}}},
			document.Timeline{Entries: []document.Entry{{At: m, Who: text, Text: text, Corrects: text}}},
			document.Checklist{Checks: []document.Check{{Text: text, Note: text}}},
			document.Signatures{Signatures: []document.Signature{{Role: text, Name: text, At: m, Note: text}}},
		}}, {Title: text, Appendix: true, Blocks: append(document.Blocks{}, document.Markdown(text)...)}},
	}
}

func TestHostileTextIsShownInEveryRendering(t *testing.T) {
	t.Parallel()
	p := everywhere(hostile)
	for name, write := range renderings(t) {
		if _, err := write(p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	page := string(must(p.HTML())(t))
	tags := regexp.MustCompile(`<[^>]*>`).FindAllString(page, -1)
	known := regexp.MustCompile(`^<(!doctype html|/?(html|head|body|title|style|header|main|footer|section|h1|h2|h3|p|span|dl|dt|dd|strong|em|code|pre|blockquote|ul|ol|li|table|caption|thead|tbody|tr|th|td|time|div|b|br|meta)( (lang|class|scope|aria-hidden|datetime|charset|name|content|http-equiv)="[^"<>]*")*)>$`)
	for _, tag := range tags {
		if !known.MatchString(tag) {
			t.Errorf("the page has the tag %q", tag)
		}
	}
	for _, r := range page {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Errorf("the page holds %U", r)
		}
	}
	if !strings.Contains(html.UnescapeString(page), "‹U+202E›gnp.exe") {
		t.Error("the override of direction is not shown")
	}
}

func TestWhatCannotBeSeenIsShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain, 中文 😀":      "plain, 中文 😀",
		"a\r\nb\nc":        "a\nb\nc",
		"a\tb":             "a    b",
		"\u202egnp.exe":    "‹U+202E›gnp.exe",
		"a\x00\x1b[31m":    "a‹U+0000›‹U+001B›[31m",
		"pay\u200bpal":     "pay‹U+200B›pal",
		"\ufeffx\u00ad":    "‹U+FEFF›x‹U+00AD›",
		"\xffa":            "\ufffda",
		"a\rb":             "a‹U+000D›b",
		"\U000e0041":       "‹U+E0041›",
		"\u3164filler":     "‹U+3164›filler",
		"x\u2028y\u2029":   "x‹U+2028›y‹U+2029›",
		"heart\ufe0f":      "heart‹U+FE0F›",
		"\u115f\U0001f3fb": "‹U+115F›\U0001f3fb",
	} {
		if got := document.Visible(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestNoCellOfACSVFileIsAFormula(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lead := rapid.SampledFrom([]string{"", " ", "\t", "\r", "\n", "\u3000", "\u00a0", "\ufeff"}).Draw(t, "lead")
		start := rapid.SampledFrom([]string{"=", "+", "-", "@", "|", "＝", "＋", "－", "＠", "x", "\""}).Draw(t, "start")
		cell := lead + start + rapid.String().Draw(t, "rest")
		table := document.Table{Columns: []document.Column{{Title: cell}, {Title: "n"}}, Rows: [][]document.Cell{{{Text: cell}, {Number: "-1.5"}}}}
		file, err := table.CSV(document.English, document.CSVOptions{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(file))).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("read %q: %v", file, err)
		}
		for _, got := range []string{rows[0][0], rows[1][0]} {
			if trimmed := strings.TrimSpace(got); trimmed != "" && strings.ContainsAny(trimmed[:1], "=+-@|\t\r") || strings.IndexAny(trimmed, "＝＋－＠") == 0 {
				t.Fatalf("the cell %q is a formula", got)
			}
		}
		if rows[1][1] != "-1.5" {
			t.Fatalf("the number is %q", rows[1][1])
		}
	})
}

func TestLinesAreBrokenWhereTheyMay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"the quick brown fox", 9, []string{"the quick", "brown fox"}},
		{"a  b", 1, []string{"a", "b"}},
		{"一二三四。五", 8, []string{"一二三", "四。五"}},
		{"一二三（四）五", 8, []string{"一二三", "（四）五"}},
		{"他说“好”了", 6, []string{"他说", "“好”", "了"}},
		{"共41台，停", 6, []string{"共41", "台，停"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"see https://a.example/b/c", 12, []string{"see https://", "a.example/b/", "c"}},
		{"one\n\ntwo", 9, []string{"one", "", "two"}},
		{"", 9, []string{""}},
		{"。。。。。。", 4, []string{"。。", "。。", "。。"}},
		{"用DomainController登录", 10, []string{"用", "DomainCont", "roller登录"}},
	} {
		if got := document.Lines(c.text, c.width); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q at %d: got %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// In running text, where marks do not stand in rows, no line begins or ends
// with one that may not, none is too wide and nothing is lost.
func TestNoLineBeginsWithAStopOrEndsWithABracket(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{"事件", "服务器", "加密", "系统。", "中，", "（注）", "《办法》", "“引”", "server ", "TLS", "41", "https://a.example/b ", "、"})
	rapid.Check(t, func(t *rapid.T) {
		text := "始" + strings.Join(rapid.SliceOfN(piece, 1, 60).Draw(t, "pieces"), "文")
		width := rapid.IntRange(24, 60).Draw(t, "width")
		lines := document.Lines(text, width)
		for i, line := range lines {
			runes := []rune(line)
			if len(runes) == 0 {
				t.Fatalf("line %d of %q is empty", i, lines)
			}
			if i > 0 && strings.ContainsRune(document.NotFirst, runes[0]) || i < len(lines)-1 && strings.ContainsRune(document.NotLast, runes[len(runes)-1]) {
				t.Fatalf("line %d of %q begins or ends wrongly", i, lines)
			}
		}
		strip := strings.NewReplacer(" ", "")
		if got := strip.Replace(strings.Join(lines, "")); got != strip.Replace(text) {
			t.Fatalf("got %q, want %q", got, text)
		}
	})
}

func TestBothLanguagesHaveAllWords(t *testing.T) {
	t.Parallel()
	for _, language := range []document.Language{document.English, document.Chinese} {
		v := reflect.ValueOf(document.WordsOf(language))
		for i := range v.NumField() {
			if v.Field(i).String() == "" {
				t.Errorf("%s has no word for %q", language, v.Type().Field(i).Name)
			}
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add(hostile)
	f.Add("一二三。“四”\n\n|a|b|\n|-|-|\n|1|2|")
	writers := renderings(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		p := everywhere(text)
		for name, write := range writers {
			if _, err := write(p); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		document.Diff(english(), p).Text()
	})
}
