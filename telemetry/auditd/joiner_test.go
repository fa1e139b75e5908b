package auditd_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/telemetry/auditd"
)

// join returns the events of a log, each as "NUMBER TYPE,TYPE", with a '!'
// where it was early.
func join(t *testing.T, log string) []string {
	t.Helper()
	var events []string
	joiner := auditd.NewJoiner(func(e auditd.Event) { events = append(events, describe(e)) })
	number := uint64(0)
	for line := range strings.Lines(log) {
		number++
		if err := joiner.Add([]byte(line), number, 0); err != nil {
			t.Fatal(err)
		}
	}
	joiner.Flush()
	return events
}

func describe(e auditd.Event) string {
	var types []string
	for line := range strings.Lines(string(e.Text)) {
		stamp, _ := auditd.ParseStamp([]byte(line))
		types = append(types, string(stamp.Type))
	}
	text := fmt.Sprintf("%d %s", e.Number, strings.Join(types, ","))
	if e.Early {
		text += "!"
	}
	return text
}

func record(typ, stamp string) string { return "type=" + typ + " msg=audit(" + stamp + "): a=b\n" }

func TestJoin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, log string
		want      []string
	}{
		{
			"by the record that comes last",
			record("SYSCALL", "10.1:1") + record("PATH", "10.1:1") + record("PROCTITLE", "10.1:1") + record("SYSCALL", "10.1:2") + record("EOE", "10.1:2"),
			[]string{"1 SYSCALL,PATH,PROCTITLE", "4 SYSCALL,EOE"},
		},
		{
			"interleaved",
			record("SYSCALL", "10.1:1") + record("SYSCALL", "10.1:2") + record("PATH", "10.1:1") + record("PATH", "10.1:2") + record("EOE", "10.1:2") + record("EOE", "10.1:1"),
			[]string{"2 SYSCALL,PATH,EOE", "1 SYSCALL,PATH,EOE"},
		},
		{
			"the end of an event was lost",
			record("SYSCALL", "10.1:1") + record("PATH", "10.1:1") + record("SYSCALL", "11.9:2") + strings.Repeat(record("PATH", "11.9:2"), 8) + record("SYSCALL", "12.0:3"),
			[]string{"1 SYSCALL,PATH", "3 SYSCALL,PATH,PATH,PATH,PATH,PATH,PATH,PATH,PATH!", "12 SYSCALL!"},
		},
		{
			"a record that was overtaken on a quiet machine",
			record("SYSCALL", "10.1:1") + record("SYSCALL", "19.0:2") + record("PATH", "10.1:1"),
			[]string{"1 SYSCALL,PATH!", "2 SYSCALL!"},
		},
		{
			"records that come alone", record("SYSCALL", "10.1:1") + record("USER_LOGIN", "10.2:2") + record("DAEMON_START", "10.2:3") + record("1112", "10.2:4") + record("EOE", "10.1:1"),
			[]string{"2 USER_LOGIN", "3 DAEMON_START", "4 1112", "1 SYSCALL,EOE"},
		},
		{
			"the same serial at another time or on another node",
			record("AVC", "10.1:1") + record("AVC", "10.2:1") + "node=x " + record("AVC", "10.1:1") + record("SYSCALL", "10.1:1"),
			[]string{"1 AVC,SYSCALL!", "2 AVC!", "3 AVC!"},
		},
		{
			"another node's clock closes nothing", record("AVC", "10.1:1") + "node=x " + record("AVC", "99.0:7") + record("SYSCALL", "10.1:1"),
			[]string{"1 AVC,SYSCALL!", "2 AVC!"},
		},
		{"what ausearch prints", "----\ntime->Tue Nov 14 22:13:20 2023\n" + record("CWD", "10.1:1") + "\n", []string{"3 CWD!"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, join(t, test.log)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestJoinerIsBounded(t *testing.T) {
	t.Parallel()
	events, most := 0, 0
	joiner := auditd.NewJoiner(func(auditd.Event) { events++ })
	for i := range 1000 {
		if err := joiner.Add([]byte(record("SYSCALL", fmt.Sprintf("10.1:%d", i))), 0, 0); err != nil {
			t.Fatal(err)
		}
		most = max(most, joiner.Open())
	}
	if most > 128 {
		t.Errorf("%d events open", most)
	}
	joiner.Flush()
	if events != 1000 {
		t.Errorf("%d events of 1000", events)
	}
}

func TestEndlessEventIsCutIntoParts(t *testing.T) {
	t.Parallel()
	longest, total := 0, 0
	joiner := auditd.NewJoiner(func(e auditd.Event) {
		longest = max(longest, len(e.Text))
		total += strings.Count(string(e.Text), "type=")
	})
	line := []byte("type=PATH msg=audit(1.0:1): name=" + strings.Repeat("x", 64<<10))
	for range 200 {
		if err := joiner.Add(line, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	joiner.Flush()
	if longest > 5<<20 || total != 200 {
		t.Errorf("longest %d bytes, %d of 200 records", longest, total)
	}
}

func TestJoinerRefusesOtherLines(t *testing.T) {
	t.Parallel()
	joiner := auditd.NewJoiner(func(e auditd.Event) { t.Errorf("event %s", describe(e)) })
	for _, line := range []string{"hello", "type=CWD msg=audit(1.0:99999999999999999999): x", "type=CWD msg=audit(1.0:1.2): x"} {
		if err := joiner.Add([]byte(line), 1, 0); !errors.Is(err, auditd.ErrNotAudit) {
			t.Errorf("%q: error %v", line, err)
		}
	}
}

// However the records of a few events are shuffled together, each event comes
// out once, whole and in its own order.
func TestShuffledEventsComeOutWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 6), 1, 40).Draw(t, "sizes")
		var order []int
		for event, size := range sizes {
			for range size {
				order = append(order, event)
			}
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })

		got := map[string]int{}
		joiner := auditd.NewJoiner(func(e auditd.Event) { got[string(e.Text)]++ })
		written := make([]string, len(sizes))
		for _, event := range order {
			at := strings.Count(written[event], "\n")
			line := fmt.Sprintf("type=PATH msg=audit(10.0:%d): item=%d", event, at)
			written[event] += line + "\n"
			if err := joiner.Add([]byte(line), 0, 0); err != nil {
				t.Fatal(err)
			}
		}
		joiner.Flush()
		want := map[string]int{}
		for _, text := range written {
			want[strings.TrimSuffix(text, "\n")]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func FuzzJoiner(f *testing.F) {
	f.Add(record("SYSCALL", "10.1:1") + record("PATH", "10.1:1") + record("EOE", "10.1:1"))
	f.Add("node=a " + record("USER_LOGIN", "1.0:1") + "----\n" + record("CWD", "5.0:2"))
	f.Fuzz(func(t *testing.T, log string) {
		in, out := 0, 0
		joiner := auditd.NewJoiner(func(e auditd.Event) { out += 1 + strings.Count(string(e.Text), "\n") })
		for line := range strings.Lines(log) {
			_, notStamped := auditd.ParseStamp([]byte(line))
			if joiner.Add([]byte(line), 0, 0) == nil && notStamped == nil {
				in++
			}
		}
		joiner.Flush()
		if in != out {
			t.Errorf("%d records in, %d out", in, out)
		}
	})
}
