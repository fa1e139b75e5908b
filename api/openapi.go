package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"tocsin/people"
)

// describe writes the description of the API (OpenAPI 3.1), made of the routes
// and of the types of what they take and give.
func describe(routes []Route, version string) ([]byte, error) {
	d := &description{schemas: newSchemas(), paths: map[string]object{}}
	d.problem = d.schemas.of(reflect.TypeFor[Problem](), given)
	for i := range routes {
		if r := &routes[i]; !r.page {
			d.add(r)
		}
	}
	return json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Tocsin", "version": version,
			"description": "What a node offers to programs. How to sign in, go through pages, change what others change too and send a request again is in docs/api.md.",
			"license":     object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":  []object{{"url": "/"}},
		"security": []object{{"token": []string{}}, {"session": []string{}}},
		"paths":    d.paths,
		"components": object{
			"schemas": d.schemas.components,
			"securitySchemes": object{
				"token":   object{"type": "http", "scheme": "bearer", "description": "A token that 'tocsin token create' made."},
				"session": object{"type": "apiKey", "in": "cookie", "name": people.SessionCookie, "description": "What a browser has after signing in."},
			},
		},
	}, "", " ")
}

// mustDescribe is describe of all routes, which are ours: that they cannot be
// described is a mistake of ours.
func mustDescribe(version string) []byte {
	text, err := describe(Routes(), cmp.Or(version, "0"))
	if err != nil {
		panic(err)
	}
	return text
}

type description struct {
	schemas *schemas
	paths   map[string]object
	problem object
}

// add describes a route.
func (d *description) add(r *Route) {
	method, path, _ := strings.Cut(r.Pattern, " ")
	operation := object{
		"operationId": r.name, "summary": sentence(r.name), "tags": []string{area(path)},
		"parameters": d.parameters(r, method, path), "responses": d.responses(r),
		"x-right": string(r.Right),
	}
	if r.Right == people.Public {
		operation["security"] = []object{}
	} else {
		operation["description"] = "For those who may " + string(r.Right) + ": " + strings.Join(mayThat(r.Right), ", ") + "."
	}
	switch {
	case r.in != nil:
		operation["requestBody"] = content("application/json", d.schemas.of(r.in, taken))
	case r.takes != "":
		operation["requestBody"] = content(r.takes, object{})
	}
	if d.paths[path] == nil {
		d.paths[path] = object{}
	}
	d.paths[path][strings.ToLower(method)] = operation
}

func content(media string, schema object) object {
	return object{"required": true, "content": object{media: object{"schema": schema}}}
}

// mayThat are the roles that have a right.
func mayThat(right people.Right) []string {
	var roles []string
	for _, role := range people.Roles() {
		if role.May(right) {
			roles = append(roles, string(role))
		}
	}
	return roles
}

var pathParameter = regexp.MustCompile(`\{([a-z]+)\}`)

func (d *description) parameters(r *Route, method, path string) []object {
	all := []object{}
	text := object{"type": "string"}
	for _, p := range pathParameter.FindAllStringSubmatch(path, -1) {
		all = append(all, object{"name": p[1], "in": "path", "required": true, "schema": text})
	}
	for _, p := range parameters(r.query) {
		all = append(all, object{"name": p.name, "in": "query", "description": p.doc, "schema": d.schemas.of(p.of, taken)})
	}
	if method == http.MethodPost && r.Right != people.Public && !r.repeated {
		all = append(all, object{"name": keyHeader, "in": "header", "description": "Names the request, so that it may be sent again.", "schema": text})
	}
	if method != http.MethodGet && strings.HasPrefix(path, "/api/v1/incidents/{id}") {
		all = append(all, object{
			"name": "If-Match", "in": "header", "required": method == http.MethodPatch, "schema": text,
			"description": "The ETag of the version that is changed, or *.",
		})
	}
	return all
}

func (d *description) responses(r *Route) object {
	success := object{"description": "Done."}
	switch {
	case r.out != nil:
		success["content"] = object{"application/json": object{"schema": d.schemas.of(r.out, given)}}
	case r.gives != "":
		success["content"] = object{r.gives: object{"schema": object{}}}
	}
	return object{
		strconv.Itoa(r.status): success,
		"default":              object{"description": "Refused, and why (RFC 9457).", "content": object{"application/problem+json": object{"schema": d.problem}}},
	}
}

// area is what a path is about.
func area(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/api/v1/"), "/")
	return strings.TrimSuffix(strings.Trim(parts[0], "/"), ".json")
}

// sentence makes words of a name: openIncident becomes "Open incident".
func sentence(name string) string {
	var b strings.Builder
	for i, c := range name {
		switch {
		case i == 0:
			c = unicode.ToUpper(c)
		case unicode.IsUpper(c):
			b.WriteByte(' ')
			c = unicode.ToLower(c)
		}
		b.WriteRune(c)
	}
	return b.String()
}

// openAPI answers with the description of the API.
func (a *api) openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, err := w.Write(a.description)
	return err
}
