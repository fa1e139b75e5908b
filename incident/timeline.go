package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// EntryKind says what an entry of a timeline is about.
type EntryKind string

// The kinds of entry.
const (
	EntryOpened     EntryKind = "opened"
	EntryState      EntryKind = "state"
	EntryLevel      EntryKind = "level"
	EntryFact       EntryKind = "fact"
	EntryChange     EntryKind = "change" // of title, owner, cause and the like
	EntryComment    EntryKind = "comment"
	EntryEvent      EntryKind = "event" // something that happened, told by a person, at its own time
	EntryTask       EntryKind = "task"
	EntryEvidence   EntryKind = "evidence"
	EntryReport     EntryKind = "report" // one was submitted
	EntryObservable EntryKind = "observable"
	EntryAsset      EntryKind = "asset"
	EntryAlert      EntryKind = "alert"
	EntryLink       EntryKind = "link"
	EntryCorrection EntryKind = "correction" // of another entry
	EntryClock      EntryKind = "clock"      // a moment that starts clocks, a grade, a report sent
	EntryDeadline   EntryKind = "deadline"   // a deadline missed, a level proposed
)

// Entry is one thing that happened to a case. It is never changed.
type Entry struct {
	ID       string          `json:"id"` // in the order in which they were recorded
	Incident string          `json:"incident"`
	Kind     EntryKind       `json:"kind"`
	At       time.Time       `json:"at"`       // when it happened
	Recorded time.Time       `json:"recorded"` // when it was written down
	By       string          `json:"by"`
	Text     string          `json:"text"`           // Markdown in a comment; plain elsewhere
	Data     json.RawMessage `json:"data,omitempty"` // what changed, for programs
	// Corrects is the entry that this one corrects; CorrectedBy the one that
	// corrects this.
	Corrects    string `json:"corrects,omitempty"`
	CorrectedBy string `json:"corrected_by,omitempty"`
}

// Comment adds what somebody says about a case, in Markdown.
func (r *Register) Comment(ctx context.Context, c Change, words string) (Incident, error) {
	if err := checkTexts(text{"comment", &words, maxText, true}); err != nil {
		return Incident{}, err
	}
	return r.append(ctx, c, &Entry{Kind: EntryComment, Text: words})
}

// Note adds something that happened at a time of its own, such as a call or a
// measure taken.
func (r *Register) Note(ctx context.Context, c Change, at time.Time, words string) (Incident, error) {
	if err := checkTexts(text{"text", &words, maxText, true}); err != nil {
		return Incident{}, err
	}
	if at.After(r.now().Add(aheadAllowed)) {
		return Incident{}, fmt.Errorf("%s is in the future: %w", at.Format(time.RFC3339), fault.Invalid)
	}
	return r.append(ctx, c, &Entry{Kind: EntryEvent, At: at.UTC().Truncate(time.Microsecond), Text: words})
}

// aheadAllowed is by how much two clocks may differ.
const aheadAllowed = 5 * time.Minute

// Correct says that an entry is wrong, and what is right. The entry stays and is
// shown as corrected. The error is fault.Conflict for one that was corrected
// already: correct the correction.
func (r *Register) Correct(ctx context.Context, c Change, entry, words string) (Incident, error) {
	if err := checkTexts(text{"correction", &words, maxText, true}); err != nil {
		return Incident{}, err
	}
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		wrong, ok, err := selectEntry(ctx, tx, i.ID, entry)
		switch {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("incident %s has no entry %.80q: %w", i.Number, entry, fault.NotFound)
		case wrong.CorrectedBy != "":
			return fmt.Errorf("entry %s was corrected by %s: correct that one: %w", entry, wrong.CorrectedBy, fault.Conflict)
		}
		return r.tell(ctx, tx, c, i, &Entry{Kind: EntryCorrection, At: wrong.At, Text: words, Corrects: wrong.ID})
	})
}

func (r *Register) append(ctx context.Context, c Change, e *Entry) (Incident, error) {
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		return r.tell(ctx, tx, c, i, e)
	})
}

// Timeline returns entries of a case in the order in which they were recorded,
// after one (empty: from the first), at most so many. Where the last of them is
// not the last there is, more is true.
func (r *Register) Timeline(ctx context.Context, id, after string, most int) (entries []Entry, more bool, err error) {
	most = pageSize(most)
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := r.get(ctx, tx, id)
		if err != nil {
			return err
		}
		entries, err = selectTimeline(ctx, tx, i.ID, after, most+1)
		return err
	})
	if len(entries) > most {
		return entries[:most], true, err
	}
	return entries, false, err
}

const (
	// defaultPage is a screen or two.
	defaultPage = 100
	maxPage     = 1000
)

func pageSize(asked int) int {
	if asked <= 0 {
		return defaultPage
	}
	return min(asked, maxPage)
}
