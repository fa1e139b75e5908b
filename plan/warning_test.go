package plan_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/plan"
	"tocsin/plan/criterion"
	"tocsin/plan/regime"
)

func TestRegimesSayWhoMayWarnAndWhatRecipientsMustDo(t *testing.T) {
	t.Parallel()
	l, err := regime.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		designation, colour string
		may                 criterion.Truth
		duties              string
		roster              bool
	}{
		{"cn.emergency_office", "red", criterion.Yes, "red.office", false},
		{"cn.emergency_office", "orange", criterion.Yes, "orange.office", false},
		{"cn.province", "red", criterion.No, "red.duty", true},
		{"cn.department", "orange", criterion.Yes, "orange.plan", false},
		{"cn.department", "yellow", criterion.Yes, "yellow.plan", false},
		{"cn.technical_support_team", "red", criterion.No, "red.support", false},
		{"cn.technical_support_team", "blue", criterion.No, "", false},
		{"cn.network_operator", "red", criterion.No, "", false},
	} {
		o, err := l.ReadOrganisation([]byte(`{"name": "O", "kind": "authority", "sectors": [], "regions": ["CN"], "zone": "Asia/Shanghai", "designations": ["` + c.designation + `"]}`))
		if err != nil {
			t.Fatal(err)
		}
		may := plan.WhoMayWarn(l, o, c.colour, at)
		if len(may) != 1 || may[0].Regime != "cn-plan-2017" || may[0].May != c.may || may[0].Confirmed {
			t.Errorf("%s, %s: %+v", c.designation, c.colour, may)
		}
		var ids []string
		roster := false
		for _, d := range plan.WarnedDuties(l, o, c.colour, at) {
			ids = append(ids, d.ID)
			roster = roster || d.Roster
			if d.Unsure {
				t.Errorf("%s, %s: %s is unsure", c.designation, c.colour, d.ID)
			}
		}
		if got := strings.Join(ids, " "); got != c.duties || roster != c.roster {
			t.Errorf("%s, %s: duties %q, roster %t", c.designation, c.colour, got, roster)
		}
	}
}
