package intel

import (
	"sync"
	"sync/atomic"
)

// Name is a field's name as a small number, the same everywhere in one
// process: comparing and indexing names costs nothing. Names are made by a
// Names table.
type Name uint32

// Unnamed is the name of every field seen after the table was full. No rule
// can name such a field (the names that rules use are interned first), but a
// keyword search still sees its value.
const Unnamed Name = 0

// NamesLimit bounds how many different names telemetry may add to a table, so
// that hostile input cannot fill memory with names. All of Sigma's rules use
// about 1,500; real sources bring some ten thousand.
const NamesLimit = 1 << 16

// pathLimit is how long a path may be to be named. Rules' longest field has
// about 100 bytes.
const pathLimit = 1 << 10

// Names gives every field name a number. It is safe for concurrent use.
//
// Rewrite, where set, turns the full dotted path under which a format writes a
// field ("Event.EventData.Image", "winlog.event_data.Image") into the name that
// rules use ("Image"). It is asked once for each path, the first time the path
// is seen, so renaming is free afterwards.
type Names struct {
	rewrite func(path string) string

	mu     sync.RWMutex
	byPath map[string]Name // guarded by mu: telemetry's paths
	byText map[string]Name // guarded by mu: the names themselves
	texts  atomic.Pointer[[]string]
}

// NewNames returns an empty table; rewrite may be nil.
func NewNames(rewrite func(path string) string) *Names {
	n := &Names{rewrite: rewrite, byPath: map[string]Name{}, byText: map[string]Name{"": Unnamed}}
	n.texts.Store(&[]string{""})
	return n
}

// Intern returns the number of a name that a rule or a mapping uses. It has no
// limit and does not rewrite.
func (n *Names) Intern(text string) Name {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.intern(text)
}

func (n *Names) intern(text string) Name {
	if name, ok := n.byText[text]; ok {
		return name
	}
	old := *n.texts.Load()
	name := Name(len(old))
	grown := append(old, text) //nolint:gocritic // readers hold shorter slices of the same array
	n.texts.Store(&grown)
	n.byText[text] = name
	return name
}

// Path returns the number of the name that a path in telemetry stands for,
// rewritten where the table rewrites. Past NamesLimit new paths get the name
// they stand for when a rule uses it, else Unnamed; a path of more than 1,024
// bytes is always Unnamed.
func (n *Names) Path(path []byte) Name {
	if len(path) > pathLimit {
		return Unnamed
	}
	n.mu.RLock()
	name, ok := n.byPath[string(path)]
	n.mu.RUnlock()
	if ok {
		return name
	}
	text := string(path)
	canonical := text
	if n.rewrite != nil {
		canonical = n.rewrite(text)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.byPath) >= NamesLimit {
		return n.byText[canonical]
	}
	name = n.intern(canonical)
	n.byPath[text] = name
	return name
}

// Full reports whether NamesLimit is reached, so that new paths that no rule
// uses go without a name.
func (n *Names) Full() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.byPath) >= NamesLimit
}

// Text returns the name's text: "" for Unnamed.
func (n *Names) Text(name Name) string {
	texts := *n.texts.Load()
	if int(name) >= len(texts) {
		return ""
	}
	return texts[name]
}

// Len returns one more than the highest Name given so far: the size of a table
// indexed by Name.
func (n *Names) Len() int { return len(*n.texts.Load()) }

// Cache is one goroutine's view of a Names table: the same answers without the
// lock. It is not safe for concurrent use.
type Cache struct {
	names *Names
	seen  map[string]Name
}

// NewCache returns an empty cache over n.
func NewCache(n *Names) *Cache { return &Cache{names: n, seen: map[string]Name{}} }

// Path is Names.Path.
func (c *Cache) Path(path []byte) Name {
	if name, ok := c.seen[string(path)]; ok {
		return name
	}
	name := c.names.Path(path)
	if len(c.seen) < NamesLimit {
		c.seen[string(path)] = name
	}
	return name
}
