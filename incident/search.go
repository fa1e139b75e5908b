package incident

import (
	"context"

	"tocsin/internal/store"
)

const (
	// searchPages bounds how many hits of a text are looked at for one page: what
	// other conditions leave out is read in vain.
	searchPages = 20
	// readThrough is how many incidents are rather read for a text than looked up
	// by it: where another condition leaves so few, a frequent word has very many
	// hits that are none.
	readThrough = 400
)

// search returns a page of what holds a text, newest first, and what the other
// conditions choose, and after which incident the next page begins.
func search(ctx context.Context, tx *store.Tx, f *Filter, after string, most int) (list []Incident, next string, err error) {
	if conditions := f.conditions(); len(conditions) > 0 {
		few, err := rarest(ctx, tx, f, after, conditions)
		if err != nil {
			return nil, "", err
		}
		if few.number <= readThrough {
			return read(ctx, tx, f, after, conditions, most)
		}
	}
	before := int64(0)
	if after != "" {
		if before, err = tx.Place(ctx, searchRoom, after); err != nil {
			return nil, "", err
		}
	}
	for range searchPages {
		hits, err := tx.Search(ctx, searchRoom, f.Text, before, most+1)
		if err != nil {
			return nil, "", err
		}
		if len(hits) == 0 {
			return list, "", nil
		}
		ids := make([]string, len(hits))
		for i, h := range hits {
			ids[i] = h.ID
		}
		found, err := selectIncidentsOf(ctx, tx, f, ids)
		if err != nil {
			return nil, "", err
		}
		if list = append(list, found...); len(list) > most {
			return list[:most], list[most-1].ID, nil
		}
		if len(hits) <= most {
			return list, "", nil
		}
		before, next = hits[len(hits)-1].Place, ids[len(ids)-1]
	}
	return list, next, nil
}

// read looks for a text in the few incidents that the other conditions choose.
func read(ctx context.Context, tx *store.Tx, f *Filter, after string, conditions []condition, most int) (list []Incident, next string, err error) {
	question, err := store.NewQuestion(f.Text)
	if err != nil {
		return nil, "", err
	}
	all, err := among(ctx, tx, f, after, conditions, readThrough, readThrough)
	if err != nil {
		return nil, "", err
	}
	for k := range all {
		if !question.Matches(searched(&all[k])...) {
			continue
		}
		if len(list) == most {
			return list, list[most-1].ID, nil
		}
		list = append(list, all[k])
	}
	return list, "", nil
}
