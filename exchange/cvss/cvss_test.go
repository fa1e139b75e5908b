package cvss_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"tocsin/exchange/cvss"
	"tocsin/internal/fault"
	"tocsin/internal/testdata"
)

type known struct {
	Vector, Version, Nomenclature        string
	Base, Temporal, Environmental, Score *float64
	Python                               []float64
}

func vectors(t *testing.T, name string) (all []known) {
	t.Helper()
	f, err := os.Open(testdata.Exchange(t, "cvss/"+name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	for s := bufio.NewScanner(r); s.Scan(); {
		var k known
		if err := json.Unmarshal(s.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	return all
}

func TestConformanceCvssVectors(t *testing.T) {
	t.Parallel()
	passed, all := map[string]int{}, map[string]int{}
	for _, k := range vectors(t, "vectors.jsonl.gz") {
		all[k.Version]++
		v, err := cvss.Parse(k.Vector)
		if err != nil {
			t.Error(err)
			continue
		}
		good := v.Version() == k.Version && v.Nomenclature() == k.Nomenclature
		for _, pair := range []struct {
			got  float64
			want *float64
		}{{v.Base(), k.Base}, {v.Temporal(), k.Temporal}, {v.Environmental(), k.Environmental}, {v.Score(), k.Score}} {
			if pair.want != nil && math.Abs(pair.got-*pair.want) > 1e-9 {
				t.Errorf("%s: got %v, want %v", k.Vector, pair.got, *pair.want)
				good = false
			}
		}
		if good {
			passed[k.Version]++
		}
	}
	for _, version := range []string{"2.0", "3.0", "3.1", "4.0"} {
		t.Logf("CVSS %s: %d/%d", version, passed[version], all[version])
	}
}

func TestConformanceCvssTiesAreRoundedUp(t *testing.T) {
	t.Parallel()
	passed, all := 0, 0
	for _, k := range vectors(t, "implementations-disagree.jsonl") {
		all++
		v, err := cvss.Parse(k.Vector)
		if err != nil {
			t.Error(err)
			continue
		}
		if v.Score() != k.Python[0] {
			t.Errorf("%s: got %v, want %v", k.Vector, v.Score(), k.Python[0])
			continue
		}
		passed++
	}
	t.Logf("CVSS 4.0 ties: %d/%d", passed, all)
}

func TestScores(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		vector string
		base   float64
		score  float64
		word   string
	}{
		{"AV:N/AC:L/Au:N/C:C/I:C/A:C", 10, 10, "CRITICAL"},
		{"AV:N/AC:L/Au:N/C:C/I:C/A:C/TD:N", 10, 0, "NONE"},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, 9.8, "CRITICAL"},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/MC:N/MI:N/MA:N", 9.8, 0, "NONE"},
		{"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10, 10, "CRITICAL"},
		{"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U", 9.3, 8.1, "HIGH"},
		{"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0, 0, "NONE"},
	} {
		v, err := cvss.Parse(test.vector)
		if err != nil {
			t.Error(err)
			continue
		}
		if v.Base() != test.base || v.Score() != test.score || cvss.Severity(v.Score()) != test.word {
			t.Errorf("%s: got %v and %v %s, want %v and %v %s", test.vector,
				v.Base(), v.Score(), cvss.Severity(v.Score()), test.base, test.score, test.word)
		}
	}
}

func TestWhatIsNoVectorIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "AV:N", "CVSS:3.1", "CVSS:3.1/AV:N", "CVSS:3.2/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/AV:N", "CVSS:3.1/AV:Q/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
		"CVSS:4.0/AC:L/AV:N/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", // out of order (§7)
		strings.Repeat("AV:N/", 1000),
	} {
		if _, err := cvss.Parse(text); !errors.Is(err, fault.Invalid) {
			t.Errorf("%.40q: got %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"AV:N/AC:L/Au:N/C:C/I:C/A:C/E:POC/CDP:LM", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/MC:N",
		"CVSS:3.0/AV:P/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:L/IR:H", "CVSS:4.0/AV:P/AC:L/AT:P/PR:H/UI:N/VC:N/VI:N/VA:L/SC:L/SI:N/SA:L/E:P/AR:M",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := cvss.Parse(text)
		if err != nil {
			return
		}
		for _, score := range []float64{v.Base(), v.Temporal(), v.Environmental(), v.Score()} {
			if !(score >= 0 && score <= 10) {
				t.Errorf("%q has the score %v", text, score)
			}
		}
	})
}
