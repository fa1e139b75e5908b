package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"runtime"
	"strings"
)

// bodyBytes bounds a request that says nothing else: pages of text, and a
// thousand facts.
const bodyBytes = 1 << 20

// handling is how a route is answered, and of which types what it takes and
// gives is, for the description of the API.
type handling struct {
	name   string // of the function that answers
	answer func(*api, http.ResponseWriter, *http.Request) error
	in     reflect.Type // the body; nil for none
	query  reflect.Type // a struct with query tags; nil for none
	out    reflect.Type // the answer; nil for one that is no JSON
	status int          // of success
	// takes and gives are media types, where they are not JSON.
	takes, gives string
	most         int64 // bytes of the body
	traits
}

// traits are what is unusual about a route.
type traits struct {
	page     bool // for browsers: not described
	free     bool // its query may hold anything
	repeated bool // asked again it does the same again, which hurts nobody: no answer is kept for its key
	resumed  bool // asked again after the node died it goes on where it was
	secret   bool // its answer holds a secret: it is not kept for its key
}

// nothing is the type of an answer that tells nothing.
type nothing struct{}

// told answers what needs nothing but its path.
func told[Out any](do func(*api, *http.Request) (Out, error)) handling {
	return telling(http.StatusOK, do)
}

// begets is told where something new comes of it.
func begets[Out any](do func(*api, *http.Request) (Out, error)) handling {
	return telling(http.StatusCreated, do)
}

func telling[Out any](status int, do func(*api, *http.Request) (Out, error)) handling {
	return handling{
		name: nameOf(do), out: reflect.TypeFor[Out](), status: status, most: bodyBytes, // which is not read
		answer: func(a *api, w http.ResponseWriter, r *http.Request) error {
			if err := checkQuery(r.URL.Query(), nil); err != nil {
				return err
			}
			out, err := do(a, r)
			if err != nil {
				return err
			}
			return write(w, r, status, out)
		},
	}
}

// asked answers what takes a query.
func asked[Query, Out any](do func(*api, *http.Request, *Query) (Out, error)) handling {
	return handling{
		name: nameOf(do), query: reflect.TypeFor[Query](), out: reflect.TypeFor[Out](), status: http.StatusOK,
		answer: func(a *api, w http.ResponseWriter, r *http.Request) error {
			var query Query
			if err := readQuery(r.URL.Query(), &query); err != nil {
				return err
			}
			out, err := do(a, r, &query)
			if err != nil {
				return err
			}
			return write(w, r, http.StatusOK, out)
		},
	}
}

// body answers what takes a JSON value.
func body[In, Out any](do func(*api, *http.Request, *In) (Out, error)) handling {
	return taking(http.StatusOK, do)
}

// makes is body where something new comes of it.
func makes[In, Out any](do func(*api, *http.Request, *In) (Out, error)) handling {
	return taking(http.StatusCreated, do)
}

func taking[In, Out any](status int, do func(*api, *http.Request, *In) (Out, error)) handling {
	return handling{
		name: nameOf(do), in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](), status: status, most: bodyBytes,
		answer: func(a *api, w http.ResponseWriter, r *http.Request) error {
			var in In
			if err := readBody(r, &in); err != nil {
				return err
			}
			out, err := do(a, r, &in)
			if err != nil {
				return err
			}
			return write(w, r, status, out)
		},
	}
}

// raw answers by itself: what is streamed, and what sets cookies.
func raw(do func(*api, http.ResponseWriter, *http.Request) error) handling {
	return handling{name: nameOf(do), answer: do, status: http.StatusOK}
}

// page is raw for browsers.
func page(do func(*api, http.ResponseWriter, *http.Request) error) handling {
	return handling{name: nameOf(do), answer: do, status: http.StatusOK, most: bodyBytes, traits: traits{page: true, free: true}}
}

// nameOf is what a method of api is called.
func nameOf(method any) string {
	name := runtime.FuncForPC(reflect.ValueOf(method).Pointer()).Name()
	return name[strings.LastIndexByte(name, '.')+1:]
}

// upTo bounds the body otherwise than usual.
func (h handling) upTo(most int64) handling {
	h.most = most
	return h
}

// repeatable says that nothing is kept of it for its key.
func (h handling) repeatable() handling {
	h.repeated = true
	return h
}

// resumable says that it may be done again when nobody knows what came of it.
func (h handling) resumable() handling {
	h.resumed = true
	return h
}

// secretive says that what it answers is not kept for its key.
func (h handling) secretive() handling {
	h.secret = true
	return h
}

// described is raw of what takes and gives JSON, such as what sets cookies; none
// is for nothing.
func described[In, Out any](status int, do func(*api, http.ResponseWriter, *http.Request) error) handling {
	h := raw(do)
	h.out, h.status = reflect.TypeFor[Out](), status
	if in := reflect.TypeFor[In](); in != reflect.TypeFor[none]() {
		h.in, h.most = in, bodyBytes
	}
	return h
}

// none is the type of a body that is not there.
type none struct{}

// file takes any body as a file.
func file[Query, Out any](status int, most int64, do func(*api, http.ResponseWriter, *http.Request) error) handling {
	h := raw(do)
	h.takes, h.most, h.query, h.out, h.status = anyMedia, most, reflect.TypeFor[Query](), reflect.TypeFor[Out](), status
	return h
}

// contents gives what is no JSON value.
func contents[Query any](media string, do func(*api, http.ResponseWriter, *http.Request) error) handling {
	h := raw(do)
	h.gives = media
	if query := reflect.TypeFor[Query](); query != reflect.TypeFor[none]() {
		h.query = query
	}
	return h
}

// anyMedia is the type of what is bytes to us.
const anyMedia = "application/octet-stream"

// jsonLines is the type of JSON values, one a line.
const jsonLines = "application/x-ndjson"

// write answers with a value, its version, and where its next page is.
func write(w http.ResponseWriter, r *http.Request, status int, out any) error {
	if tag := tagOf(out); tag != "" {
		w.Header().Set("ETag", tag)
	}
	if p, ok := out.(interface{ following() string }); ok && p.following() != "" {
		w.Header().Set("Link", "<"+nextPage(r.URL, p.following())+`>; rel="next"`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(out)
}

// nextPage is a request's address with another cursor.
func nextPage(u *url.URL, cursor string) string {
	query := u.Query()
	query.Set("cursor", cursor)
	return u.Path + "?" + query.Encode()
}

// paged is one page of a list.
type paged[T any] struct {
	Items []T `json:"items"`
	// Next is the cursor of the next page; it is absent on the last.
	Next string `json:"next,omitempty"`
}

func (p paged[T]) following() string { return p.Next }

func pageOf[T any](items []T, next string) paged[T] { return paged[T]{listed(items), next} }

// paging is the part of a query that every list has.
type paging struct {
	Limit  int    `query:"limit" doc:"How many items a page has: 1 to 1000, by default 100."`
	Cursor string `query:"cursor" doc:"Where to go on: next of the page before."`
}
