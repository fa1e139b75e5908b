package taxii

import (
	"context"
	"time"
)

// Query says which records of a collection are wanted. All that is set must hold.
type Query struct {
	After time.Time // only what was added later; zero for all
	Limit int       // how many at most, at least 1
	// IDs and Types are those of objects; none stands for all.
	IDs, Types []string
	// SpecVersions are 2.0 and 2.1; none stands for the newest that each object has.
	SpecVersions []string
	Versions     VersionFilter
	// Contents asks for the objects themselves.
	Contents bool
}

// VersionFilter says which versions of an object are wanted: those that any of
// its fields names. The zero value stands for the last one.
type VersionFilter struct {
	All, First, Last bool
	Exact            []time.Time
}

// View is what one client may see and do. What it may not see does not exist for it:
// where its markings hide the last version of an object, the last of those it may see
// is the last one.
//
// Errors are fault.NotFound for a collection that is not shown, fault.Forbidden for
// what is not allowed, fault.Unavailable when the store is not there now.
type View interface {
	// Collections returns those of an API root, always in the same order.
	Collections(ctx context.Context, root string) ([]Collection, error)
	// Records returns what the query asks for, in the order of adding, and whether
	// there is more of it after that.
	Records(ctx context.Context, collection string, q Query) (records []Record, more bool, err error)
	// Add adds records, whose Added it chooses, and returns for each why not, or
	// nil; of a version that is there already nil, when it is equal. A failure as a
	// whole has added nothing.
	Add(ctx context.Context, collection string, records []Record) (refused []error, err error)
	// Delete deletes those versions of an object that the query asks for.
	Delete(ctx context.Context, collection string, q Query) error
	// SaveStatus keeps a status for some time, for this client alone.
	SaveStatus(ctx context.Context, root string, s *Status) error
	// Status returns one that was saved for this client; fault.NotFound for others.
	Status(ctx context.Context, root, id string) (*Status, error)
	// Client names the client, so that what was handed to one is not another's.
	Client() string
}
