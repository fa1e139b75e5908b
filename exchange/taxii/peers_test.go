package taxii_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/exchange/collection"
	"tocsin/exchange/taxii"
	"tocsin/internal/store/storetest"
	"tocsin/internal/testdata"
)

// run runs a script of testdata and returns what it prints.
func run(t *testing.T, python, script string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, python, append([]string{filepath.Join("testdata", script)}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(bytes.TrimSpace(out))
}

func TestPythonClientsDriveTheServer(t *testing.T) {
	t.Parallel()
	python := testdata.Python(t, "taxii2client, stix2")
	s := serve(t, storetest.Open(t, storetest.SQLite(t), collection.Room()), taxii.Config{})
	run(t, python, "clients.py", s.URL+"/taxii2/", "alice", password, open)
}

// Row 29: versions of ATT&CK posted one after the other, pulled with all versions.
func TestConformanceTaxiiAttack(t *testing.T) {
	python := testdata.Python(t, "taxii2client")
	s := newServed(t)
	var files []string
	started := time.Now()
	for _, name := range []string{"ics-attack-v9.0", "ics-attack-v16.1", "ics-attack-v18"} {
		path := testdata.Exchange(t, "attack/"+name+".json.gz")
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		var bundle struct{ Objects []json.RawMessage }
		if err := json.NewDecoder(z).Decode(&bundle); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		status, err := s.client().Add(t.Context(), taxii.CollectionURL(s.URL+"/taxii2/default", open), bundle.Objects)
		if err != nil {
			t.Fatal(err)
		}
		// A marking's text was changed and its version was not: the first one stays.
		for _, failed := range status.Failures {
			if !strings.HasPrefix(failed.ID, "marking-definition--") || status.FailureCount > 1 {
				t.Errorf("%s: %+v", name, failed)
			}
		}
		files = append(files, path)
	}
	n := run(t, python, "attack.py", append([]string{taxii.CollectionURL(s.URL+"/taxii2/default", open), "alice", password}, files...)...)
	if took := time.Since(started); took > time.Minute {
		t.Errorf("it took %s, want at most a minute", took)
	}
	t.Logf("TAXII: %s of %s object versions of ATT&CK ICS pulled by taxii2-client, all equal", n, n)
}

// seed is what medallion holds at the start.
const seed = `{
	"/discovery": {"title": "peer", "description": "", "contact": "", "default": "http://%[1]s/root/", "api_roots": ["http://%[1]s/root/"]},
	"root": {
		"information": {"title": "root", "description": "", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 1000000},
		"status": [],
		"collections": [{"id": %[2]q, "title": "one", "can_read": true, "can_write": true, "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": []}]
	}
}`

// medallion starts the reference server, which ends with the test.
func medallion(t *testing.T) (address string) {
	t.Helper()
	python := testdata.Python(t, "medallion")
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	_ = listener.Close()
	data, config := filepath.Join(dir, "seed.json"), filepath.Join(dir, "config.json")
	settings := fmt.Sprintf(`{"backend": {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": %q},
		"users": {"alice": %q}, "taxii": {"max_page_size": 100}}`, data, password)
	for path, text := range map[string]string{data: fmt.Sprintf(seed, address, open), config: settings} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, port, _ := net.SplitHostPort(address)
	command := exec.Command(python, "-m", "medallion.scripts.run", "--port", port, config)
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	deadline := time.Now().Add(30 * time.Second)
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return address
		}
		if time.Now().After(deadline) {
			t.Fatalf("medallion does not listen: %v\n%s", err, said.String())
		}
		time.Sleep(50 * time.Millisecond) // until another program listens
	}
}

func TestClientPullsFromMedallion(t *testing.T) {
	t.Parallel()
	address := medallion(t)
	c := &taxii.Client{HTTP: &http.Client{Timeout: time.Minute}, Authorize: taxii.BasicAuth("alice", password)}
	d, err := c.Discovery(t.Context(), "http://"+address+"/taxii2/")
	if err != nil || d.Title != "peer" || len(d.APIRoots) != 1 {
		t.Fatalf("discovery: %+v, %v", d, err)
	}
	root := d.APIRoots[0]
	if a, err := c.APIRoot(t.Context(), root); err != nil || a.MaxContentLength != 1_000_000 {
		t.Errorf("API root: %+v, %v", a, err)
	}
	all, err := c.Collections(t.Context(), root)
	if err != nil || len(all) != 1 || !all[0].CanWrite {
		t.Fatalf("collections: %+v, %v", all, err)
	}
	at := taxii.CollectionURL(root, all[0].ID)
	var objects []json.RawMessage
	for n := range 25 {
		objects = append(objects, json.RawMessage(indicator(n, "2020-01-01T00:00:00.000Z")))
	}
	status, err := c.Add(t.Context(), at, objects)
	if err != nil || status.SuccessCount != 25 {
		t.Fatalf("add: %+v, %v", status, err)
	}
	if again, err := c.Status(t.Context(), root, status.ID); err != nil || again.Status != "complete" {
		t.Errorf("status: %+v, %v", again, err)
	}
	// It gives all of one POST one date_added, so only next leads through them.
	var got []string
	var position taxii.Position
	position, err = c.Pull(t.Context(), at, taxii.Filter{Limit: 10}, position, func(page []json.RawMessage, _ taxii.Position) error {
		for _, object := range page {
			got = append(got, string(object))
		}
		return nil
	})
	if err != nil || len(got) != 25 || position.AddedAfter == "" {
		t.Errorf("pull: %d objects, %+v, %v", len(got), position, err)
	}
	if !strings.Contains(got[0], `"name"`) {
		t.Errorf("pull: %s", got[0])
	}
	// Later it brings what is new only.
	time.Sleep(5 * time.Millisecond) // its clock must have gone on
	if _, err := c.Add(t.Context(), at, []json.RawMessage{json.RawMessage(indicator(1, "2021-01-01T00:00:00.000Z"))}); err != nil {
		t.Fatal(err)
	}
	got = nil
	if _, err = c.Pull(t.Context(), at, taxii.Filter{}, position, func(page []json.RawMessage, _ taxii.Position) error {
		for _, object := range page {
			got = append(got, string(object))
		}
		return nil
	}); err != nil || len(got) != 1 || !strings.Contains(got[0], "2021") {
		t.Errorf("pull again: %v, %v", got, err)
	}
	id := "indicator--00000001-0000-4000-8000-000000000000"
	versions, err := c.Versions(t.Context(), at, id, taxii.Filter{})
	if err != nil || len(versions.Versions) != 2 {
		t.Errorf("versions: %+v, %v", versions, err)
	}
	manifest, err := c.Manifest(t.Context(), at, taxii.Filter{Limit: 5})
	if err != nil || len(manifest.Objects) != 5 || !manifest.More {
		t.Errorf("manifest: %+v, %v", manifest, err)
	}
	if one, err := c.Object(t.Context(), at, id, taxii.Filter{Versions: []string{"all"}}); err != nil || len(one.Objects) != 2 {
		t.Errorf("object: %+v, %v", one, err)
	}
	if err := c.Delete(t.Context(), at, id, taxii.Filter{}); err != nil {
		t.Errorf("delete: %v", err)
	}
}
