package engine_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
)

// ruleOf reads one rule whose detection section is given.
func ruleOf(tb testing.TB, source, detection string) *sigma.Rule {
	tb.Helper()
	text := "title: t\nlogsource:\n  " + source + "\ndetection:\n" + detection
	file, err := sigma.Parse("rule.yml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return file.Rules[0]
}

func textRecord(names *intel.Names, pairs ...string) *intel.Record {
	rec := &intel.Record{}
	for i := 0; i < len(pairs); i += 2 {
		rec.Add(names.Intern(pairs[i]), intel.Text, []byte(pairs[i+1]))
	}
	return rec
}

func mustCompile(tb testing.TB, names *intel.Names, rules ...*sigma.Rule) *engine.Engine {
	tb.Helper()
	compiled, err := engine.Compile(rules, names)
	if err != nil {
		tb.Fatal(err)
	}
	return compiled
}

func TestCompileNamesEveryRuleThatNeedsAPlaceholder(t *testing.T) {
	t.Parallel()
	detection := "  s:\n    User|expand: '%Admins%'\n    Host|expand: '%Servers%'\n  condition: s\n"
	rules := []*sigma.Rule{ruleOf(t, "product: windows", detection), ruleOf(t, "product: linux", detection)}
	rules[1].Path = "other.yml"
	_, err := engine.Compile(rules, intel.NewNames(nil))
	if err == nil {
		t.Fatal("rules with placeholders compiled")
	}
	for _, want := range []string{"rule.yml", "other.yml", "%Admins%", "%Servers%"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestProgramHoldsTheRulesThatTheClassAllows(t *testing.T) {
	t.Parallel()
	rules := []*sigma.Rule{
		ruleOf(t, "service: security", "  s:\n    EventID: 4624\n    User: a\n  condition: s\n"),
		ruleOf(t, "service: security", "  s:\n    EventID:\n      - 4624\n      - 4625\n  condition: s\n"),
		ruleOf(t, "service: security", "  s:\n    EventID: 4688\n  condition: s\n"),
		ruleOf(t, "service: sysmon", "  s:\n    User: a\n  condition: s\n"),
		ruleOf(t, "product: windows", "  s:\n    EventID: 4688\n  condition: not s\n"),
	}
	names := intel.NewNames(nil)
	compiled := mustCompile(t, names, rules...)
	class := &intel.Class{Product: "windows", Service: "security", Constants: map[string]string{"EventID": "4624"}}
	if got, want := compiled.Program(class).Rules(), []int{0, 1, 4}; !slices.Equal(got, want) {
		t.Errorf("Rules() = %v, want %v", got, want)
	}
	got := engine.NewInspector(compiled).Inspect(class, textRecord(names, "EventID", "4624", "User", "A"))
	if want := []int32{0, 1, 4}; !slices.Equal(got, want) {
		t.Errorf("Inspect = %v, want %v", got, want)
	}
	if got := len(compiled.Rules()); got != len(rules) {
		t.Errorf("Rules() has %d rules, want %d", got, len(rules))
	}
}

// A class is asked by several goroutines while one of them learns which
// witnesses are rare: the answers are the same all the time.
func TestLearningKeepsAnswers(t *testing.T) {
	t.Parallel()
	const rules = 20
	names := intel.NewNames(nil)
	var all []*sigma.Rule
	for i := range rules {
		all = append(all, ruleOf(t, "product: windows", fmt.Sprintf(
			"  s:\n    Image|endswith: '\\powershell.exe'\n    CommandLine|contains: 'secret word %d'\n  condition: s\n", i)))
	}
	compiled := mustCompile(t, names, all...)
	class := &intel.Class{Product: "windows"}
	first := compiled.Program(class)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			inspector := engine.NewInspector(compiled)
			for i := range 6000 {
				n := (i + worker) % (2 * rules)
				rec := textRecord(names, "Image", `C:\PowerShell.exe`, "CommandLine", fmt.Sprintf("say secret word %d", n))
				var want []int32
				for rule := range int32(rules) {
					if strings.HasPrefix(strconv.Itoa(n), strconv.Itoa(int(rule))) {
						want = append(want, rule)
					}
				}
				if got := inspector.Inspect(class, rec); !slices.Equal(got, want) {
					t.Errorf("event %d: %v, want %v", n, got, want)
					return
				}
			}
		})
	}
	group.Wait()
	if compiled.Program(class) == first {
		t.Error("the program was never improved")
	}
}

func TestInspectDoesNotAllocateForEventsWithoutMatch(t *testing.T) {
	names := intel.NewNames(nil)
	compiled := mustCompile(t, names,
		ruleOf(t, "product: windows", "  s:\n    A|contains:\n      - one two three\n      - four\n      - 'five?six'\n      - se\n      - x\n  k:\n    - keyword\n    - other word\n  condition: s or k\n"),
		ruleOf(t, "product: windows", "  s:\n    A|re: 'ab[0-9]{8}'\n    B|cidr: 10.0.0.0/8\n    C|gt: 7\n  condition: 1 of them\n"))
	class := &intel.Class{Product: "windows"}
	rec := textRecord(names, "A", `C:\Program Files\AB`, "B", "172.16.0.1", "C", "5", "D", "\u00C4ndern")
	inspector := engine.NewInspector(compiled)
	if got := testing.AllocsPerRun(100, func() { inspector.Inspect(class, rec) }); got != 0 {
		t.Errorf("%v allocations an event, want none", got)
	}
}

// What an attacker writes into an event must not cost more than its length.
func TestHostileValuesTakeLinearTime(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	var list strings.Builder
	for i := range 300 {
		fmt.Fprintf(&list, "      - 'aaaaaaaaaaaaaaaa%d'\n", i)
	}
	compiled := mustCompile(t, names,
		ruleOf(t, "product: windows", "  s:\n    A|contains:\n"+list.String()+"  condition: s\n"),
		ruleOf(t, "product: windows", "  s:\n    A|re: '.{1000,}b'\n  condition: s\n"),
		ruleOf(t, "product: windows", "  s:\n    A: 'a*a*a*a*b'\n  condition: s\n"))
	class := &intel.Class{Product: "windows"}
	inspector := engine.NewInspector(compiled)
	long := strings.Repeat("a", 1<<18)
	start := time.Now()
	if got := inspector.Inspect(class, textRecord(names, "A", long)); len(got) > 0 {
		t.Errorf("Inspect = %v, want none", got)
	}
	if got := inspector.Inspect(class, textRecord(names, "A", long+"299")); !slices.Equal(got, []int32{0}) {
		t.Errorf("Inspect = %v, want the rule whose literal stands at the end", got)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("two values of 256 KiB took %v", took)
	}
}
