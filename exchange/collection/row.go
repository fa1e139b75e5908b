package collection

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/exchange/taxii"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// row is a version of an object as the table has it.
type row struct {
	added, at             int64
	id, kind              string
	spec, version         string
	marking               intel.Marking
	newer, older, inNewer int64
	digest                []byte
	object                string // empty where it was not read
}

// nobody is above all markings: there is no such version for anybody.
const nobody = 99

// siblings sets of all versions of an object what others there are.
func siblings(rows []row) {
	for i := range rows {
		r := &rows[i]
		r.newer, r.older, r.inNewer = nobody, nobody, nobody
		for _, other := range rows {
			switch m := int64(other.marking); {
			case other.spec > r.spec:
				r.inNewer = min(r.inNewer, m)
			case other.spec < r.spec:
			case other.at > r.at:
				r.newer = min(r.newer, m)
			case other.at < r.at:
				r.older = min(r.older, m)
			}
		}
	}
}

// put adds a version, or finds it there already; fresh is whether it was added. What
// is there with another content is fault.Conflict.
func put(ctx context.Context, tx *store.Tx, collection int64, n row, added int64) (at int64, fresh bool, err error) {
	rows, err := selectVersions(ctx, tx, collection, n.id)
	if err != nil {
		return 0, true, err
	}
	for _, r := range rows {
		same := bytes.Equal(r.digest, n.digest) && r.spec == n.spec
		switch {
		case same && (r.version == "") == (n.version == ""):
			return r.added, false, nil
		case n.version != "" && r.version != "" && r.at == n.at && r.spec == n.spec:
			return 0, false, fmt.Errorf("another content of this version is there already: %w", fault.Conflict)
		}
	}
	n.added = added
	if n.version == "" {
		n.at = added * 1000
	}
	before := slices.Clone(rows)
	rows = append(rows, n)
	siblings(rows)
	if err := updateSiblings(ctx, tx, collection, before, rows[:len(before)]); err != nil {
		return 0, true, err
	}
	return added, true, insertRow(ctx, tx, collection, &rows[len(rows)-1])
}

// updateSiblings writes what has changed of rows.
func updateSiblings(ctx context.Context, tx *store.Tx, collection int64, before, after []row) error {
	for i, r := range after {
		if b := before[i]; b.newer == r.newer && b.older == r.older && b.inNewer == r.inNewer {
			continue
		}
		if err := updateRow(ctx, tx, collection, &after[i]); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes the versions of the query's objects that it asks for and the viewer
// may see.
func remove(ctx context.Context, tx *store.Tx, collection int64, most intel.Marking, q *taxii.Query) error {
	for _, id := range q.IDs {
		rows, err := selectVersions(ctx, tx, collection, id)
		if err != nil {
			return err
		}
		var left []row
		for _, r := range rows {
			if r.marking > most || !asked(&r, int64(most), q) {
				left = append(left, r)
				continue
			}
			if err := deleteRow(ctx, tx, collection, r.added); err != nil {
				return err
			}
		}
		before := slices.Clone(left)
		siblings(left)
		if err := updateSiblings(ctx, tx, collection, before, left); err != nil {
			return err
		}
	}
	return nil
}

// asked says of a row what conditions say in SQL.
func asked(r *row, most int64, q *taxii.Query) bool {
	if !slices.Contains(q.SpecVersions, r.spec) {
		return false
	}
	v := q.Versions
	exact := slices.ContainsFunc(v.Exact, func(at time.Time) bool { return at.UnixNano() == r.at })
	return v.All || v.Last && r.newer > most || v.First && r.older > most || exact
}

// conditions are those of a query on rows, of type kind where that is not empty.
func conditions(collection int64, most intel.Marking, q *taxii.Query, kind string) (text string, args []any) {
	mark := func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d", len(args))
	}
	in := func(column string, values []string) string {
		marks := make([]string, len(values))
		for i, value := range values {
			marks[i] = mark(value)
		}
		return column + " IN (" + strings.Join(marks, ", ") + ")"
	}
	all := []string{"collection = " + mark(collection)}
	if kind != "" {
		all = append(all, "type = "+mark(kind))
	}
	after := int64(-1)
	if !q.After.IsZero() {
		after = q.After.UnixMicro()
	}
	all = append(all, "added > "+mark(after), "marking <= "+mark(int64(most)))
	if len(q.IDs) > 0 {
		all = append(all, in("id", q.IDs))
	}
	if len(q.SpecVersions) > 0 {
		all = append(all, in("spec", q.SpecVersions))
	} else {
		all = append(all, "newer_spec > "+mark(int64(most)))
	}
	v := q.Versions
	var either []string
	if v.Last || !v.First && !v.All && len(v.Exact) == 0 {
		either = append(either, "newer > "+mark(int64(most)))
	}
	if v.First {
		either = append(either, "older > "+mark(int64(most)))
	}
	if len(v.Exact) > 0 {
		marks := make([]string, len(v.Exact))
		for i, at := range v.Exact {
			marks[i] = mark(at.UnixNano())
		}
		either = append(either, "at IN ("+strings.Join(marks, ", ")+")")
	}
	if !v.All {
		all = append(all, "("+strings.Join(either, " OR ")+")")
	}
	return strings.Join(all, " AND "), args
}
