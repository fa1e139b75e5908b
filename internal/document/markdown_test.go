package document_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/document"
)

func runs(pairs ...string) []document.Run {
	var out []document.Run
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, document.Run{Text: pairs[i], Style: document.Style(pairs[i+1])})
	}
	return out
}

func TestMarkdownBecomesBlocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want document.Blocks
	}{
		{"", nil},
		{"plain *it* **bo** `co<d>e`", document.Blocks{document.Paragraph{Runs: runs("plain ", "", "it", "italic", " ", "", "bo", "bold", " ", "", "co<d>e", "code")}}},
		{"line\nnext  \nhard", document.Blocks{document.Text("line next\nhard")}},
		{"第一行\n第二行", document.Blocks{document.Text("第一行第二行")}},
		{"# Title *x*\n\n> said", document.Blocks{document.Heading{Text: "Title x"}, document.Paragraph{Runs: runs("said", ""), Quote: true}}},
		{"- a\n  - b\n- c\n\n3. d", document.Blocks{
			document.List{Items: []document.Item{{Mark: "•", Runs: runs("a", "")}, {Mark: "•", Depth: 1, Runs: runs("b", "")}, {Mark: "•", Runs: runs("c", "")}}},
			document.List{Items: []document.Item{{Mark: "3.", Runs: runs("d", "")}}},
		}},
		{"```sh\nrm  -rf /\n```", document.Blocks{document.Preformatted{Text: "rm  -rf /"}}},
		{"| a | b |\n|---|---|\n| 1 | *2* |\n| 3 |", document.Blocks{document.Table{
			Columns: []document.Column{{Title: "a"}, {Title: "b"}},
			Rows:    [][]document.Cell{{{Text: "1"}, {Text: "2"}}, {{Text: "3"}, {}}},
		}}},
		{"[here](javascript:alert(1)) ![pic](http://x/y.png) <http://auto.example>", document.Blocks{document.Text("here <javascript:alert(1)> pic <http://x/y.png> http://auto.example")}},
		{"a <b onclick=x>b</b> &lt;i&gt; \\*", document.Blocks{document.Text("a <b onclick=x>b</b> <i> *")}},
		{"<script>\nalert(1)\n</script>", document.Blocks{document.Text("<script>\nalert(1)\n</script>")}},
		{"a\n\n---\n\nb", document.Blocks{document.Text("a"), document.Text("b")}},
	} {
		if d := cmp.Diff(c.want, document.Markdown(c.in)); d != "" {
			t.Errorf("%q: %s", c.in, d)
		}
	}
}

// What a parser could take quadratic time or deep recursion for ends quickly.
func TestMarkdownMadeToBeSlowIsNot(t *testing.T) {
	t.Parallel()
	const limit = 20 * time.Second // a second of an idle machine, under the race detector
	for _, part := range []string{"[", "![", "*", "_a ", "`", "<", "> ", "- ", "1) ", "[a](", "[a][", "\\", "&", "|a", "**a *b ", "<!--", "$[x]: y\n", "\t"} {
		began := time.Now()
		document.Markdown(strings.Repeat(part, (256<<10)/len(part)))
		if took := time.Since(began); took > limit {
			t.Errorf("%q took %s", part, took)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add("# a\n\n> - **b** [c](d)\n\n|x|y|\n|-|-|\n|1|\n\n<p>")
	f.Add("1. a\n\n   ```\n   b\n   ```\n2. ![c](d \"e\")\n\n[f]: g\n")
	f.Fuzz(func(t *testing.T, input string) {
		p := text("")
		p.Sections[0].Blocks = document.Markdown(input)
		written, err := p.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := document.Read(written); err != nil {
			t.Fatal(err)
		}
	})
}
