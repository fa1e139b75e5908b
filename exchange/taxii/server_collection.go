package taxii

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// collectionExchange is a request about what is in a collection.
type collectionExchange struct {
	*exchange
	name   string
	object string // the id of the one object that it is about
	*Collection
}

// open finds the collection and checks that it may be read, or written to.
func (c *collectionExchange) open(read, write bool) error {
	var err error
	if c.Collection, err = c.find(c.name); err != nil {
		return err
	}
	switch {
	case !c.CanRead && !c.CanWrite:
		return errNothing
	case read && !c.CanRead:
		return fail(http.StatusForbidden, "the collection may not be read")
	case write && !c.CanWrite:
		return fail(http.StatusForbidden, "the collection may not be written to")
	}
	return nil
}

// page is what a request for records gives.
type page struct {
	records []Record
	more    bool
	next    string
}

// read answers the filters of the request. kind tells the kinds of pages apart.
func (c *collectionExchange) read(kind string, contents bool, allowed ...string) (*page, error) {
	f, err := parseFilters(c.r.URL.Query(), allowed)
	if err != nil {
		return nil, err
	}
	of := owner(c.view.Client(), c.ID, kind+c.object)
	if err := f.resume(of); err != nil {
		return nil, err
	}
	q, err := f.query()
	if err != nil {
		return nil, err
	}
	if q.Limit == 0 {
		q.Limit = c.config.PageSize
	}
	q.Limit, q.Contents = min(q.Limit, c.config.MaxPageSize), contents
	if c.object != "" {
		q.IDs = []string{c.object}
		if kind == "versions" {
			q.Versions = VersionFilter{All: true}
			if len(q.SpecVersions) == 0 {
				q.SpecVersions = []string{"2.0", "2.1"}
			}
		}
	}
	p := &page{}
	if p.records, p.more, err = c.view.Records(c.r.Context(), c.ID, q); err != nil {
		return nil, err
	}
	if len(p.records) == 0 {
		return p, c.missing()
	}
	first, last := p.records[0].Added, p.records[len(p.records)-1].Added
	c.w.Header().Set("X-TAXII-Date-Added-First", Moment(first))
	c.w.Header().Set("X-TAXII-Date-Added-Last", Moment(last))
	if p.more {
		p.next = (&token{Of: of, After: last.UnixMicro(), Match: f.match}).String()
	}
	return p, nil
}

// missing tells an object that is not there from one of which no version fits.
func (c *collectionExchange) missing() error {
	if c.object == "" {
		return nil
	}
	whole := Query{IDs: []string{c.object}, Versions: VersionFilter{All: true}, SpecVersions: []string{"2.0", "2.1"}, Limit: 1}
	if records, _, err := c.view.Records(c.r.Context(), c.ID, whole); err != nil || len(records) > 0 {
		return err
	}
	return errNothing
}

func (c *collectionExchange) objects() error {
	if c.r.Method == http.MethodPost {
		return c.add()
	}
	if err := c.open(true, false); err != nil {
		return err
	}
	return c.envelope(matches...)
}

func (c *collectionExchange) oneObject() error {
	if c.r.Method == http.MethodDelete {
		return c.remove()
	}
	if err := c.open(true, false); err != nil {
		return err
	}
	return c.envelope("version", "spec_version")
}

// envelope writes a page of objects, each as it came in.
func (c *collectionExchange) envelope(allowed ...string) error {
	p, err := c.read("objects", true, allowed...)
	if err != nil {
		return err
	}
	size := len(p.next) + 100
	for i := range p.records {
		size += len(p.records[i].Object) + 1
	}
	b := bytes.NewBuffer(make([]byte, 0, size))
	b.WriteByte('{')
	if len(p.records) > 0 {
		b.WriteString(`"more":false,`)
		if p.more {
			b.Truncate(1)
			b.WriteString(`"more":true,"next":"` + p.next + `",`)
		}
		b.WriteString(`"objects":[`)
		for i := range p.records {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(p.records[i].Object)
		}
		b.WriteByte(']')
	}
	b.WriteByte('}')
	c.write(http.StatusOK, b.Bytes())
	return nil
}

func (c *collectionExchange) manifest() error {
	if err := c.open(true, false); err != nil {
		return err
	}
	p, err := c.read("manifest", false, matches...)
	if err != nil {
		return err
	}
	// The standard has no next here; clients that know it save themselves the header.
	m := Manifest{More: p.more, Next: p.next}
	for i := range p.records {
		r := &p.records[i]
		m.Objects = append(m.Objects, ManifestEntry{
			ID: r.ID, DateAdded: Moment(r.Added), Version: r.VersionText(), MediaType: "application/stix+json;version=" + r.SpecVersion,
		})
	}
	return c.answer(http.StatusOK, &m)
}

func (c *collectionExchange) versions() error {
	if err := c.open(true, false); err != nil {
		return err
	}
	p, err := c.read("versions", false, "spec_version")
	if err != nil {
		return err
	}
	v := Versions{More: p.more, Next: p.next}
	for i := range p.records {
		v.Versions = append(v.Versions, p.records[i].VersionText())
	}
	return c.answer(http.StatusOK, &v)
}

// remove deletes an object: all of its versions, or those that are matched (§5.7).
func (c *collectionExchange) remove() error {
	if err := c.open(true, true); err != nil {
		return err
	}
	f, err := parseFilters(c.r.URL.Query(), []string{"version", "spec_version"})
	if err != nil {
		return err
	}
	q, err := f.query()
	if err != nil {
		return err
	}
	if len(f.match["version"]) == 0 {
		q.Versions.All = true
	}
	if len(q.SpecVersions) == 0 {
		q.SpecVersions = []string{"2.0", "2.1"}
	}
	q.IDs, q.After = []string{c.object}, time.Time{}
	if err := c.missing(); err != nil {
		return err
	}
	if err := c.view.Delete(c.r.Context(), c.ID, q); err != nil {
		return err
	}
	c.write(http.StatusOK, nil)
	return nil
}

// add adds the objects of an envelope (§5.4).
func (c *collectionExchange) add() error {
	if err := c.open(false, true); err != nil {
		return err
	}
	objects, err := c.readEnvelope()
	if err != nil {
		return err
	}
	s := &Status{ID: newUUID(), Status: "complete", Requested: Moment(c.config.Now()), TotalCount: len(objects)}
	var records []Record
	for _, object := range objects {
		r, err := NewRecord(object)
		if err != nil {
			s.fails(&r, err)
			continue
		}
		records = append(records, r)
	}
	refused, err := c.view.Add(c.r.Context(), c.ID, records)
	if err != nil {
		return err
	}
	for i := range records {
		if refused[i] != nil {
			s.fails(&records[i], refused[i])
			continue
		}
		s.SuccessCount++
		s.Successes = append(s.Successes, Detail{ID: records[i].ID, Version: records[i].VersionText()})
	}
	if err := c.view.SaveStatus(c.r.Context(), c.root.Name, s.bounded()); err != nil {
		return err
	}
	return c.answer(http.StatusAccepted, s)
}

func (s *Status) fails(r *Record, err error) {
	s.FailureCount++
	s.Failures = append(s.Failures, Detail{ID: r.ID, Version: r.Version, Message: withoutKind(err)})
}

// mostDetails is how many objects a saved status names: the counts are of all.
const mostDetails = 1000

func (s *Status) bounded() *Status {
	short := *s
	short.Successes = slices.Clip(s.Successes[:min(len(s.Successes), mostDetails)])
	short.Failures = slices.Clip(s.Failures[:min(len(s.Failures), mostDetails)])
	return &short
}

// decodeEnvelope reads the objects of an envelope, or of a bundle: what stix2's
// TAXIICollectionSink sends is one.
func decodeEnvelope(body []byte) ([]json.RawMessage, error) {
	var envelope struct {
		Objects *[]json.RawMessage `json:"objects"`
		ID      json.RawMessage    `json:"id"`
		Type    json.RawMessage    `json:"type"`
	}
	err := json.Unmarshal(body, &envelope)
	switch {
	case err != nil:
		return nil, fail(http.StatusUnprocessableEntity, "the body is no JSON, or no envelope with a list of objects")
	case envelope.Objects != nil:
		return *envelope.Objects, nil
	case envelope.ID != nil || envelope.Type != nil:
		return nil, fail(http.StatusUnprocessableEntity, "the body is an object of its own: an envelope with a list of objects is expected")
	}
	return nil, nil
}
