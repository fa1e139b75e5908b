package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/internal/testdata"
)

// allied is a node of an alliance, as a process.
type allied struct {
	*upNode
	name, commander, sensor string
}

func startAllied(t *testing.T, name string, feed ...string) *allied {
	t.Helper()
	n := &allied{upNode: &upNode{dir: t.TempDir()}, name: name}
	n.args = []string{"--listen", "127.0.0.1:0", "--alliance-listen", "127.0.0.1:0"}
	for _, path := range feed {
		if out, err := exec.Command("tocsin", "ingest", "--data", n.dir, path).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", path, err, out)
		}
	}
	n.again(t)
	t.Cleanup(n.kill)
	n.commander, _ = n.token(t, "commander")
	n.sensor, _ = n.token(t, "sensor")
	return n
}

// run runs a verb at the node and returns what it said.
func (n *allied) run(t *testing.T, input string, args ...string) string {
	t.Helper()
	verb := exec.Command("tocsin", args...)
	verb.Env = append(verb.Environ(), "TOCSIN_DATA="+n.dir, "TOCSIN_NODE="+n.address, "TOCSIN_TOKEN="+n.commander)
	verb.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	verb.Stdout, verb.Stderr = &out, &errs
	if err := verb.Run(); err != nil {
		t.Fatalf("%s: tocsin %q: %v\n%s%s", n.name, args, err, &out, &errs)
	}
	return out.String()
}

// person makes an account, whose password is scriptedPassword.
func (n *allied) person(t *testing.T, name, role string) {
	t.Helper()
	link := strings.TrimSpace(n.run(t, "", "user", "create", name, "--role", role))
	secret := link[strings.LastIndexByte(link, '/')+1:]
	response, err := http.Post(n.address+"/api/v1/links/"+secret, "application/json", strings.NewReader(fmt.Sprintf(`{"password":%q}`, scriptedPassword)))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		t.Fatal(response.Status)
	}
}

// joins makes the node a member of a hub.
func (n *allied) joins(t *testing.T, hub *allied, kind alliance.Kind) {
	t.Helper()
	n.run(t, "", "card", "set", "--name", "en="+n.name, "--kind", string(kind), "--sector", "health", "--region", "AT")
	token := hub.run(t, "", "invite", "--kind", string(kind))
	n.run(t, token, "join", "--wait", "0s", "-")
	until(t, n.name+" asks to join", func() bool {
		return strings.Contains(hub.run(t, "", "member", "list", "--state", "pending"), n.name)
	})
	hub.run(t, "", "member", "approve", n.name)
	until(t, n.name+" is connected", func() bool { return strings.Contains(n.run(t, "", "member", "list"), "connected since") })
}

// looksUp posts an event of a name that was looked up a minute ago.
func (n *allied) looksUp(t *testing.T, domain string) {
	t.Helper()
	at := time.Now().UTC().Add(-time.Minute).Format(time.RFC3339)
	n.post(t, n.sensor, "winlogbeat", []string{fmt.Sprintf(
		`{"@timestamp":%q,"EventID":22,"Channel":"Microsoft-Windows-Sysmon/Operational","Hostname":"ws-1","Image":"C:\\a.exe","QueryName":%q}`, at, domain)})
}

// place is what the board of a warning says of a member.
func (n *allied) place(t *testing.T, warning, member string) answer.Heard {
	t.Helper()
	for line := range strings.Lines(n.run(t, "", "warn", "board", warning, "--by", "member", "--format", "json")) {
		var one struct{ Member, Name string }
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		if one.Name == member {
			var h answer.Heard
			_, text := n.fetch(t, filepath.Join(n.dir, "commander.token"), "/api/v1/warnings/"+warning+"/board/members/"+one.Member)
			if err := json.Unmarshal(text, &h); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			return h
		}
	}
	return answer.Heard{}
}

// stands waits until a member's last answer has a verdict, and returns it.
func (n *allied) stands(t *testing.T, warning, member string, verdict alliance.Verdict) alliance.Answer {
	t.Helper()
	var last alliance.Answer
	until(t, fmt.Sprintf("%s answers %s", member, verdict), func() bool {
		h := n.place(t, warning, member)
		if len(h.Answers) > 0 {
			last = h.Answers[0].Answer
		}
		return last.Verdict == verdict && !last.Partial
	})
	return last
}

// warns issues a warning that asks for a domain, by ann, and returns its number.
func (n *allied) warns(t *testing.T, domain string) string {
	t.Helper()
	form := filepath.Join(t.TempDir(), "warning.yaml")
	text := fmt.Sprintf(`category: MI
colour: yellow
tlp: amber
expires: 30d
texts:
  - {language: en, title: "A worm", body: "It spreads by itself."}
  - {language: zh, title: "蠕虫", body: "自行传播。"}
indicators:
  - {value: %s, action: do-not-block, why: the worm stops where this name answers}
`, domain)
	if err := os.WriteFile(form, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var drafted struct{ ID, SHA256 string }
	said := n.run(t, "", "warn", "draft", form, "--format", "json")
	if err := json.Unmarshal([]byte(said), &drafted); err != nil || drafted.SHA256 == "" {
		t.Fatalf("%v: %s", err, said)
	}
	n.run(t, scriptedPassword+"\n", "warn", "approve", drafted.ID, "--draft", drafted.SHA256, "--as", "ann")
	var issued struct{ Number string }
	said = n.run(t, scriptedPassword+"\n", "warn", "issue", drafted.ID, "--as", "ann", "--format", "json")
	if err := json.Unmarshal([]byte(said), &issued); err != nil || issued.Number == "" {
		t.Fatalf("%v: %s", err, said)
	}
	return issued.Number
}

// lookedUp is a name that was looked up in the logs of a network.
func lookedUp(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var one struct{ Query string }
		if json.Unmarshal(lines.Bytes(), &one) == nil && strings.Count(one.Query, ".") > 1 && strings.HasSuffix(one.Query, ".com") {
			return one.Query
		}
	}
	t.Fatalf("no name in %s", path)
	return ""
}

// An authority, an association and three enterprises, each a process of its own: a
// warning goes out, every node answers by itself from what it remembers, an answer
// changes when its member is hit later, and the warning is lifted.
func TestConformanceWarningIsAnsweredByAnAlliance(t *testing.T) {
	t.Parallel()
	logs := filepath.Join(testdata.Set(t, "zeek-samples"), "zeek-json", "dns.json")
	bad := lookedUp(t, logs)

	authority, association := startAllied(t, "Authority"), startAllied(t, "Association")
	hospital, works, shop := startAllied(t, "Hospital", logs), startAllied(t, "Works"), startAllied(t, "Shop")
	authority.run(t, "", "card", "set", "--name", "en=Authority", "--name", "zh=网信办", "--kind", "authority", "--region", "AT")
	authority.person(t, "ann", "commander")
	association.joins(t, authority, alliance.Association)
	hospital.joins(t, authority, alliance.Enterprise)
	works.joins(t, association, alliance.Enterprise)
	shop.joins(t, association, alliance.Enterprise)
	works.looksUp(t, "www.example.org")
	until(t, "the works remember", func() bool {
		return strings.Contains(works.run(t, "", "hunt", "--node", works.address, "--format", "jsonl", "domain:www.example.org"), `"verdict":"seen"`)
	})
	until(t, "the authority knows who is behind the association", func() bool {
		return strings.Contains(authority.run(t, "", "member", "known"), "Shop")
	})

	number := authority.warns(t, bad)

	// The true counts and times are what the hospital's own memory says.
	hit := authority.stands(t, number, "Hospital", alliance.Hit)
	var own struct {
		Count       uint64
		First, Last time.Time
	}
	said := hospital.run(t, "", "hunt", "--node", hospital.address, "--format", "jsonl", "domain:"+bad)
	if err := json.Unmarshal([]byte(said), &own); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if hit.Events != own.Count || own.Count == 0 || hit.First == nil || !hit.First.Equal(own.First) || !hit.Last.Equal(own.Last) {
		t.Errorf("the board says %d events from %v to %v; the hospital remembers %+v", hit.Events, hit.First, hit.Last, own)
	}
	if text, _ := json.Marshal(hit); bytes.Contains(text, []byte(bad)) {
		t.Errorf("the answer names what was seen: %s", text)
	}
	calm := authority.stands(t, number, "Works", alliance.Clear)
	if len(calm.Rest) != 1 || calm.Rest[0].Coverage == nil || calm.Rest[0].Coverage.HostsCovered != 1 || calm.Rest[0].Coverage.Share != 1 {
		t.Errorf("clear rests on %+v", calm.Rest)
	}
	if cannot := authority.stands(t, number, "Shop", alliance.CannotTell); len(cannot.Rest) != 1 || cannot.Rest[0].Reason == "" {
		t.Errorf("cannot tell, for %+v", cannot.Rest)
	}

	// Hit an hour later, the works' answer changes by itself.
	works.looksUp(t, bad)
	if changed := authority.stands(t, number, "Works", alliance.Hit); changed.Events != 1 || changed.Sequence < 2 {
		t.Errorf("%+v", changed)
	}

	authority.run(t, scriptedPassword+"\n", "warn", "lift", number, "--why", "it is over", "--as", "ann")
	for _, n := range []*allied{hospital, works, shop} {
		until(t, n.name+" knows that it is over", func() bool { return strings.Contains(n.run(t, "", "answer", "list"), "  over  ") })
		until(t, n.name+" watches for nothing of it", func() bool {
			return !strings.Contains(n.run(t, "", "indicators", "list", "--node", n.address), "warning-")
		})
	}
	t.Log("3/3 members answered as they had to")
}

// The hub's links go over three servers that others run, one of which is killed
// while a warning goes out: every member answers, and once.
func TestWarningOutlivesAServerOfTheCluster(t *testing.T) {
	t.Parallel()
	authority := &allied{upNode: &upNode{dir: t.TempDir()}, name: "Authority"}
	folder := t.TempDir()
	authority.run(t, "", "link", "nats", folder, "--host", "127.0.0.1")
	conf, err := os.ReadFile(filepath.Join(folder, natsConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	servers := testdata.StartNATSCluster(t, 3, string(conf),
		fmt.Sprintf("tls {cert_file: %q, key_file: %q, handshake_first: true}", filepath.Join(folder, natsCertificateFile), filepath.Join(folder, natsKeyFile)))
	urls := make([]string, len(servers))
	for i, s := range servers {
		urls[i] = "tls://" + s.Address()
	}
	config := fmt.Sprintf("alliance:\n  pin: %s\n  nats: [%s]\n", filepath.Join(folder, natsPinFile), strings.Join(urls, ", "))
	if err := os.WriteFile(filepath.Join(authority.dir, configName), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	authority.args = []string{"--listen", "127.0.0.1:0"}
	authority.again(t)
	t.Cleanup(authority.kill)
	authority.commander, _ = authority.token(t, "commander")
	authority.run(t, "", "card", "set", "--name", "en=Authority", "--kind", "authority", "--region", "AT")
	authority.person(t, "ann", "commander")
	var members []*allied
	for _, name := range []string{"Alpha", "Beta", "Gamma"} {
		m := startAllied(t, name)
		m.joins(t, authority, alliance.Enterprise)
		members = append(members, m)
	}
	number := authority.warns(t, "kill.example.com")
	servers[0].Kill()
	for _, m := range members {
		authority.stands(t, number, m.name, alliance.CannotTell)
	}
	second := authority.warns(t, "other.example.com")
	for _, m := range members {
		if got := authority.stands(t, second, m.name, alliance.CannotTell); got.Sequence != 1 {
			t.Errorf("%s: answer %d", m.name, got.Sequence)
		}
	}
}
