package memory

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"tocsin/intel"
	"tocsin/memory/archive"
	"tocsin/memory/journal"
	"tocsin/memory/ledger"
)

// Config is how a memory is kept. Names, Describe and Class must be set, as
// archive.Config says; the rest may be zero.
type Config struct {
	Journal journal.Config
	Ledger  ledger.Config
	Archive archive.Config
	Log     *slog.Logger
}

// Memory is the parts of a memory in one folder. Its parts are safe for
// concurrent use; one process at a time may have the folder open.
type Memory struct {
	Journal *journal.Journal
	Ledger  *ledger.Ledger
	Archive *archive.Archive

	holds   *holds
	acts    *acts
	erasing sync.Mutex // held while something is erased
}

// The folders of the parts, in a memory's.
const (
	JournalFolder = "journal"
	LedgerFolder  = "ledger"
	ArchiveFolder = "archive"
)

// Open opens the memory in a folder, which is made when it is not there.
func Open(dir string, c Config) (m *Memory, err error) {
	m = &Memory{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open memory: %w", err), m.Close())
		}
	}()
	if m.Journal, err = journal.Open(filepath.Join(dir, JournalFolder), c.Journal); err != nil {
		return m, err
	}
	c.Ledger.Log = c.Log
	if m.Ledger, err = ledger.Open(filepath.Join(dir, LedgerFolder), c.Ledger); err != nil {
		return m, err
	}
	if m.Archive, err = archive.Open(filepath.Join(dir, ArchiveFolder), c.Archive); err != nil {
		return m, err
	}
	if m.acts, err = openActs(dir); err != nil {
		return m, err
	}
	m.holds, err = openHolds(dir)
	return m, err
}

// Close closes the parts, the journal last: what the others did not keep is
// read from it again.
func (m *Memory) Close() error {
	var errs []error
	if m.Archive != nil {
		errs = append(errs, m.Archive.Close())
	}
	if m.Ledger != nil {
		errs = append(errs, m.Ledger.Close())
	}
	if m.Journal != nil {
		errs = append(errs, m.Journal.Close())
	}
	return errors.Join(errs...)
}

// Through returns the journal's entry up to which everything is remembered
// for good, whatever happens to the machine.
func (m *Memory) Through() uint64 { return min(m.Ledger.Durable(), m.Archive.Cursor()) }

// LogSources returns the log sources that events of a class belong to.
func LogSources(class *intel.Class) []intel.LogSource {
	var all []intel.LogSource
	for _, category := range class.Categories {
		all = append(all, intel.LogSource{Product: class.Product, Service: class.Service, Category: category})
	}
	if len(all) == 0 {
		all = append(all, intel.LogSource{Product: class.Product, Service: class.Service})
	}
	return append(all, class.Also...)
}
