package federation

import (
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

	"tocsin/internal/fault"
)

// entry is what the hub keeps of one member, a file each.
type entry struct {
	Key       string   // the public key it connects with; empty once expelled
	Suspended bool     `json:",omitempty"`
	Revoked   []string `json:",omitempty"` // keys it may not use any more
}

// roster is who may connect. It is on disk before it holds.
type roster struct {
	dir string

	mu      sync.Mutex
	members map[string]entry  // guarded by mu
	holders map[string]string // guarded by mu: the member by its key, also a revoked one
}

func openRoster(dir string) (*roster, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	r := &roster{dir: dir, members: map[string]entry{}, holders: map[string]string{}}
	for _, f := range files {
		member, ok := strings.CutSuffix(f.Name(), ".json")
		if !ok || CheckName(member) != nil {
			continue // what a crash left of writing one
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("federation: %w", err)
		}
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, fmt.Errorf("federation: %s: %w: %w", filepath.Join(dir, f.Name()), err, fault.Invalid)
		}
		r.put(member, e)
	}
	return r, nil
}

// put is called with mu held, or before anybody else has the roster.
func (r *roster) put(member string, e entry) {
	r.members[member] = e
	for _, key := range append(slices.Clone(e.Revoked), e.Key) {
		if key != "" {
			r.holders[key] = member
		}
	}
}

// change changes one member's entry; a member that is not known has an empty
// one. It reports whether other keys are revoked than before.
func (r *roster) change(member string, fn func(*entry) error) (revocation bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.members[member]
	after := before
	after.Revoked = slices.Clone(before.Revoked)
	if err := fn(&after); err != nil {
		return false, err
	}
	if holder, ok := r.holders[after.Key]; ok && after.Key != "" && holder != member {
		return false, fmt.Errorf("federation: the key of %s is that of %s already: %w", member, holder, fault.Conflict)
	}
	text, err := json.Marshal(after)
	if err == nil {
		err = writeFile(filepath.Join(r.dir, member+".json"), text)
	}
	if err != nil {
		return false, fmt.Errorf("federation: record of %s: %w", member, err)
	}
	r.put(member, after)
	return !slices.Equal(before.refused(), after.refused()), nil
}

// refused returns the keys that may not connect.
func (e entry) refused() []string {
	if e.Suspended && e.Key != "" {
		return append(slices.Clone(e.Revoked), e.Key)
	}
	return e.Revoked
}

func (r *roster) refused() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, e := range r.members {
		all = append(all, e.refused()...)
	}
	slices.Sort(all)
	return all
}

func (r *roster) admittedKey(member string) (key string, suspended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.members[member]
	return e.Key, e.Suspended
}

// check says whether something may go to, or come from, a member.
func (r *roster) check(member string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := r.members[member]; {
	case e.Key == "":
		return fmt.Errorf("federation: %q is not admitted: %w", member, fault.NotFound)
	case e.Suspended:
		return fmt.Errorf("federation: %s is suspended: %w", member, fault.Forbidden)
	}
	return nil
}

// admitted returns all members with their keys, by name.
func (r *roster) admitted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r.members)), func(m string) bool { return r.members[m].Key == "" })
}

// gone says whether a file was not there.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
