package document_test

import (
	"html"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/document"
)

// versions are two of one report: with a paragraph, a field, a row, the marking
// and a check changed, an entry added and a signature's line gone.
func versions() (older, newer *document.Paper) {
	older, newer = english(), english()
	newer.Version, newer.Marking = 3, document.TLPAmber
	newer.Sections[0].Blocks[0] = document.Text("Files on 43 servers of the terminal operating system were encrypted. Loading of ships stopped at all berths. " +
		"No personal data is known to have left the network.")
	newer.Sections[1].Blocks[0].(document.Fields).Fields[1] = document.Field{Label: "People affected", Value: "about 2,000"}
	course := newer.Sections[2].Blocks[0].(document.Timeline)
	course.Entries = append(course.Entries, document.Entry{At: moment(240), Who: "SOC", Text: "Berth 1 works again."})
	newer.Sections[2].Blocks[0] = course
	newer.Sections[3].Blocks[0].(document.Table).Rows[1][3] = document.Cell{Text: "to be replaced"}
	newer.Sections[4].Blocks[0].(document.Checklist).Checks[1].State = document.Done
	newer.Sections[4].Blocks[1] = document.Signatures{Signatures: newer.Sections[4].Blocks[1].(document.Signatures).Signatures[:1]}
	return older, newer
}

func text(s string) *document.Paper {
	p := chinese()
	p.Sections = []document.Section{{Title: "概述", Blocks: document.Blocks{document.Text(s)}}}
	return p
}

func TestChineseIsComparedByCharacterAndLatinByWord(t *testing.T) {
	t.Parallel()
	got := document.Diff(text("共有四十一台服务器被加密，使用 ransomware builder。"), text("共有四十三台服务器被加密，使用 ransomware kit。"))
	want := []document.Change{{Op: document.Changed, Where: "概述", Parts: []document.Part{
		{Op: document.Same, Text: "共有四十"},
		{Op: document.Removed, Text: "一"},
		{Op: document.Added, Text: "三"},
		{Op: document.Same, Text: "台服务器被加密，使用 ransomware "},
		{Op: document.Removed, Text: "builder"},
		{Op: document.Added, Text: "kit"},
		{Op: document.Same, Text: "。"},
	}}}
	if d := cmp.Diff(want, got.Changes); d != "" {
		t.Error(d)
	}
}

func TestEqualPapersDoNotDiffer(t *testing.T) {
	t.Parallel()
	d := document.Diff(long(), long())
	if len(d.Changes) != 0 || d.Text() != "The versions do not differ.\n" {
		t.Errorf("got %q", d.Text())
	}
}

func TestParagraphsOfNothingInCommonAreRemovedAndAdded(t *testing.T) {
	t.Parallel()
	got := document.Diff(text("网络中断"), text("Password changed"))
	var ops []document.Op
	for _, c := range got.Changes {
		ops = append(ops, c.Op)
	}
	if len(ops) != 2 || !strings.Contains(got.Text(), "[-网络中断-]") || !strings.Contains(got.Text(), "{+Password changed+}") {
		t.Errorf("got %v: %s", ops, got.Text())
	}
}

func TestDifferenceShowsHostileTextHarmlessly(t *testing.T) {
	t.Parallel()
	d := document.Diff(text("a"), text("a <img src=x onerror=alert(1)> \u202e"))
	page := string(must(d.HTML())(t))
	if strings.Contains(page, "<img") || !strings.Contains(html.UnescapeString(page), "‹U+202E›") {
		t.Errorf("got %s", page)
	}
}

// The parts of a change hold both versions, whatever they are.
func TestPartsGiveBothVersions(t *testing.T) {
	t.Parallel()
	words := rapid.SliceOf(rapid.SampledFrom([]string{"the", "server", " ", " ", "被", "加", "密", "。", "41", "\n", "-"}))
	rapid.Check(t, func(t *rapid.T) {
		a, b := strings.Join(words.Draw(t, "a"), ""), strings.Join(words.Draw(t, "b"), "")
		var before, after strings.Builder
		d := document.Diff(text(a), text(b))
		for _, c := range d.Changes {
			for _, p := range c.Parts {
				if p.Op != document.Added {
					before.WriteString(p.Text)
				}
				if p.Op != document.Removed {
					after.WriteString(p.Text)
				}
			}
		}
		if a == b {
			if len(d.Changes) != 0 {
				t.Fatalf("equal texts differ: %v", d.Changes)
			}
			return
		}
		if before.String() != a || after.String() != b {
			t.Fatalf("got %q and %q, want %q and %q", before.String(), after.String(), a, b)
		}
	})
}
