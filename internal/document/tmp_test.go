package document_test
import ("testing";"time";"strings";"tocsin/internal/document")
func TestTmp(t *testing.T){
	for _, part := range []string{"[", "![", "*", "_a ", "`", "<", "> ", "- ", "1) ", "[a](", "[a][", "\\", "&", "|a", "**a *b ", "<!--", "[x]: y\n", "\t","* a\n","``a","[a](<b","***a ","<a b=","|-","|a\n|-\n","`a","\n>","[a]:","<?","<a@b"} {
		began := time.Now()
		document.Markdown(strings.Repeat(part, (64<<10)/len(part)))
		if took := time.Since(began); took > 50*time.Millisecond { t.Logf("%q took %s", part, took) }
	}
}
