package cvss

import (
	"math"
	"strings"
	"sync"

	gocvss40 "github.com/pandatix/go-cvss/40"
)

// effective is the value that counts for a metric of 4.0: the modified one where it was
// judged, and the worst case where the standard says so (§2.3, §4.1).
func (v *Vector) effective(name string) string {
	value := v.Metric(name)
	if modified := v.Metric("M" + name); modified != "" && modified != "X" {
		value = modified
	}
	return value
}

// The metrics of each equivalence class, from severe to harmless (CVSS 4.0 §8.2).
var (
	order = map[string]string{
		"AV": "NALP", "PR": "NLH", "UI": "NPA", "AC": "LH", "AT": "NP",
		"VC": "HLN", "VI": "HLN", "VA": "HLN", "SC": "HLN", "SI": "SHLN", "SA": "SHLN",
		"CR": "HML", "IR": "HML", "AR": "HML",
	}
	// classes are EQ1, EQ2, EQ3 with EQ6, and EQ4: their metrics; by level, how far its
	// least severe vector lies from its most severe (depth); and the most severe ones.
	classes = [...]struct {
		metrics []string
		depths  map[string]int
		worst   map[string][]string
	}{
		{
			[]string{"AV", "PR", "UI"},
			map[string]int{"0": 1, "1": 4, "2": 5},
			map[string][]string{"0": {"NNN"}, "1": {"ANN", "NLN", "NNP"}, "2": {"PNN", "ALP"}},
		},
		{
			[]string{"AC", "AT"},
			map[string]int{"0": 1, "1": 2},
			map[string][]string{"0": {"LN"}, "1": {"HN", "LP"}},
		},
		{
			[]string{"VC", "VI", "VA", "CR", "IR", "AR"},
			map[string]int{"00": 7, "01": 6, "10": 8, "11": 8, "21": 10},
			map[string][]string{
				"00": {"HHHHHH"}, "01": {"HHLMMH", "HHHMMM"}, "10": {"LHHHHH", "HLHHHH"},
				"11": {"LHLHMH", "LHHHMM", "HLHMHM", "HLLMHH", "LLHHHM"}, "21": {"LLLHHH"},
			},
		},
		{
			[]string{"SC", "SI", "SA"},
			map[string]int{"0": 6, "1": 5, "2": 4},
			map[string][]string{"0": {"HSS"}, "1": {"HHH"}, "2": {"LLL"}},
		},
	}
)

// macro is a macro vector: the levels of EQ1 to EQ6.
type macro [6]int

// tenths is the score of each macro vector in tenths (§8.2.1, table of the lookup): the
// score of a vector that is the most severe of its macro vector, as the library knows it.
var tenths = sync.OnceValue(func() map[macro]int {
	all := make(map[macro]int)
	for n := range 3 * 2 * 3 * 3 * 3 * 2 {
		m := macro{n % 3, n / 3 % 2, n / 6 % 3, n / 18 % 3, n / 54 % 3, n / 162 % 2}
		if m[2] == 2 && m[5] == 0 {
			continue // without any high impact no requirement for one can count
		}
		var b strings.Builder
		b.WriteString("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:" + "APU"[m[4]:m[4]+1])
		var plain, modified strings.Builder
		for i, level := range m.levels() {
			class := &classes[i]
			for j, name := range class.metrics {
				value := class.worst[level][0][j : j+1]
				if strings.HasSuffix(name, "R") && name != "PR" {
					plain.WriteString("/" + name + ":" + value)
				} else {
					modified.WriteString("/M" + name + ":" + value)
				}
			}
		}
		v, err := gocvss40.ParseVector(sorted4(b.String() + plain.String() + modified.String()))
		if err != nil {
			panic(err) // a wrong table above: every entry is tried at the first use
		}
		all[m] = int(math.Round(v.Score() * 10))
	}
	return all
})

// sorted4 puts the modified metrics into the standard's order, which the classes do not have.
func sorted4(vector string) string {
	head, tail, _ := strings.Cut(vector, "/MAV:")
	values := map[string]string{}
	for part := range strings.SplitSeq("MAV:"+tail, "/") {
		name, _, _ := strings.Cut(part, ":")
		values[name] = part
	}
	parts := []string{head}
	for _, name := range []string{"MAV", "MAC", "MAT", "MPR", "MUI", "MVC", "MVI", "MVA", "MSC", "MSI", "MSA"} {
		parts = append(parts, values[name])
	}
	return strings.Join(parts, "/")
}

// levels are the keys of a macro vector's levels in classes.
func (m macro) levels() [4]string {
	digit := func(n int) string { return string(rune('0' + n)) }
	return [4]string{digit(m[0]), digit(m[1]), digit(m[2]) + digit(m[5]), digit(m[3])}
}

// macroOf finds the macro vector (§8.2, tables 24 to 30).
func macroOf(value func(string) string) (m macro) {
	is := func(name, want string) bool { return value(name) == want }
	network, noRights, alone := is("AV", "N"), is("PR", "N"), is("UI", "N")
	switch {
	case network && noRights && alone:
	case (network || noRights || alone) && !is("AV", "P"):
		m[0] = 1
	default:
		m[0] = 2
	}
	if !is("AC", "L") || !is("AT", "N") {
		m[1] = 1
	}
	c, i, a := is("VC", "H"), is("VI", "H"), is("VA", "H")
	switch {
	case c && i:
	case c || i || a:
		m[2] = 1
	default:
		m[2] = 2
	}
	switch {
	case is("SI", "S") || is("SA", "S"):
	case is("SC", "H") || is("SI", "H") || is("SA", "H"):
		m[3] = 1
	default:
		m[3] = 2
	}
	m[4] = max(0, strings.Index("APU", value("E")))
	needed := is("CR", "H") && c || is("IR", "H") && i || is("AR", "H") && a
	if !needed {
		m[5] = 1
	}
	return m
}

// score4 is the score of a vector of 4.0 (§8.1), of the values that a function gives. It
// is computed in whole numbers and rounded half up.
func score4(metric func(string) string) float64 {
	value := func(name string) string {
		v := metric(name)
		if v != "X" {
			return v
		}
		switch name {
		case "E":
			return "A"
		case "CR", "IR", "AR":
			return "H"
		}
		return v
	}
	if value("VC")+value("VI")+value("VA")+value("SC")+value("SI")+value("SA") == "NNNNNN" {
		return 0
	}
	m := macroOf(value)
	table := tenths()
	top := table[m]
	steps := distances(m, value)
	// Depths divide 840, so that a part of one is a whole number of parts of 840.
	const whole = 840
	lower, sum := 0, 0
	next := func(i int, below ...macro) {
		best, found := 0, false
		for _, b := range below {
			if s, ok := table[b]; ok {
				best, found = max(best, s), true
			}
		}
		if !found {
			return
		}
		lower++
		if i < len(steps) {
			sum += (top - best) * steps[i] * (whole / classes[i].depths[m.levels()[i]])
		}
	}
	next(0, m.down(0))
	next(1, m.down(1))
	switch {
	case m[5] == 0 && m[2] == 0:
		next(2, m.down(2), m.down(5))
	case m[5] == 0 && m[2] == 1:
		next(2, m.down(5))
	default:
		next(2, m.down(2))
	}
	next(3, m.down(3))
	next(4, m.down(4))
	if lower == 0 {
		return float64(top) / 10
	}
	// The score is top - sum/(whole·lower) tenths; half a tenth more, then down.
	unit := whole * lower
	rounded := (2*(top*unit-sum) + unit) / (2 * unit)
	return float64(min(max(rounded, 0), 100)) / 10
}

func (m macro) down(class int) macro {
	m[class]++
	return m
}

// distances is how many steps the values lie below the most severe vector of their macro
// vector, by class: of the first such vector that is nowhere less severe than they are.
func distances(m macro, value func(string) string) (steps [4]int) {
	for i, level := range m.levels() {
		class := &classes[i]
	worst:
		for _, worst := range class.worst[level] {
			sum := 0
			for j, name := range class.metrics {
				d := strings.Index(order[name], value(name)) - strings.IndexByte(order[name], worst[j])
				if d < 0 {
					continue worst
				}
				sum += d
			}
			steps[i] = sum
			break
		}
	}
	return steps
}
