package ledger

import (
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
)

// damage is what was found to be broken on disk.
type damage struct {
	mu    sync.Mutex
	files []string // guarded by mu
}

// damagedLimit bounds how many broken files are named.
const damagedLimit = 100

func (d *damage) found(l *Ledger, path string, why error) {
	path = filepath.Base(path)
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Contains(d.files, path) || len(d.files) >= damagedLimit {
		return
	}
	d.files = append(d.files, path)
	l.log.Error("a file of the ledger is damaged; what else it remembers is still answered",
		slog.String("file", filepath.Join(l.dir, storeFolder, path)), slog.Any("error", why))
}

func (d *damage) list() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.files)
}

// tableNumber finds the number of a file in what the database says.
var tableNumber = regexp.MustCompile(`(?:table|file) (\d{6,})`)

// explain says of an error of the database which file it is about.
func (l *Ledger) explain(err error) string {
	text := err.Error()
	if m := tableNumber.FindStringSubmatch(text); m != nil {
		return filepath.Join(l.dir, storeFolder, m[1]+".sst") + " is damaged: " + text
	}
	return text
}
