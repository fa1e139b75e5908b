package intake

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// registry knows every source. Sources are told apart up to a limit; those
// beyond it share one name a kind, so that a sender that makes names up costs
// no more memory than one that does not.
type registry struct {
	path    string // "" when it is not kept
	limits  Limits
	now     func() time.Time
	started time.Time
	metrics *metrics

	mu sync.Mutex
	by map[string]*source // guarded by mu
}

// Registry is every source with its health, as it is stored and told.
type Registry struct {
	Sources []Health `json:"sources"`
	// Silent are workers, of several, that did not tell theirs, and Partial says why.
	Silent  []string `json:"silent,omitempty"`
	Partial []string `json:"partial,omitempty"`
}

// openRegistry reads what was known before. A damaged file costs history, not
// the start of the node: it is kept beside, and begun anew.
func openRegistry(path string, limits Limits, now func() time.Time, count prometheus.Registerer) (*registry, error) {
	r := &registry{path: path, limits: limits, now: now, started: now(), metrics: newMetrics(count), by: map[string]*source{}}
	r.watchSources(count)
	if path == "" {
		return r, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("registry of sources: %w", err)
	}
	var file Registry
	if err := json.Unmarshal(text, &file); err != nil {
		if err := os.Rename(path, path+".damaged"); err != nil {
			return nil, fmt.Errorf("registry of sources: %w", err)
		}
		return r, nil
	}
	for _, h := range file.Sources {
		r.by[h.Name] = restored(h, r)
	}
	return r, nil
}

// KnownSources returns the sources of a data directory whose node does not run,
// as it last wrote them.
func (c Config) KnownSources() (known Registry, err error) {
	text, err := os.ReadFile(c.registryPath())
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	if err != nil {
		return known, fmt.Errorf("registry of sources: %w", err)
	}
	return known, nil
}

func (c Config) registryPath() string { return filepath.Join(c.Dir, "sources.json") }

// save writes the registry, whole or not at all.
func (r *registry) save() error {
	if r.path == "" {
		return nil
	}
	text, err := json.Marshal(Registry{Sources: r.health()})
	if err != nil {
		return fmt.Errorf("registry of sources: %w", err)
	}
	err = os.MkdirAll(filepath.Dir(r.path), 0o700)
	if err == nil {
		err = replaceFile(r.path, text)
	}
	if err != nil {
		return fmt.Errorf("registry of sources: %w", err)
	}
	return nil
}

// nameLimit bounds a part of a source's name, which senders choose.
const nameLimit = 128

// label makes a part of a source's name from what a sender says.
func label(text string) string {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r == '\ufffd' {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(text, "_"))
	if len(text) > nameLimit {
		text = strings.ToValidUTF8(text[:nameLimit], "")
	}
	return text
}

// source returns the source of that kind and name, and registers it.
func (r *registry) source(kind, name string) *source {
	full := kind + "/" + name
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.by[full]
	if s == nil && len(r.by) >= r.limits.Sources {
		full = kind + "/others"
		s = r.by[full]
	}
	if s == nil {
		s = newSource(full, kind, r)
		r.by[full] = s
	}
	return s
}

// elsewhere returns a source of that full name that another node took in, and
// registers it.
func (r *registry) elsewhere(full string) *source {
	kind, name, _ := strings.Cut(full, "/")
	if kind == "" || name == "" { // none that an intake gives
		return nil
	}
	return r.source(kind, name)
}

// listener returns the source that stands for a listener: what is lost before
// its sender is known is counted there.
func (r *registry) listener(use, address string) *source {
	return r.source("listener", use+" "+address)
}

// find returns a source by its full name, or nil.
func (r *registry) find(name string) *source {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.by[name]
}

func (r *registry) all() []*source {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.by))
}

// health returns the health of all sources, by name.
func (r *registry) health() []Health {
	all := r.all()
	list := make([]Health, 0, len(all))
	now := r.now()
	for _, s := range all {
		h := s.health(now)
		h.Limit = r.limits.SourceEvents
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b Health) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// replaceFile writes a file that only we may read, whole or not at all.
func replaceFile(path string, text []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return os.Rename(temporary, path)
}
