package taxii

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// Config is how a server presents itself. The zero value works.
type Config struct {
	// Title, Description and Contact are those of the discovery.
	Title, Description, Contact string
	// Prefix is the path of the discovery; "" is /taxii2/.
	Prefix string
	// URL is scheme and host by which clients reach the server, for the addresses
	// of API roots; "" is what each request was sent to.
	URL string
	// Roots are the API roots; the first is the default one. None stands for one
	// that is called default.
	Roots []Root
	// MaxContentLength bounds the body of a request, packed or not, in bytes; 0 is
	// defaultContent.
	MaxContentLength int64
	// PageSize is how many objects a page has when the request says nothing, and
	// MaxPageSize how many it has at most; 0 are defaultPage and maxPage.
	PageSize, MaxPageSize int
	// AlsoAccept are further media types that objects may be sent as.
	// "application/stix+json;version=2.1" is what some clients of OpenCTI send.
	AlsoAccept []string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Root is an API root.
type Root struct {
	Name               string // in paths
	Title, Description string
}

const (
	// 100 MB holds a large bundle (ATT&CK Enterprise has 50), and not memory's end.
	defaultContent = 100 << 20
	// A page of 1,000 objects is about 1 MB.
	defaultPage = 1000
	maxPage     = 10_000
)

// Authenticate says what whoever sent a request may see and do. An error that is
// fault.Unavailable is answered with 503, any other with 401, whose body does not
// say more.
type Authenticate func(*http.Request) (View, error)

// Server is a TAXII 2.1 server.
type Server struct {
	config       Config
	authenticate Authenticate
}

// NewServer returns a server.
func NewServer(config Config, authenticate Authenticate) *Server {
	if config.Prefix == "" {
		config.Prefix = "/taxii2/"
	}
	if len(config.Roots) == 0 {
		config.Roots = []Root{{Name: "default"}}
	}
	if config.Title == "" {
		config.Title = "TAXII"
	}
	if config.MaxContentLength <= 0 {
		config.MaxContentLength = defaultContent
	}
	if config.MaxPageSize <= 0 {
		config.MaxPageSize = maxPage
	}
	if config.PageSize <= 0 {
		config.PageSize = min(defaultPage, config.MaxPageSize)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Server{config, authenticate}
}

// exchange is a request on its way to an answer.
type exchange struct {
	*Server
	w    http.ResponseWriter
	r    *http.Request
	view View
	root Root
}

// failure is an error with the status that it is answered with.
type failure struct {
	status int
	reason string
}

func (f *failure) Error() string { return f.reason }

func fail(status int, reason string) error { return &failure{status, reason} }

var errNothing = fail(http.StatusNotFound, "there is no such resource, or not for you")

// ServeHTTP answers a request. Paths may lack their last slash: some clients leave
// it out, and would lose their credentials in a redirect.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{Server: s, w: w, r: r}
	if err := x.serve(); err != nil { //nolint:contextcheck // the context is the request's, which the exchange holds
		x.refuse(err)
	}
}

func (x *exchange) serve() error {
	path, ok := strings.CutPrefix(x.r.URL.Path, strings.TrimSuffix(x.config.Prefix, "/"))
	if !ok || path != "" && path[0] != '/' {
		return errNothing
	}
	var err error
	if x.view, err = x.authenticate(x.r); err != nil {
		if errors.Is(err, fault.Unavailable) {
			return err
		}
		return fail(http.StatusUnauthorized, "credentials are missing or not valid")
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	methods, serve := x.route(parts)
	switch {
	case serve == nil:
		return errNothing
	case !slices.Contains(methods, x.r.Method):
		x.w.Header().Set("Allow", strings.Join(methods, ", "))
		return fail(http.StatusMethodNotAllowed, "the method is not allowed here")
	case !acceptable(x.r.Header.Values("Accept")):
		return fail(http.StatusNotAcceptable, "the answer can only be "+MediaType)
	}
	return serve()
}

// route returns what serves a path, and the methods that it has.
func (x *exchange) route(parts []string) (methods []string, serve func() error) {
	get := []string{http.MethodGet}
	if parts[0] == "" {
		return get, x.discovery
	}
	at := slices.IndexFunc(x.config.Roots, func(root Root) bool { return root.Name == parts[0] })
	if at < 0 {
		return nil, nil
	}
	x.root = x.config.Roots[at]
	switch parts = parts[1:]; {
	case len(parts) == 0:
		return get, x.apiRoot
	case len(parts) == 2 && parts[0] == "status":
		return get, func() error { return x.status(parts[1]) }
	case parts[0] != "collections":
		return nil, nil
	case len(parts) == 1:
		return get, x.collections
	case len(parts) == 2:
		return get, func() error { return x.collection(parts[1]) }
	}
	c := &collectionExchange{exchange: x, name: parts[1]}
	switch parts = parts[2:]; {
	case len(parts) == 1 && parts[0] == "manifest":
		return get, c.manifest
	case len(parts) == 1 && parts[0] == "objects":
		return []string{http.MethodGet, http.MethodPost}, c.objects
	case len(parts) == 2 && parts[0] == "objects":
		c.object = parts[1]
		return []string{http.MethodGet, http.MethodDelete}, c.oneObject
	case len(parts) == 3 && parts[0] == "objects" && parts[2] == "versions":
		c.object = parts[1]
		return get, c.versions
	}
	return nil, nil
}

// base is the address of the discovery.
func (x *exchange) base() string {
	url := x.config.URL
	if url == "" {
		url = "http://" + x.r.Host
		if x.r.TLS != nil {
			url = "https://" + x.r.Host
		}
	}
	return strings.TrimSuffix(url, "/") + strings.TrimSuffix(x.config.Prefix, "/") + "/"
}

func (x *exchange) discovery() error {
	d := Discovery{Title: x.config.Title, Description: x.config.Description, Contact: x.config.Contact}
	for _, root := range x.config.Roots {
		d.APIRoots = append(d.APIRoots, x.base()+root.Name+"/")
	}
	d.Default = d.APIRoots[0]
	return x.answer(http.StatusOK, &d)
}

func (x *exchange) apiRoot() error {
	title := x.root.Title
	if title == "" {
		title = x.root.Name
	}
	return x.answer(http.StatusOK, &APIRoot{
		Title: title, Description: x.root.Description, Versions: []string{MediaType}, MaxContentLength: x.config.MaxContentLength,
	})
}

func (x *exchange) status(id string) error {
	s, err := x.view.Status(x.r.Context(), x.root.Name, id)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, s)
}

func (x *exchange) collections() error {
	all, err := x.view.Collections(x.r.Context(), x.root.Name)
	if err != nil {
		return err
	}
	for i := range all {
		all[i].MediaTypes = []string{stixMediaType}
	}
	return x.answer(http.StatusOK, struct {
		Collections []Collection `json:"collections,omitempty"`
	}{all})
}

func (x *exchange) collection(name string) error {
	c, err := x.find(name)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, c)
}

// find returns a collection by its id or alias.
func (x *exchange) find(name string) (*Collection, error) {
	all, err := x.view.Collections(x.r.Context(), x.root.Name)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.ID == name || c.Alias != "" && c.Alias == name {
			c.MediaTypes = []string{stixMediaType}
			return &c, nil
		}
	}
	return nil, errNothing
}

// answer writes a resource.
func (x *exchange) answer(status int, resource any) error {
	body, err := json.Marshal(resource)
	if err != nil {
		return err
	}
	x.write(status, body)
	return nil
}

// smallest is from where on an answer is packed: less does not pay.
const smallest = 1 << 10

// write sends a body. A client that is gone is no error.
func (x *exchange) write(status int, body []byte) {
	h := x.w.Header()
	h.Set("Content-Type", MediaType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Encoding, Authorization")
	if len(body) < smallest || !packable(x.r.Header.Values("Accept-Encoding")) {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		x.w.WriteHeader(status)
		_, _ = x.w.Write(body)
		return
	}
	h.Set("Content-Encoding", "gzip")
	x.w.WriteHeader(status)
	z, _ := gzip.NewWriterLevel(x.w, gzip.BestSpeed) // a level that there is
	_, _ = z.Write(body)
	_ = z.Close()
}

// packable reports whether an Accept-Encoding has gzip.
func packable(headers []string) bool {
	for _, header := range headers {
		for one := range strings.SplitSeq(header, ",") {
			name, rest, _ := strings.Cut(strings.TrimSpace(one), ";")
			q, hasQ := strings.CutPrefix(strings.ReplaceAll(rest, " ", ""), "q=")
			n, err := strconv.ParseFloat(q, 64)
			if strings.EqualFold(strings.TrimSpace(name), "gzip") && (!hasQ || err == nil && n > 0) {
				return true
			}
		}
	}
	return false
}

// statuses are what kinds of failure are answered with.
var statuses = []struct {
	kind   error
	status int
	reason string // in place of the error's own text, which may tell too much
}{
	{fault.NotFound, http.StatusNotFound, errNothing.Error()},
	{fault.Forbidden, http.StatusForbidden, "it is not allowed"},
	{fault.Conflict, http.StatusBadRequest, ""},
	{fault.Invalid, http.StatusBadRequest, ""},
	{fault.Unavailable, http.StatusServiceUnavailable, "the server cannot answer now"},
}

// refuse answers with an error message.
func (x *exchange) refuse(err error) {
	status, reason := http.StatusInternalServerError, "internal error"
	if f, ok := errors.AsType[*failure](err); ok {
		status, reason = f.status, f.reason
	} else {
		for _, s := range statuses {
			if errors.Is(err, s.kind) {
				status, reason = s.status, s.reason
				if reason == "" {
					reason = strings.TrimSuffix(err.Error(), ": "+s.kind.Error())
				}
				break
			}
		}
	}
	switch status {
	case http.StatusUnauthorized:
		x.w.Header().Add("WWW-Authenticate", `Basic realm="TAXII", charset="UTF-8"`)
		x.w.Header().Add("WWW-Authenticate", `Bearer realm="TAXII"`)
	case http.StatusServiceUnavailable:
		x.w.Header().Set("Retry-After", "30")
	}
	body, _ := json.Marshal(&Error{Title: http.StatusText(status), Description: reason, HTTPStatus: strconv.Itoa(status)})
	x.write(status, body)
}
