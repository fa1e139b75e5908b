package report_test

import (
	"os"
	"testing"

	"tocsin/plan/report"
)

func TestLook(t *testing.T) {
	dir := os.Getenv("LOOK")
	if dir == "" {
		t.Skip()
	}
	d := one(t)
	p := d.signed()
	for _, l := range []string{"en", "zh"} {
		for _, r := range []string{"", "press"} {
			os.WriteFile(dir+"/early."+r+l+".pdf", d.export(p, r, l, report.PDF), 0o644)
			os.WriteFile(dir+"/early."+r+l+".html", d.export(p, r, l, report.HTML), 0o644)
		}
		os.WriteFile(dir+"/case."+l+".pdf", ok(d.CasePaper(d.ctx(), p.Incident, l, report.PDF)), 0o644)
	}
}
