package collection

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"tocsin/exchange/stix"
	"tocsin/exchange/taxii"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

//go:embed schema
var files embed.FS

// Room returns the tables of collections.
func Room() store.Room {
	schema, _ := fs.Sub(files, "schema") // which is there, being embedded
	return store.Room{Name: "collection", Files: schema}
}

// Shelf keeps collections. It may be used concurrently.
type Shelf struct {
	db  *store.DB
	now func() time.Time
}

// New returns the collections of a database.
func New(db *store.DB, now func() time.Time) *Shelf { return &Shelf{db, now} }

// Definition is what a collection is called.
type Definition struct {
	ID    string // a UUID of version 4
	Root  string // the API root that shows it
	Alias string // stands for the ID in addresses; "" for none
	Title string
	// Description is for people.
	Description string
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// Define makes a collection, or changes what it is called. The error is
// fault.Invalid for an ID that some clients would refuse.
func (s *Shelf) Define(ctx context.Context, d Definition) error {
	if !uuidForm.MatchString(d.ID) || d.Root == "" || d.Title == "" {
		return fmt.Errorf("collection %q: a UUID of version 4 in lower case, an API root and a title are wanted: %w", d.ID, fault.Invalid)
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return define(ctx, tx, &d) })
}

// Viewer is who looks at collections.
type Viewer struct {
	// Name tells viewers apart.
	Name string
	// Most is the strictest marking that he may see.
	Most intel.Marking
	// May says what he may do with a collection, by its ID; nil lets him read all.
	May func(collection string) (read, write bool)
}

// View returns what a viewer sees.
func (s *Shelf) View(v Viewer) taxii.View { return &view{s, v} }

type view struct {
	shelf  *Shelf
	viewer Viewer
}

func (v *view) Client() string { return v.viewer.Name }

func (v *view) may(collection string) (read, write bool) {
	if v.viewer.May == nil {
		return true, false
	}
	return v.viewer.May(collection)
}

func (v *view) Collections(ctx context.Context, root string) (all []taxii.Collection, err error) {
	err = v.shelf.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectCollections(ctx, tx, root)
		return err
	})
	shown := all[:0]
	for _, c := range all {
		if c.CanRead, c.CanWrite = v.may(c.ID); c.CanRead || c.CanWrite {
			shown = append(shown, c)
		}
	}
	return shown, err
}

var errNotShown = fmt.Errorf("the collection is not shown: %w", fault.NotFound)

// open returns the number of a collection that may be read or written to.
func (v *view) open(ctx context.Context, tx *store.Tx, id string, write bool) (int64, error) {
	canRead, canWrite := v.may(id)
	switch {
	case !canRead && !canWrite:
		return 0, errNotShown
	case write && !canWrite || !write && !canRead:
		return 0, fmt.Errorf("collection %s: %w", id, fault.Forbidden)
	}
	return selectNumber(ctx, tx, id)
}

func (v *view) Records(ctx context.Context, collection string, q taxii.Query) (records []taxii.Record, more bool, err error) {
	err = v.shelf.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		number, err := v.open(ctx, tx, collection, false)
		if err != nil {
			return err
		}
		records, err = selectRecords(ctx, tx, number, v.viewer.Most, &q)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("read collection %s: %w", collection, err)
	}
	if more = len(records) > q.Limit; more {
		records = records[:q.Limit]
	}
	return records, more, nil
}

func (v *view) Add(ctx context.Context, collection string, records []taxii.Record) (refused []error, err error) {
	incoming := make([]row, len(records))
	unread := make([]error, len(records))
	for i := range records {
		incoming[i], unread[i] = newRow(&records[i])
		if unread[i] == nil && incoming[i].marking > v.viewer.Most {
			unread[i] = fmt.Errorf("it is marked %s, which you may not handle here: %w", incoming[i].marking, fault.Forbidden)
		}
	}
	err = v.shelf.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		number, err := v.open(ctx, tx, collection, true)
		if err != nil {
			return err
		}
		last, err := takeTurn(ctx, tx, number)
		if err != nil {
			return err
		}
		refused = append([]error(nil), unread...)
		next := max(v.shelf.now().UnixMicro(), last+1)
		for i := range records {
			if refused[i] != nil {
				continue
			}
			added, fresh, err := put(ctx, tx, number, incoming[i], next)
			switch {
			case errors.Is(err, fault.Conflict) && !fresh:
				refused[i] = err
				continue
			case err != nil:
				return err
			case fresh:
				next++
			}
			records[i].Added = time.UnixMicro(added).UTC()
		}
		return endTurn(ctx, tx, number, next-1)
	})
	if err != nil {
		return nil, fmt.Errorf("add to collection %s: %w", collection, err)
	}
	return refused, nil
}

func (v *view) Delete(ctx context.Context, collection string, q taxii.Query) error {
	err := v.shelf.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		number, err := v.open(ctx, tx, collection, true)
		if err != nil {
			return err
		}
		if _, err := takeTurn(ctx, tx, number); err != nil {
			return err
		}
		return remove(ctx, tx, number, v.viewer.Most, &q)
	})
	if err != nil {
		return fmt.Errorf("delete from collection %s: %w", collection, err)
	}
	return nil
}

// keepStatus is how long a status can be asked for: clients poll for a minute.
const keepStatus = 24 * time.Hour

func (v *view) SaveStatus(ctx context.Context, root string, s *taxii.Status) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return v.shelf.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		now := v.shelf.now()
		return saveStatus(ctx, tx, s.ID, root, v.viewer.Name, string(body), now, now.Add(-keepStatus))
	})
}

func (v *view) Status(ctx context.Context, root, id string) (*taxii.Status, error) {
	var body string
	err := v.shelf.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		body, err = selectStatus(ctx, tx, id, root, v.viewer.Name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("status %s: %w", id, err)
	}
	s := &taxii.Status{}
	return s, json.Unmarshal([]byte(body), s)
}

// newRow reads of a record what it is kept by.
func newRow(r *taxii.Record) (row, error) {
	n := row{id: r.ID, kind: r.Type, spec: r.SpecVersion, version: r.Version, object: string(r.Object)}
	var object stix.Object
	decoder := json.NewDecoder(strings.NewReader(n.object))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		return n, fmt.Errorf("it is no JSON object: %w", fault.Invalid)
	}
	canonical, err := json.Marshal(object) // whose keys are in order
	if err != nil {
		return n, err
	}
	digest := sha256.Sum256(canonical)
	n.digest, n.marking = digest[:], strictest(object)
	if r.Version != "" {
		at, err := taxii.ParseTime(r.Version)
		if err != nil {
			return n, err
		}
		n.at = at.UnixNano()
	}
	return n, nil
}

// strictest returns the strictest marking on the object or on a part of it.
func strictest(o stix.Object) intel.Marking {
	m := o.Marking()
	list, _ := o["granular_markings"].([]any)
	for _, item := range list {
		granular, _ := item.(map[string]any)
		m = max(m, stix.MarkingOf(stix.Object(granular).Text("marking_ref")))
	}
	return m
}
