package knowledge

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"time"
)

// State says since when a rule is switched off, and why.
type State struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
}

const statesFile = "disabled.json"

// Disabled returns the rules that are switched off, by ID. They stay off when
// their set is updated.
func (l *Library) Disabled() (map[string]State, error) {
	states := map[string]State{}
	err := readJSON(filepath.Join(l.dir, statesFile), &states)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("rules that are switched off: %w", err)
	}
	return states, nil
}

// Disable switches rules off.
func (l *Library) Disable(ids []string, s State) error {
	return l.change(func(states map[string]State) {
		for _, id := range ids {
			states[id] = s
		}
	})
}

// Enable switches rules on again; those that are on stay on.
func (l *Library) Enable(ids []string) error {
	return l.change(func(states map[string]State) {
		for _, id := range ids {
			delete(states, id)
		}
	})
}

func (l *Library) change(edit func(map[string]State)) error {
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	states, err := l.Disabled()
	if err != nil {
		return err
	}
	before := maps.Clone(states)
	edit(states)
	if maps.Equal(before, states) {
		return nil
	}
	return writeJSON(filepath.Join(l.dir, statesFile), states)
}
