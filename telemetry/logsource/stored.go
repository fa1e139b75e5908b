package logsource

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"

	"tocsin/intel"
)

// storedClass is a class's key: what it was made of, by names that stay the
// same when a mapping is extended or its entries say more than before.
type storedClass struct {
	Mapping   string            `json:"mapping"`
	Entries   []string          `json:"entries,omitempty"` // those that held, each by a hash of its condition
	Constants map[string]string `json:"constants,omitempty"`
}

// Key returns the text by which Class gives a resolver's class again, also in
// another process and with newer mappings; empty for records that no mapping
// holds for. Equal classes have equal keys.
func (m *Mappings) Key(class *intel.Class) string {
	m.mu.Lock()
	made, ok := m.origins[class]
	m.mu.Unlock()
	if !ok {
		return ""
	}
	stored := storedClass{Mapping: made.mapping.Mapping, Constants: class.Constants}
	for _, i := range made.holding {
		stored.Entries = append(stored.Entries, made.mapping.sources[i].mark)
	}
	key, err := json.Marshal(stored)
	if err != nil {
		panic(err) // texts can always be written
	}
	return string(key)
}

// Class returns the class of a key, the very one that a resolver gives the same
// records. It returns nil when the mappings no longer have what the key names,
// or hold as many classes as they may.
func (m *Mappings) Class(key string) *intel.Class {
	if key == "" {
		return m.unknown
	}
	var stored storedClass
	if json.Unmarshal([]byte(key), &stored) != nil {
		return nil
	}
	at := slices.IndexFunc(m.mappings, func(c *mapping) bool { return c.Mapping == stored.Mapping })
	if at < 0 {
		return nil
	}
	held := map[string]bool{}
	for _, mark := range stored.Entries {
		held[mark] = true
	}
	var holding []int
	found := map[string]bool{}
	for i := range m.mappings[at].sources {
		if mark := m.mappings[at].sources[i].mark; held[mark] {
			holding, found[mark] = append(holding, i), true
		}
	}
	if len(found) < len(held) {
		return nil
	}
	if stored.Constants == nil {
		stored.Constants = map[string]string{}
	}
	if made := m.intern(m.mappings[at], holding, stored.Constants); made.class != m.unknown {
		return made.class
	}
	return nil
}

// mark is a hash of an entry's condition. Entries with the same condition hold
// together, and have the same mark.
func (s *source) mark() string {
	h := fnv.New64a()
	for _, c := range s.When {
		fmt.Fprint(h, "clause")
		for _, t := range c {
			fmt.Fprintf(h, "%q %d %q", t.field, t.op, t.values)
		}
	}
	return strconv.FormatUint(h.Sum64(), 16)
}
