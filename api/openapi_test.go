package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tocsin/api"
	"tocsin/internal/testdata"
)

// promises check answers against the description of the API, by an independent
// validator of JSON Schema.
type promises struct {
	routes   *http.ServeMux
	compiler *jsonschema.Compiler

	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema // guarded by mu
}

const describedAt = "https://node.example/openapi.json"

// promised is the one set of promises of all tests: the routes are the same.
var promised = sync.OnceValues(func() (*promises, error) {
	p := &promises{routes: http.NewServeMux(), compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	for _, route := range api.Routes() {
		p.routes.Handle(route.Pattern, http.NotFoundHandler())
	}
	text, err := api.Describe()
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	p.compiler.DefaultDraft(jsonschema.Draft2020)
	p.compiler.AssertFormat()
	return p, p.compiler.AddResource(describedAt, document)
})

// check says what is wrong with an answer; "" for nothing, and for what is not
// the API's.
func (p *promises) check(method, path string, status int, header http.Header, text string) string {
	request, err := http.NewRequest(method, path, http.NoBody)
	if err != nil {
		return ""
	}
	_, pattern := p.routes.Handler(request)
	_, route, ok := strings.Cut(pattern, " ")
	media, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	if !ok || !strings.HasPrefix(route, "/api/v1/") || media != "application/json" && media != "application/problem+json" {
		return ""
	}
	code := "default"
	if status < http.StatusBadRequest {
		code = strconv.Itoa(status)
	}
	pointer := "/paths/" + escaped(route) + "/" + strings.ToLower(method) + "/responses/" + code + "/content/" + escaped(media) + "/schema"
	p.mu.Lock()
	defer p.mu.Unlock()
	schema, ok := p.compiled[pointer]
	if !ok {
		if schema, err = p.compiler.Compile(describedAt + "#" + pointer); err != nil {
			return err.Error()
		}
		p.compiled[pointer] = schema
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err.Error()
	}
	if err := schema.Validate(value); err != nil {
		return err.Error()
	}
	return ""
}

// escaped is a name as a JSON Pointer in a URL writes it.
func escaped(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
}

// keep holds an answer to what is promised of it.
func keep(t *testing.T, method, path string, status int, header http.Header, text string) {
	t.Helper()
	p, err := promised()
	if err != nil {
		t.Fatal(err)
	}
	if wrong := p.check(method, path, status, header, text); wrong != "" {
		t.Errorf("%s %s answers %d, which is not as described: %s\n%.500s", method, path, status, wrong, text)
	}
}

// document is the description as a node serves it, in a file.
func document(t *testing.T) string {
	t.Helper()
	status, header, text := serve(t).ask(t, "", "GET", "/api/openapi.json", "")
	if status != http.StatusOK || header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", status, header)
	}
	path := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEveryRouteIsDescribed(t *testing.T) {
	t.Parallel()
	text, err := api.Describe()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, route := range api.Routes() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		if !strings.HasPrefix(path, "/api/") {
			continue
		}
		o, ok := d.Paths[path][strings.ToLower(method)]
		if !ok {
			t.Errorf("%s is not described", route.Pattern)
		}
		if other, twice := names[o.OperationID]; twice {
			t.Errorf("%s and %s are both called %s", route.Pattern, other, o.OperationID)
		}
		names[o.OperationID] = route.Pattern
	}
}

func TestTheDescriptionIsOpenAPI(t *testing.T) {
	t.Parallel()
	python := testdata.Python(t, "openapi_spec_validator")
	said, err := exec.CommandContext(t.Context(), python, "-m", "openapi_spec_validator", "--schema", "3.1", document(t)).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// A program whose types are generated from the description compiles, and one
// that uses a field that is not described does not.
func TestAClientIsGenerated(t *testing.T) {
	t.Parallel()
	node, modules := testdata.Node(t, "openapi-typescript")
	dir := t.TempDir()
	run := func(args ...string) (string, error) {
		said, err := exec.CommandContext(t.Context(), node, args...).CombinedOutput()
		return string(said), err
	}
	if said, err := run(filepath.Join(modules, "openapi-typescript/bin/cli.js"), document(t), "--output", filepath.Join(dir, "tocsin.ts")); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	compile := func(name, program string) (string, error) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		return run(filepath.Join(modules, "typescript/bin/tsc"), "--noEmit", "--strict", "--target", "es2022", "--moduleResolution", "node", path)
	}
	if said, err := compile("good.ts", `import type { paths, components } from "./tocsin";
type Opening = paths["/api/v1/incidents"]["post"]["requestBody"]["content"]["application/json"];
const opening: Opening = { title: "Files renamed" };
export const number = (i: components["schemas"]["Incident"]): string => i.number + opening.title;
`); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err := compile("bad.ts", `import type { components } from "./tocsin";
export const number = (i: components["schemas"]["Incident"]): string => i.nonsense;
`); err == nil || !strings.Contains(said, "nonsense") {
		t.Errorf("%v\n%s", err, said)
	}
}
