package printout_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/internal/document"
	"tocsin/internal/printout"
	"tocsin/internal/testdata"
)

func content(language document.Language) printout.Content {
	at := time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC)
	return printout.Content{
		Language: language, Issuer: "港口安全中心 SOC", Written: at, Zone: time.FixedZone("Asia/Shanghai", 8*3600),
		People: []printout.Person{
			{Name: "Zoe", Role: "viewer", Mail: "zoe@example.org"},
			{Name: "陈静", Role: "duty-officer", Phone: "+86 10 5555 0100"},
			{Name: "Ann Bo", Role: "commander", Phone: "+43 1 555 0100"},
		},
		Duties: []printout.Duty{
			{Post: "duty", Name: "Ann Bo", Phone: "+43 1 555 0100", From: at.AddDate(0, 0, 1), Until: at.AddDate(0, 0, 2)},
			{Post: "duty", Name: "陈静", Phone: "+86 10 5555 0100", From: at, Until: at.AddDate(0, 0, 1)},
		},
		Gaps: []printout.Gap{{Post: "duty", From: at.AddDate(0, 0, 2), Until: at.AddDate(0, 0, 14)}},
		Clocks: []printout.Clock{
			{Case: "2026-0117", Title: "Early warning", To: "CSIRT", Due: at.Add(2 * time.Hour), State: "provisional"},
			{Case: "2026-0118", Title: "Users", To: "users", Due: at.Add(-2 * time.Hour), AtOnce: true, State: "running"},
		},
		Cases: []printout.Case{},
	}
}

// What stands on the paper stands in its PDF as well, to be read and copied.
func TestPaperHoldsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	reader := testdata.Peer(t, "pdftotext")
	fonts, err := document.FindFonts()
	if err != nil {
		if os.Getenv(testdata.RequireVariable) == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for language, want := range map[document.Language][]string{
		document.English: {"Whom to call", "+43 1 555 0100", "duty officer", "Clocks that run", "Early warning", "2026-0117", "None.", "at once", "provisional", "2026-11-29 14:00:00 +08:00", "Nobody is on duty"},
		document.Chinese: {"应急联络与值班表", "陈静", "+86 10 5555 0100", "指挥长", "正在计时的报告期限", "立即", "暂定", "计时中", "无人值班的时段"},
	} {
		pdf, err := printout.Paper(content(language)).PDF(fonts)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "print.pdf")
		if err := os.WriteFile(path, pdf, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(reader, "-layout", path, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(string(out), text) {
				t.Errorf("%s: %q is not on the paper:\n%s", language, text, out)
			}
		}
	}
}

func TestWhoHasNoNumberComesLastAndWhatIsNotKnownHasNoSection(t *testing.T) {
	t.Parallel()
	c := content(document.English)
	c.Clocks, c.Cases = nil, nil
	p := printout.Paper(c)
	if len(p.Sections) != 2 {
		t.Errorf("got %d sections", len(p.Sections))
	}
	people, ok := p.Sections[0].Blocks[1].(document.Table)
	if !ok || len(people.Rows) != 3 || people.Rows[0][0].Text != "Ann Bo" || people.Rows[2][0].Text != "Zoe" || !people.Rows[2][2].Missing {
		t.Errorf("got %+v", p.Sections[0].Blocks[1])
	}
	duties, ok := p.Sections[1].Blocks[0].(document.Table)
	if !ok || duties.Rows[0][3].Text != "陈静" {
		t.Errorf("got %+v", p.Sections[1].Blocks[0])
	}
}
