package intake

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"tocsin/intake/bulk"
	"tocsin/people"
	"tocsin/telemetry"
)

// elasticError is a failure as Elasticsearch writes it.
type elasticError struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

// bulkAnswer is the answer to a bulk request.
type bulkAnswer struct {
	Took   int64                 `json:"took"`
	Errors bool                  `json:"errors"`
	Items  []map[string]bulkItem `json:"items"`
	// Status and Error stand only where the whole request was refused. Then
	// every item says so too, since rsyslog reads nothing else.
	Status int           `json:"status,omitempty"`
	Error  *elasticError `json:"error,omitempty"`
}

type bulkItem struct {
	Index   string        `json:"_index,omitempty"`
	ID      string        `json:"_id,omitempty"`
	Version int           `json:"_version,omitempty"`
	Result  string        `json:"result,omitempty"`
	Status  int           `json:"status"`
	Error   *elasticError `json:"error,omitempty"`
}

// takeBulk takes a bulk request: every document is kept or has an error of its
// own, which tells the sender whether to send it again.
func (in *Intake) takeBulk(w http.ResponseWriter, r *http.Request) error {
	started := in.now()
	content, err := in.body(w, r)
	if err != nil {
		return err
	}
	defer content.close()
	items, err := bulk.Parse(content.data, pathIndex(r.URL.Path))
	if err != nil {
		in.senderSource(r).refuse(reasonMalformed, 1)
		return bulkError(err)
	}
	batch := newDocuments(in, people.From(r.Context()), len(items))
	defer batch.kept.close()
	batch.expected = len(content.data)
	for i := range items {
		batch.add(i, &items[i])
	}
	refused := batch.flush(r.Context())
	answer := batch.answer(items, r.URL.Query().Has("filter_path"))
	answer.Took = in.now().Sub(started).Milliseconds()
	status := http.StatusOK
	if refused != nil {
		status = refused.status()
		answer.Status, answer.Error = status, &elasticError{rejected, refused.Error()}
		w.Header().Set("Retry-After", seconds(refused.After))
	}
	return batch.kept.answer(w, r, status, answer)
}

// rejected is what Elasticsearch calls what is to be sent again.
const rejected = "es_rejected_execution_exception"

func bulkError(err error) error {
	if errors.Is(err, bulk.ErrTooMany) {
		return &httpError{http.StatusRequestEntityTooLarge, "content_too_long_exception", err.Error()}
	}
	return &httpError{http.StatusBadRequest, "illegal_argument_exception", err.Error()}
}

// pathIndex returns the index that the path names, which is its first segment.
func pathIndex(path string) string {
	index, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if strings.HasPrefix(index, "_") {
		return ""
	}
	return index
}

// takeDocument takes one document, as shippers send it that are told not to use
// bulk requests.
func (in *Intake) takeDocument(w http.ResponseWriter, r *http.Request) error {
	content, err := in.body(w, r)
	if err != nil {
		return err
	}
	defer content.close()
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	item := bulk.Item{Action: bulk.Index, Index: parts[0], Document: oneLine(content.data)}
	if len(parts) > 2 {
		item.ID = parts[2]
	}
	batch := newDocuments(in, people.From(r.Context()), 1)
	defer batch.kept.close()
	batch.add(0, &item)
	if refused := batch.flush(r.Context()); refused != nil {
		return refused
	}
	answer := batch.result(0, &item, false)
	return batch.kept.answer(w, r, answer.Status, answer)
}

// documents gathers the documents of a request by the source they belong to.
type documents struct {
	in       *Intake
	sender   people.Identity
	kept     *receipt
	outcomes []outcome // by item
	groups   map[string]*group
	order    []*group
	expected int    // bytes of all documents, at most
	ids      idSeed // for documents that have none
}

// outcome is what became of an item; a zero one was kept.
type outcome struct {
	status int
	error  *elasticError
}

// group is the documents of one source.
type group struct {
	source *source
	data   []byte
	items  []int
	full   []run // what filled a block before
}

type run struct {
	data  []byte
	items []int
}

func newDocuments(in *Intake, sender people.Identity, n int) *documents {
	return &documents{in: in, sender: sender, kept: in.newReceipt(), outcomes: make([]outcome, n), groups: map[string]*group{}}
}

// add puts an item where it belongs, or says why it cannot be taken.
func (d *documents) add(i int, item *bulk.Item) {
	g := d.group(item.Index)
	switch {
	case item.Action != bulk.Create && item.Action != bulk.Index:
		g.source.refuse(reasonAction, 1)
		d.outcomes[i] = outcome{http.StatusBadRequest, &elasticError{"illegal_argument_exception", "this node only takes create and index: telemetry is not changed"}}
	case len(item.Document) > telemetry.MaxRecord:
		g.source.refuse(reasonTooLong, 1)
		d.outcomes[i] = outcome{http.StatusBadRequest, &elasticError{"document_parsing_exception", reasonTooLong}}
	case !bulk.IsObject(item.Document):
		d.in.malformed(g.source, telemetry.JSON, reasonNoObject, item.Document)
		d.outcomes[i] = outcome{http.StatusBadRequest, &elasticError{"document_parsing_exception", "the document is no JSON object"}}
	default:
		g.add(i, item.Document)
	}
}

func (d *documents) group(index string) *group {
	g := d.groups[index]
	if g == nil {
		g = &group{source: d.in.sources.source("bulk", d.sender.Name+"/"+label(undated(index)))}
		if len(d.order) == 0 { // most requests are for one index
			g.data = make([]byte, 0, min(d.expected, blockBytes))
		}
		d.groups[index] = g
		d.order = append(d.order, g)
	}
	return g
}

// dated is what stands at the end of names of indexes that are made by day,
// month or size, and would make each a source of its own.
var dated = regexp.MustCompile(`([-._]\d{4}[-._]\d{2}([-._]\d{2})?)?([-._]\d{6})?$`)

func undated(index string) string {
	if name := dated.ReplaceAllString(index, ""); name != "" {
		return name
	}
	return "none"
}

func (g *group) add(i int, document []byte) {
	if len(g.data) > 0 && len(g.data)+len(document) >= blockBytes {
		g.full = append(g.full, run{g.data, g.items})
		g.data, g.items = nil, nil
	}
	g.data = append(append(g.data, document...), '\n')
	g.items = append(g.items, i)
}

// flush hands on what was gathered. When nothing at all was kept because there
// was no room, the whole request is refused.
func (d *documents) flush(ctx context.Context) *RefusedError {
	kept := false
	refused := d.tooMany()
	for _, g := range d.order {
		for _, r := range append(g.full, run{g.data, g.items}) {
			if len(r.items) == 0 {
				continue
			}
			var err error = refused
			if refused == nil || kept {
				err = d.in.submit(ctx, d.kept, g.source, r.data, len(r.items))
			}
			if err == nil {
				kept = true
				continue
			}
			d.fail(r.items, err)
			if again := (*RefusedError)(nil); errors.As(err, &again) {
				refused = again
			} else {
				d.in.logFailure(ctx, err)
			}
		}
	}
	if kept {
		return nil
	}
	return refused
}

// tooMany takes what was gathered from the sender's allowance.
func (d *documents) tooMany() *RefusedError {
	n := d.waiting()
	if wait, ok := d.in.senders.of(d.sender.ID).take(d.in.now(), n); !ok {
		d.in.sources.source("requests", d.sender.Name).refuse(reasonTokenRate, n)
		return &RefusedError{reasonTokenRate, wait}
	}
	return nil
}

func (d *documents) waiting() int {
	n := 0
	for _, g := range d.order {
		n += len(g.items)
		for _, r := range g.full {
			n += len(r.items)
		}
	}
	return n
}

// fail notes that items were not kept. Elasticsearch answers 429 to what is to
// be sent again, and 5xx to what failed.
func (d *documents) fail(items []int, err error) {
	o := outcome{http.StatusInternalServerError, &elasticError{"exception", "internal error"}}
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		o = outcome{http.StatusTooManyRequests, &elasticError{rejected, refused.Error()}}
	}
	for _, i := range items {
		d.outcomes[i] = o
	}
}

// answer writes down what became of every item. Shippers that name a
// filter_path want states and errors only.
func (d *documents) answer(items []bulk.Item, brief bool) bulkAnswer {
	answer := bulkAnswer{Items: make([]map[string]bulkItem, len(items))}
	for i := range items {
		answer.Items[i] = map[string]bulkItem{items[i].Action: d.result(i, &items[i], brief)}
		answer.Errors = answer.Errors || d.outcomes[i].error != nil
	}
	return answer
}

func (d *documents) result(i int, item *bulk.Item, brief bool) bulkItem {
	o := d.outcomes[i]
	if o.error == nil {
		o.status = http.StatusCreated
	}
	result := bulkItem{Status: o.status, Error: o.error}
	if brief {
		return result
	}
	result.Index, result.ID = item.Index, item.ID
	if o.error == nil {
		result.Version, result.Result = 1, "created"
		if result.ID == "" {
			result.ID = d.ids.next()
		}
	}
	return result
}

// idSeed makes IDs as long as Elasticsearch's, for senders that want one: random
// bits for each request, and a count.
type idSeed struct {
	bits  [15]byte
	count uint32
}

func (s *idSeed) next() string {
	if s.count++; s.count == 1 {
		_, _ = rand.Read(s.bits[:]) // never fails (crypto/rand)
	}
	binary.BigEndian.PutUint32(s.bits[len(s.bits)-4:], s.count)
	return base64.RawURLEncoding.EncodeToString(s.bits[:])
}
